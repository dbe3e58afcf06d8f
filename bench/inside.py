"""What only a process of the product can say, as JSON: `python -m bench.inside sql`, or `costs`.

`costs` wants due leads and requests to confirm in the database, and a provider that answers at once.
"""

import json
import sys
import time

from django.db import connection, reset_queries
from django.test import Client

from bench import in_the_product  # noqa: F401 (first: the models want Django set up)
from leads import assignment, places
from leads.models import Lead
from notifications import sending, tasks

POSTAL_CODE = "75011"


def sql() -> dict[str, object]:
    """The statements of a confirmation, with their parameters unfilled."""
    return {
        "read": assignment._GET + " FOR UPDATE",
        "assign": assignment._ASSIGN_TO_FAIREST,
        "places": places.prefixes(POSTAL_CODE),
    }


def costs() -> dict[str, float]:
    """SQL statements, BEGIN and COMMIT counted, of a confirmation and of a delivery; its processor time alone."""
    tasks.enqueue = lambda lead_id: True
    due = list(Lead.objects.notification_due().values_list("pk", flat=True))
    tokens = list(Lead.objects.filter(status="pending").values_list("confirmation_token", flat=True)[:10])
    customer = Client(headers={"host": "localhost"})
    for lead_id in due[:50]:  # warm
        sending.deliver(lead_id)
    customer.post(f"/confirm/{tokens.pop()}/")
    begin = time.process_time()
    for lead_id in due[50:-10]:
        sending.deliver(lead_id)
    took = time.process_time() - begin
    return {
        "statements of a confirmation ()": _statements(lambda: customer.post(f"/confirm/{tokens.pop()}/")),
        "statements of a notification ()": _statements(lambda: sending.deliver(due[-1])),
        "processor time of one deliver (ms)": 1000 * took / len(due[50:-10]),
    }


def _statements(work) -> int:
    connection.force_debug_cursor = True
    reset_queries()
    work()
    connection.force_debug_cursor = False
    return len(connection.queries_log)


if __name__ == "__main__":
    print(json.dumps({"sql": sql, "costs": costs}[sys.argv[1]]()))
