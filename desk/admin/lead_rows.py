"""What is shown of a lead beside its own columns: asked for the leads of one page, never for a whole list."""

from collections.abc import Iterable
from functools import cache

from django.contrib.admin.views.main import ChangeList
from django.db import connection
from django.db.models import OuterRef, Subquery
from django.db.models.expressions import RawSQL
from django.http import HttpRequest

from desk.admin.badges import ARRIVED
from leads.models import Lead
from notifications import attention
from notifications.models import Attempt


class LeadList(ChangeList):
    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        self.result_list = with_details(self.result_list)


def with_details(leads: Iterable[Lead]) -> list[Lead]:
    """The leads, each with `sent_at`, `arrived` (a delivery, or None) and `reason` (a key of REASONS, or empty)."""
    leads = list(leads)
    found = {pk: details for pk, *details in _details([lead.pk for lead in leads])}
    for lead in leads:
        lead.sent_at, lead.arrived, lead.reason = found.get(lead.pk, (None, None, ""))
    return leads


def _details(ids: list[int]) -> list[tuple]:
    query, parameters = _statement()
    with connection.cursor() as cursor:
        cursor.execute(query, [*parameters[:-1], ids])
        return cursor.fetchall()


@cache
def _statement() -> tuple[str, tuple]:
    """Written once, since that takes the ORM as long as PostgreSQL takes to answer. The ids are its last parameter."""
    attempts = Attempt.objects.filter(lead=OuterRef("pk"))
    first = attempts.filter(outcome=Attempt.Outcome.ACCEPTED).order_by("finished_at").values("finished_at")[:1]
    current = attempts.filter(run=OuterRef("notification_run"), delivery__in=ARRIVED)
    arrived = current.order_by("-delivery").values("delivery")[:1]  # "read" before "delivered"
    chosen = Lead.objects.filter(pk__in=RawSQL("SELECT unnest(%s::integer[])", [[]]))
    details = chosen.values_list("pk", Subquery(first), Subquery(arrived), attention.reason_of_lead())
    return details.query.sql_with_params()
