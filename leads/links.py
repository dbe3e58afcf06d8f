from django.conf import settings
from django.urls import reverse

from leads.models import Lead


def confirmation_link(lead: Lead) -> str:
    """The address to send to the customer: whoever has it can confirm."""
    return settings.SITE_URL + reverse("confirm", args=[lead.confirmation_token])
