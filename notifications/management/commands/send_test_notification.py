import uuid

from django.conf import settings
from django.core.management import BaseCommand, CommandError, CommandParser

from leads.phones import UnusableNumber, to_e164
from notifications.messages import TEMPLATE
from notifications.providers import explain, get_provider
from notifications.providers.base import DeliveryError, Message, UnknownOutcome

EXAMPLE = ("06 39 98 00 02", "75011", "Essai, ne pas rappeler")


class Command(BaseCommand):
    help = "Sends one message with made-up values through the configured provider and shows the provider's answer."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--to", required=True, metavar="NUMBER", help="06 12 34 56 78 or +33612345678")

    def handle(self, *, to: str, **options: object) -> None:
        try:
            recipient = to_e164(to)
        except UnusableNumber as exc:
            raise CommandError(f"--to : {exc}.", returncode=2) from exc
        message = Message(recipient, TEMPLATE.format(*EXAMPLE), EXAMPLE, reference=str(uuid.uuid4()))
        try:
            accepted = get_provider().send(message)
        except DeliveryError as exc:
            raise CommandError(_told(exc)) from exc
        held = f" Retenu par WhatsApp ({accepted.held})." if accepted.held else " Regardez le téléphone."
        self.stdout.write(f"Accepté par {settings.WHATSAPP_BACKEND} : message {accepted.message_id}.{held}")


def _told(error: DeliveryError) -> str:
    certain = "Peut-être envoyé" if isinstance(error, UnknownOutcome) else "Pas envoyé"
    lines = [f"{certain} par {settings.WHATSAPP_BACKEND}. {error}."]
    if error.detail:
        lines.append(f"Le fournisseur dit : {error.detail}")
    lines.append(f"Que faire : {explain(settings.WHATSAPP_BACKEND, error.code, error.http_status).action}")
    return "\n".join(lines)
