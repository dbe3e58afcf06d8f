from django.contrib.auth.models import User
from django.core.management.base import BaseCommand, CommandError, CommandParser

from desk import devices


class Command(BaseCommand):
    help = "Takes the second factor from an operator who lost it; with the password alone, he may enrol again."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("username")

    def handle(self, *, username: str, **options: object) -> None:
        try:
            user = User.objects.get(username=username)
        except User.DoesNotExist:
            raise CommandError(f"Aucun compte ne s'appelle « {username} ».") from None
        if not devices.forget(user):
            self.stdout.write(f"{username} n'a pas de second facteur.")
            return
        self.stdout.write(f"Second facteur de {username} réinitialisé : il peut en enregistrer un nouveau.")
