"""What is known of a person: to be shown to them, and to become unreadable. Figures and packs stay."""

import datetime
import re
from collections.abc import Iterator

from axes.models import AccessAttempt, AccessLog
from django.contrib.admin.models import LogEntry
from django.db import transaction
from django.db.models import Case, F, Func, Q, QuerySet, TextField, Value, When

from leads.database import DatabaseClock, database_time
from leads.models import ERASED, Lead, LeadQuerySet, Plumber
from leads.phones import spaced, to_e164
from notifications.models import Attempt, Intervention, ProviderNews, Receipt

BATCH = 500  # leads, or rows of a log, in one transaction
# A number within a text, in the spellings of operators and customers.
NUMBER = r"(?<![0-9])(\+|00)?[0-9]([ .-]?[0-9]){8,14}(?![0-9])"


class StillServed(Exception):
    """What may not be erased yet; its text is French and says why."""


def finished(leads: LeadQuerySet) -> LeadQuerySet:
    """Of these, the leads in which nothing happens by itself any more."""
    promised = Q(status=Lead.Status.PENDING, token_expires_at__gt=DatabaseClock())
    waiting = Q(pk__in=Lead.objects.waiting().values("pk"))
    owed = Q(notification_status=Lead.NotificationStatus.PENDING, notification_retry_at__isnull=False)
    return leads.exclude(promised | waiting | owed)


# --- Too old ---------------------------------------------------------------------------------------


def purge(older_than: datetime.timedelta, *, dry_run: bool = False) -> dict[str, int]:
    """Make unreadable what is older than that; how many rows of each kind.

    Stopped halfway, it goes on when repeated.
    """
    before = database_time() - older_than
    counts = {"demandes": _purge_leads(before, dry_run)}
    counts |= {
        name: _in_batches(rows, fields, dry_run)
        for name, (rows, fields) in {
            "accusés sans tentative": (
                Receipt.objects.filter(attempt=None, received_at__lt=before).exclude(detail=""),
                {"detail": ""},
            ),
            "nouvelles du fournisseur": (
                ProviderNews.objects.filter(last_received_at__lt=before).exclude(detail=""),
                {"detail": ""},
            ),
            "journal de l'administration": (_with_number(LogEntry.objects.filter(action_time__lt=before)), _MASKED),
        }.items()
    }
    logins = [kind.objects.filter(attempt_time__lt=before) for kind in (AccessAttempt, AccessLog)]
    counts["connexions"] = sum(each.count() if dry_run else each.delete()[0] for each in logins)
    return counts


def _purge_leads(before: datetime.datetime, dry_run: bool) -> int:
    """In the order of the index leads_created, each batch in its own transaction; without a time of creation, last."""
    count = 0
    for ids in _old_leads(before):
        old = finished(Lead.objects.filter(pk__in=ids)).exclude(phone=ERASED)
        count += old.count() if dry_run else _erase_leads(old)
    return count


def _old_leads(before: datetime.datetime) -> Iterator[list[int]]:
    dated, since = Lead.objects.filter(created_at__lt=before).order_by("created_at", "pk"), None
    while batch := list(_after(dated, since).values_list("created_at", "pk")[:BATCH]):
        since = batch[-1]
        yield [pk for _, pk in batch]
    undated, last = Lead.objects.filter(created_at=None, token_expires_at__lt=before).order_by("pk"), 0
    while ids := list(undated.filter(pk__gt=last).values_list("pk", flat=True)[:BATCH]):
        last = ids[-1]
        yield ids


def _after(leads: QuerySet, since: tuple | None) -> QuerySet:
    if since is None:
        return leads
    created_at, pk = since
    return leads.filter(Q(created_at__gt=created_at) | Q(created_at=created_at, pk__gt=pk), created_at__gte=created_at)


class _Mask(Func):
    function, output_field = "regexp_replace", TextField()

    def __init__(self, field: str) -> None:
        super().__init__(F(field), Value(NUMBER), Value("…"), Value("g"))


_MASKED = {"object_repr": _Mask("object_repr"), "change_message": _Mask("change_message")}


def _with_number(entries: QuerySet) -> QuerySet:
    return entries.filter(Q(object_repr__regex=NUMBER) | Q(change_message__regex=NUMBER))


def _in_batches(rows: QuerySet, fields: dict[str, object], dry_run: bool) -> int:
    """Set the fields of these rows, which then are no longer among them."""
    if dry_run:
        return rows.count()
    count = 0
    while done := rows.model.objects.filter(pk__in=list(rows.values_list("pk", flat=True)[:BATCH])).update(**fields):
        count += done
    return count


