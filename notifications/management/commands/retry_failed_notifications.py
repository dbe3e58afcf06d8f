import collections
import datetime
import functools
import re
import sys

from django.core.management import BaseCommand, CommandError
from django.db.models import BooleanField, ExpressionWrapper, Q
from django.db.models.functions import Coalesce
from django.utils import timezone
from django.utils.dateparse import parse_date, parse_datetime

from leads.database import DatabaseClock
from leads.models import Lead
from notifications import lifecycle
from notifications.rerun import rerun

UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


def age(text: str) -> datetime.timedelta:
    """A span such as 90m, 24h or 2d."""
    match = re.fullmatch(r"(\d{1,6})([smhd])", text)
    if not match:
        raise CommandError(f"--max-age doit ressembler à 90m, 24h ou 2d, pas à {text!r}.", returncode=2)
    return datetime.timedelta(**{UNITS[match[2]]: int(match[1])})


def instant(text: str) -> datetime.datetime:
    """A date, or a date and time in the local time zone."""
    try:
        day = parse_date(text)
        moment = datetime.datetime.combine(day, datetime.time()) if day else parse_datetime(text)
    except ValueError:
        moment = None
    if moment is None:
        raise CommandError(f"--since doit ressembler à 2026-11-23 ou 2026-11-23T14:30, pas à {text!r}.", returncode=2)
    return moment if timezone.is_aware(moment) else timezone.make_aware(moment)


class Command(BaseCommand):
    help = (
        "Starts a new run (at most two attempts) for notifications that failed. "
        "Exit status: 0 all well, 1 some could not be enqueued "
        "(the sweeper will deliver them) or were locked, 2 bad usage."
    )

    def add_arguments(self, parser) -> None:
        parser.add_argument("--lead", type=int, action="append", metavar="ID", help="only this lead (repeatable)")
        parser.add_argument("--since", metavar="INSTANT", help="only leads confirmed since, e.g. 2026-11-23T14:30")
        parser.add_argument("--max-age", default="24h", metavar="SPAN", help="leave older ones alone (default 24h)")
        parser.add_argument("--limit", type=int, metavar="N", help="at most N, the newest first")
        parser.add_argument("--dry-run", action="store_true", help="list what would be done, change nothing")

    def handle(self, *, lead: list[int] | None, dry_run: bool, **options: object) -> None:
        chosen, left = choose(lead, **{name: options[name] for name in ("since", "max_age", "limit")})
        if dry_run:
            for each in chosen:
                self.stdout.write(f"Lead {each.pk} - plombier {each.plumber_id} - {each.notification_error}")
            self._summarize(f"{len(chosen)} à relancer (rien n'est fait)", left, named=lead)
            return
        start_run = functools.partial(lifecycle.start_run, requested_by="retry_failed_notifications", only_failed=True)
        report = rerun([each.pk for each in chosen], prepare=start_run)
        self._summarize(
            f"{len(report.enqueued)} relancée(s), {len(report.not_enqueued)} sans broker (le veilleur les enverra)",
            left + report.left + [(lead_id, "refusée par la base de données") for lead_id in report.refused],
            named=lead,
        )
        if report.not_enqueued or report.refused:
            sys.exit(1)

    def _summarize(self, done: str, left: list[tuple[int, str]], named: list[int] | None) -> None:
        for lead_id, reason in left if named else []:  # else there may be thousands: the summary counts them
            self.stdout.write(f"Lead {lead_id} laissée : {reason}")
        reasons = collections.Counter(reason for _, reason in left)
        words = " (" + ", ".join(f"{count} {reason}" for reason, count in reasons.items()) + ")" if left else ""
        self.stdout.write(f"{done}, {len(left)} laissée(s){words}.")


def choose(
    ids: list[int] | None, *, since: str | None, max_age: str, limit: int | None
) -> tuple[list[Lead], list[tuple[int, str]]]:
    """The failed leads to run again, newest first, and the others that were meant, with the reason."""
    if limit is not None and limit < 1:
        raise CommandError("--limit doit être au moins 1.", returncode=2)
    oldest = DatabaseClock() - age(max_age)
    meant = Lead.objects.annotate(asked_at=Coalesce("confirmed_at", "created_at"))
    meant = meant.annotate(fresh=ExpressionWrapper(Q(asked_at__gt=oldest), BooleanField())).order_by("-asked_at", "-pk")
    meant = meant.filter(pk__in=ids) if ids else meant.filter(notification_status=Lead.NotificationStatus.FAILED)
    if since:
        meant = meant.filter(asked_at__gte=instant(since))
    chosen, left = [], []
    for lead in meant:
        if reason := _reason_to_leave(lead, max_age, full=limit is not None and len(chosen) >= limit):
            left.append((lead.pk, reason))
        else:
            chosen.append(lead)
    known = {lead.pk for lead in meant}
    left += [(lead_id, "inconnue ou écartée par --since") for lead_id in ids or [] if lead_id not in known]
    return chosen, left


def _reason_to_leave(lead: Lead, max_age: str, *, full: bool) -> str:
    if lead.notification_status != Lead.NotificationStatus.FAILED:
        return "pas en échec"
    if not lead.fresh:
        return f"plus vieille que {max_age} (--max-age)"
    return "au-delà de --limit" if full else ""
