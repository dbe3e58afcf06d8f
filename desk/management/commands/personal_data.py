import json

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.core.serializers.json import DjangoJSONEncoder

from desk import personal_data
from leads.phones import UnusableNumber


class Command(BaseCommand):
    help = "Shows (JSON) or erases what is kept under one telephone number."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("action", choices=["export", "erase"])
        parser.add_argument("number")

    def handle(self, *, action: str, number: str, **options: object) -> None:
        try:
            self._export(number) if action == "export" else self._erase(number)
        except (UnusableNumber, personal_data.StillServed) as exc:
            raise CommandError(str(exc)) from exc

    def _export(self, number: str) -> None:
        data = personal_data.export(number)
        self.stdout.write(json.dumps(data, cls=DjangoJSONEncoder, ensure_ascii=False, indent=2))

    def _erase(self, number: str) -> None:
        erased, left = personal_data.erase(number)
        self.stdout.write(f"{erased} demande(s) effacée(s).")
        if left:
            raise CommandError(f"{left} demande(s) encore en cours : recommencez une fois qu'elles sont terminées.")
