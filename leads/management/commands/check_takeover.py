from django.core.checks import Tags
from django.core.management import BaseCommand, CommandError
from django.db import DEFAULT_DB_ALIAS, DatabaseError, connections

from leads.takeover import look
from leads.takeover.answers import answer


class Command(BaseCommand):
    help = "Says what would keep migrate from taking over the old database, and how long it takes. Changes nothing."
    requires_system_checks = [Tags.database]

    def get_check_kwargs(self, options: dict) -> dict:
        return super().get_check_kwargs(options) | {"databases": [DEFAULT_DB_ALIAS]}

    def handle(self, **options: object) -> None:
        connection = connections[DEFAULT_DB_ALIAS]
        try:
            if not look.is_due(connection):
                self.stdout.write("This database has been taken over already.")
                return
            look.refuse(connection)
            self.stdout.write(f"Nothing is in the way. {look.size(connection) or 'There are no old tables.'}")
        except DatabaseError as exc:
            raise CommandError(answer(exc)) from exc
