"""For the health check of a container: does the worker, or the sweeper, of this machine work?"""

import socket

from django.core.management import BaseCommand, CommandError

from notifications.models import SignOfLife


class Command(BaseCommand):
    help = "Exit 0 if a worker (or a sweeper) on this machine has shown a sign of life in the last 45 s, else 1."
    requires_system_checks = []

    def add_arguments(self, parser) -> None:
        parser.add_argument("process", choices=("worker", "sweeper"))

    def handle(self, *, process: str, **options: object) -> None:
        if not SignOfLife.objects.working().filter(process=process, host=socket.gethostname()).exists():
            raise CommandError(f"No {process} works on this machine.")
