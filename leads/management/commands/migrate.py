"""Django's migrate, one at a time, with a look at the old system's tables before anything changes."""

from django.core.management import CommandError
from django.core.management.commands import migrate
from django.db import DatabaseError, OperationalError, connections, transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.migrations import Migration

from leads.models import Lead
from leads.takeover import look
from leads.takeover.answers import answer
from leads.takeover.locks import hold_tables, one_at_a_time

TAKEN_OVER = ("leads", "0004_assignment_and_runs")  # from here on the tables are ours
ONLY_SHOWS = ("plan", "check_unapplied", "fake", "prune")
NO_WAY_BACK = (
    "migrate goes forward only where there are leads: going back drops columns and tables with what was sent to whom. "
    "Nothing was changed. docs/takeover.md has the ways back."
)


class Command(migrate.Command):
    def handle(self, *args: object, **options: object) -> None:
        if any(options[name] for name in ONLY_SHOWS):
            return super().handle(*args, **options)
        self.verbosity = options["verbosity"]
        connection = self.connection = connections[options["database"]]
        try:
            with one_at_a_time(connection, self.say):
                if look.is_due(connection):
                    look.refuse(connection)
                    if not options["app_label"]:
                        self.take_over(connection, options)
                super().handle(*args, **options)
        except OperationalError as exc:
            raise CommandError(f"{answer(exc)} Run migrate again: it goes on where it stopped.") from exc

    def take_over(self, connection: BaseDatabaseWrapper, options: dict) -> None:
        """The old tables become ours in one transaction: all of it or nothing."""
        size = look.size(connection)
        if not size:
            return
        self.say(size)
        app_label, migration_name = TAKEN_OVER
        try:
            with transaction.atomic(connection.alias):
                hold_tables(connection)
                super().handle(**options | {"app_label": app_label, "migration_name": migration_name})
        except DatabaseError as exc:
            raise CommandError(f"{answer(exc)} Nothing was changed.") from exc

    def migration_progress_callback(self, action: str, migration: Migration | None = None, fake: bool = False) -> None:
        if action == "unapply_start" and not fake and Lead.objects.using(self.connection.alias).exists():
            raise CommandError(NO_WAY_BACK)
        super().migration_progress_callback(action, migration, fake)

    def say(self, sentence: str) -> None:
        if self.verbosity:
            self.stdout.write(sentence)
            self.stdout.flush()  # what follows may take a while
