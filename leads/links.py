from urllib.parse import quote

from django.conf import settings

from leads.models import Lead


def confirmation_path(token: str) -> str:
    """Old tokens may hold any character."""
    return f"/confirm/{quote(token, safe='')}/"


def confirmation_link(lead: Lead) -> str:
    """The address to send to the customer: whoever has it can confirm."""
    return settings.SITE_URL + confirmation_path(lead.confirmation_token)
