import logging
import signal
from collections.abc import Callable

from django.conf import settings
from django.core.management import BaseCommand, CommandError
from django.db import connection

from leads.assignment import assign_waiting_leads
from leads.database import bound_every_query, drop_if_useless, sqlstate, waited
from notifications import tasks
from notifications.signs_of_life import SignsOfLife
from notifications.startup import Unusable, check_database, check_settings, patiently
from notifications.sweeper import Sweeper

logger = logging.getLogger("notifications")

ENDINGS = {signal.SIGTERM, signal.SIGINT}


class Command(BaseCommand):
    help = (
        "The sweeper, a process of its own beside the worker: every few seconds assigns waiting leads and sees "
        "that every notification that is due gets sent, also without broker or worker. Run as many as you like."
    )

    requires_system_checks = []  # check_settings makes them

    def add_arguments(self, parser) -> None:
        parser.add_argument("--once", action="store_true", help="sweep once, wait for what it sends, and end")

    def handle(self, *, once: bool, **options: object) -> None:
        check_settings()
        signs = None if once else SignsOfLife("sweeper")
        try:
            bound_every_query()
            patiently(check_database)
        except Unusable as exc:
            raise CommandError(str(exc)) from exc
        sweeper = Sweeper()
        try:
            if signs:
                self.sweep_until_told(sweeper, signs)
            else:
                self.sweep_once(sweeper)
        finally:
            sweeper.close()

    def sweep_once(self, sweeper: Sweeper) -> None:
        done = self.assign() + sweeper.sweep()
        sweeper.wait()
        self.stdout.write(f"{done} demande(s) traitée(s).")

    def sweep_until_told(self, sweeper: Sweeper, signs: SignsOfLife) -> None:
        signal.pthread_sigmask(signal.SIG_BLOCK, ENDINGS)  # taken between two sweeps, never within one
        self.stdout.write(f"Veilleur en marche, un passage toutes les {settings.SWEEP_INTERVAL} s.")
        with connection.execute_wrapper(signs.beat_and):
            while True:
                signs.show()
                self.safely(self.assign)
                self.safely(sweeper.sweep)
                if signal.sigtimedwait(ENDINGS, settings.SWEEP_INTERVAL):
                    return signs.end()

    def assign(self) -> int:
        assigned = assign_waiting_leads()
        for lead_id in assigned:
            logger.info("Lead %d attribué après attente", lead_id)
            tasks.enqueue(lead_id)
        return len(assigned)

    def safely(self, step: Callable[[], int]) -> None:
        """A step that fails (the database restarts, one bad row) is tried again at the next turn."""
        try:
            step()
        except Exception as exc:
            if drop_if_useless(exc) or waited(exc):
                cause = sqlstate(exc) or type(exc).__name__
                logger.error("Veilleur : passage manqué (%s), nouvel essai bientôt", cause)
            else:
                logger.exception("Veilleur : erreur inattendue, nouvel essai bientôt")
