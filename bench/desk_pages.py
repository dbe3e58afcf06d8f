"""Each page of the operators' desk, as JSON: the median of five requests, in ms. Wants the rows of bench/desk.py."""

import json
import statistics
import time

from django.contrib.auth import get_user_model
from django.test import Client

from bench import in_the_product  # noqa: F401 (first: the models want Django set up)
from leads.models import Lead
from notifications.attention import REASONS

LEADS, PLUMBERS = "/admin/leads/lead/", "/admin/leads/plumber/"
REQUESTS = 5


def pages() -> dict[str, str]:
    """Its address by what a page is called."""
    count = Lead.objects.count()
    lead = Lead.objects.filter(status="sent").order_by("pk")[count // 3]
    lists = {
        "all leads": "",
        "the last page": f"?p={min(40, (count - 1) // 50)}",
        "by number": "?o=1",
        "oldest first": "?o=2",
        "pending": "?status__exact=pending",
        "confirmed": "?status__exact=confirmed",
        "failed": "?notification=whatsapp_failed",
        "of one plumber": "?plumber__id__exact=7",
        "a number": f"?q={lead.phone}",
        "the end of a number": "?q=345678",
        "a word": "?q=fuite",
        "a postal code": "?q=75011",
        "a plumber's name": "?q=plombier",
        "nothing": "?q=dupont",
    } | {f"attention {reason}": f"?attention={reason}" for reason in REASONS}
    return (
        {"first page": "/admin/", "charts": "/admin/courbes/", "old failures": "/admin/anciennes/"}
        | {f"leads: {name}": LEADS + query for name, query in lists.items()}
        | {"search from the first page": "/admin/chercher/?q=75011", "packs to renew": f"{PLUMBERS}?reste=peu"}
        | {"plumbers": PLUMBERS, "a plumber": f"{PLUMBERS}7/change/", "a lead": f"{LEADS}{lead.pk}/change/"}
        | {"why this plumber": f"/admin/pourquoi/{lead.pk}/", "proof": f"/admin/preuve/{lead.pk}/"}
        | {"the pack ledger": "/admin/leads/packentry/"}
    )


def median(operator: Client, page: str) -> float:
    waits = []
    for _ in range(1 + REQUESTS):
        began = time.perf_counter()
        answer = operator.get(page)
        waits.append(1000 * (time.perf_counter() - began))
        if answer.status_code != 200:
            raise SystemExit(f"{page} answers {answer.status_code}")
    return statistics.median(waits[1:])


if __name__ == "__main__":
    operator = Client(headers={"host": "localhost"})
    user, _ = get_user_model().objects.get_or_create(
        username="bench", defaults={"is_staff": True, "is_superuser": True}
    )
    operator.force_login(user)
    print(json.dumps({name: median(operator, page) for name, page in pages().items()}))