@transaction.atomic
def _erase_leads(leads: LeadQuerySet) -> int:
    """Looked at again under a lock; whatever somebody holds stays for the next time. How many leads."""
    ids = list(leads.select_for_update(skip_locked=True, of=("self",)).values_list("pk", flat=True))
    attempts = Attempt.objects.filter(lead__in=ids)
    # Meta's message ids hold the number, in base64.
    unreadable = When(provider_message_id__startswith="wamid.", then=Value(ERASED))
    Receipt.objects.filter(attempt__in=attempts).update(
        detail="", message_id=Case(When(message_id__startswith="wamid.", then=Value(ERASED)), default=F("message_id"))
    )
    attempts.update(
        recipient="",
        text="",
        error_detail="",
        provider_message_id=Case(unreadable, default=F("provider_message_id")),
    )
    Intervention.objects.filter(lead__in=ids).update(words=_Mask("words"))
    return Lead.objects.filter(pk__in=ids).update(phone=ERASED, emergency_type=_Mask("emergency_type"))


# --- One person ------------------------------------------------------------------------------------


def export(number: str) -> dict:
    """All that is kept under this telephone number, for JSON. Raises UnusableNumber."""
    leads = [
        _plain(lead, ("id", "phone", "postal_code", "emergency_type", "status", "created_at", "confirmed_at",
                      "cancelled_at", "source", "consent_version", "consent_at", "notification_status"))
        | {"messages": [_plain(each, ("recipient", "text", "started_at", "outcome", "delivery", "delivered_at",
                                      "read_at", "error_detail")) for each in lead.attempts.all()]}
        | {"interventions": [_plain(each, ("created_at", "kind", "words")) for each in lead.interventions.all()]}
        for lead in _leads_of(number).prefetch_related("attempts", "interventions").order_by("pk")
    ]  # fmt: skip
    plumbers = [
        _plain(plumber, ("id", "name", "phone", "zones", "pack_size", "leads_received", "status", "created_at"))
        | {"leads": list(plumber.leads.order_by("pk").values_list("pk", flat=True))}
        for plumber in _plumbers_of(number)
    ]
    log = _mentioning(number).values("action_time", "object_repr", "change_message").order_by("pk")
    return {"number": to_e164(number), "leads": leads, "plumbers": plumbers, "admin_log": list(log)}


def erase(number: str) -> tuple[int, int]:
    """Make this person's data unreadable: how many leads were erased, and how many are still served and stay.

    Raises UnusableNumber, and StillServed when it is the number of a plumber who may still get leads.
    """
    plumbers = _plumbers_of(number)
    if busy := plumbers.exclude(status=Plumber.Status.PAUSED).first():
        raise StillServed(f"C'est le numéro du plombier n° {busy.pk} : mettez-le d'abord en pause.")
    spellings = _spellings(number)
    mine = _leads_of(number)
    erased = 0
    for ids in _batches(finished(mine)):
        erased += _erase_leads(finished(Lead.objects.filter(pk__in=ids)))
    for plumber in plumbers:
        Attempt.objects.filter(lead__plumber=plumber, recipient__in=spellings).update(recipient="")
    plumbers.update(phone=ERASED, name="")
    _in_batches(_mentioning(number), _MASKED, dry_run=False)
    return erased, mine.count()


def _batches(leads: LeadQuerySet) -> Iterator[list[int]]:
    ids = list(leads.order_by("pk").values_list("pk", flat=True))
    return (ids[start : start + BATCH] for start in range(0, len(ids), BATCH))


def _leads_of(number: str) -> LeadQuerySet:
    return Lead.objects.with_phone(number)


def _plumbers_of(number: str) -> QuerySet:
    return Plumber.objects.with_phone(number)


def _spellings(number: str) -> list[str]:
    """As the old system and ours write it. In the national plan, overseas numbers look like any other."""
    e164 = to_e164(number)
    if not (french := re.fullmatch(r"\+(?:33|262|590|594|596)([1-9][0-9]{8})", e164)):
        return [e164, f"00{e164[1:]}", e164[1:]]
    national = f"0{french[1]}"
    codes = {e164, to_e164(national), f"+33{french[1]}"}
    return [national, spaced(national), *codes, *(f"00{code[1:]}" for code in codes), *(code[1:] for code in codes)]


def _mentioning(number: str) -> QuerySet:
    wanted = Q()
    for spelling in _spellings(number):
        wanted |= Q(object_repr__contains=spelling) | Q(change_message__contains=spelling)
    return LogEntry.objects.filter(wanted)


def _plain(row: object, fields: tuple[str, ...]) -> dict:
    return {name: getattr(row, name) for name in fields}
