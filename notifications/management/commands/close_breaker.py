from django.core.management import BaseCommand

from notifications import breaker


class Command(BaseCommand):
    help = "Let notifications be sent again, without waiting for a probe that the provider answers well."

    def handle(self, **options: object) -> None:
        closed = breaker.close(by="commande close_breaker")
        self.stdout.write("Envois repris." if closed else "Les envois n'étaient pas suspendus.")
