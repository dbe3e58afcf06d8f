from django.core.management import BaseCommand, CommandError
from django.db import transaction

from leads import ledger
from leads.assignment import take_turn

ADOPTED = "différence constatée par check_ledger"


class Command(BaseCommand):
    help = "Proves that every plumber's counters are what the pack ledger says, or names those that differ (status 1)."

    def add_arguments(self, parser) -> None:
        parser.add_argument("--adopt", action="store_true", help="book each difference as a correction")

    def handle(self, *, adopt: bool, **options: object) -> None:
        """Each plumber whose counters differ; CommandError if there are any and they are not adopted."""
        found = list(ledger.differences())
        for plumber in found:
            self.stdout.write(
                f"Plombier {plumber.pk} : {plumber.leads_received}/{plumber.pack_size} dans la table, "
                f"{plumber.booked_received}/{plumber.booked_size} au registre"
            )
            if adopt:
                self._adopt(plumber.pk)
        if found and not adopt:
            raise CommandError(f"{len(found)} plombier(s) dont les compteurs diffèrent du registre.")
        done = f"{len(found)} différence(s) inscrite(s) au registre." if found else "Le registre est juste."
        self.stdout.write(done)

    @transaction.atomic
    def _adopt(self, plumber_id: int) -> None:
        take_turn()
        ledger.adopt(plumber_id, actor="check_ledger", reason=ADOPTED)
