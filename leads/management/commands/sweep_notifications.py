import logging
import signal
import threading
from collections.abc import Callable

from django.conf import settings
from django.core.management import BaseCommand, CommandError
from django.db import connection

from leads.assignment import assign_waiting_leads
from notifications.preflight import Unusable, check_database, patiently
from notifications.sweeper import Sweeper
from notifications.tasks import enqueue

logger = logging.getLogger("notifications")


class Command(BaseCommand):
    help = (
        "The watchman, a process of its own beside the worker: every few seconds assigns waiting leads and sees "
        "that every notification that is due gets sent, also without broker or worker. Run as many as you like."
    )

    def add_arguments(self, parser) -> None:
        parser.add_argument("--once", action="store_true", help="sweep once, wait for what it sends, and end")

    def handle(self, *, once: bool, **options: object) -> None:
        try:
            patiently(check_database)
        except Unusable as exc:
            raise CommandError(str(exc)) from exc
        sweeper = Sweeper()
        stop = threading.Event()
        if not once:
            for name in (signal.SIGTERM, signal.SIGINT):
                signal.signal(name, lambda *_: stop.set())
            self.stdout.write(f"Veilleur en marche, un passage toutes les {settings.SWEEP_INTERVAL} s.")
        try:
            if once:
                done = self.assign() + sweeper.sweep()
                sweeper.wait()
                self.stdout.write(f"{done} demande(s) traitée(s).")
                return
            while not stop.is_set():
                self.safely(self.assign)
                self.safely(sweeper.sweep)
                stop.wait(settings.SWEEP_INTERVAL)
        finally:
            sweeper.close()

    def assign(self) -> int:
        assigned = assign_waiting_leads()
        for lead_id in assigned:
            logger.info("Lead %d attribué après attente", lead_id)
            enqueue(lead_id)
        return len(assigned)

    def safely(self, step: Callable[[], int]) -> None:
        """A step that fails (the database restarts, one bad row) is tried again at the next turn."""
        try:
            step()
        except Exception as exc:
            logger.error("Veilleur : passage manqué (%s), nouvel essai bientôt", type(exc).__name__)
            connection.close()
