from django.core.management import BaseCommand, CommandError

from notifications import alert_sending, alerts
from notifications.alert_mail import MailProblem
from notifications.alert_webhook import WebhookProblem
from notifications.models import AlertMessage


class Command(BaseCommand):
    help = "Send a test to each of ALERT_EMAILS and to ALERT_WEBHOOK_URL, now, and say what became of it."

    def handle(self, **options: object) -> None:
        if not (addresses := alerts.addresses()):
            raise CommandError("Ni ALERT_EMAILS ni ALERT_WEBHOOK_URL : personne ne serait alerté.")
        if failed := sum(not self.reaches(address) for address in addresses):
            raise CommandError(f"{failed} sur {len(addresses)} n'a pas été atteint.")

    def reaches(self, address: str) -> bool:
        message = AlertMessage.objects.create(kind=AlertMessage.Kind.TEST, address=address, due_at=None)
        message.refresh_from_db()
        try:
            alert_sending.deliver(message)
        except (MailProblem, WebhookProblem) as problem:
            self.stdout.write(f"{address} : {problem}")
            return False
        self.stdout.write(f"{address} : envoyé")
        return True
