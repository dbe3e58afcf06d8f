import datetime
import re

from django.core.management.base import BaseCommand, CommandError, CommandParser

from desk import personal_data


def span(text: str) -> datetime.timedelta:
    match = re.fullmatch(r"([1-9]\d{0,3})d", text)
    if not match:
        raise CommandError(f"--older-than attend un nombre de jours, par exemple 90d, et non {text!r}.")
    return datetime.timedelta(days=int(match[1]))


class Command(BaseCommand):
    help = "Makes personal data unreadable once it is older than that: numbers, messages, what providers wrote, logins."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--older-than", required=True, metavar="DAYS", help="such as 90d")
        parser.add_argument("--dry-run", action="store_true", help="count, and change nothing")

    def handle(self, *, older_than: str, dry_run: bool, **options: object) -> None:
        counts = personal_data.purge(span(older_than), dry_run=dry_run)
        verb = "à effacer" if dry_run else "effacées"
        self.stdout.write(f"Données personnelles {verb} : {', '.join(f'{n} {what}' for what, n in counts.items())}.")
