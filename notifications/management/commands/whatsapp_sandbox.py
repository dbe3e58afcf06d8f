import errno
import signal
from argparse import RawDescriptionHelpFormatter
from pathlib import Path

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser, DjangoHelpFormatter

from notifications.sandbox import NotLoopback, Sandbox, Webhook
from notifications.sandbox.endings import ENDINGS, OTHERS

STOP = {signal.SIGINT, signal.SIGTERM}


class _Formatter(DjangoHelpFormatter, RawDescriptionHelpFormatter):
    """Keeps the lines of the table."""


class Command(BaseCommand):
    help = "Sert un faux fournisseur WhatsApp (API de Twilio et de Meta) sur cette machine : aucun message ne part."
    requires_system_checks = []  # it serves without database or provider settings

    def add_arguments(self, parser: CommandParser) -> None:
        parser.formatter_class = _Formatter
        table = [f"  …{ending.digits}  {ending.effect}" for ending in ENDINGS]
        parser.epilog = "\n".join(["Les deux derniers chiffres du destinataire décident :", *table, f"  {OTHERS}"])
        parser.add_argument("--host", default="127.0.0.1", help="adresse de bouclage (127.0.0.1)")
        parser.add_argument("--port", type=int, default=8089, help="8089 ; 0 prend un port libre")
        parser.add_argument("--log", type=Path, help="fichier qui reçoit une ligne JSON par requête")
        told = "rend compte de chaque message accepté : envoyé, remis, lu"
        parser.add_argument("--receipts", action="store_true", help=told)
        # The secret comes from the settings: on a command line, every user of the machine could read it.
        ours = f"{settings.SITE_URL}/webhooks/whatsapp/meta/"
        told = "où Meta rend compte, signé avec WHATSAPP_CLOUD_APP_SECRET (%(default)s)"
        parser.add_argument("--meta-webhook", metavar="URL", default=ours, help=told)

    def handle(
        self, *, host: str, port: int, log: Path | None, receipts: bool, meta_webhook: str, **options: object
    ) -> None:
        sandbox = _open(host, port, log, receipts, meta_webhook)
        # Blocked before there are threads: all of them leave these signals to sigwait.
        signal.pthread_sigmask(signal.SIG_BLOCK, STOP)
        with sandbox:
            self.stdout.write(
                f"Faux fournisseur WhatsApp : {sandbox.url} "
                f"(TWILIO_API_URL={sandbox.url} ou WHATSAPP_CLOUD_API_URL={sandbox.url}/v25.0)"
            )
            self.stdout.flush()
            signal.sigwait(STOP)


def _open(host: str, port: int, log: Path | None, receipts: bool, meta_webhook: str) -> Sandbox:
    secret = settings.WHATSAPP_CLOUD_APP_SECRET
    webhook = Webhook(meta_webhook, secret) if secret else None
    try:
        return Sandbox(host, port, log, receipts=receipts, meta_webhook=webhook)
    except NotLoopback as exc:
        raise CommandError(
            f"{host} n'est pas une adresse de bouclage. "
            "Le faux fournisseur ne sert que cette machine : gardez --host 127.0.0.1."
        ) from exc
    except OverflowError as exc:
        raise CommandError("--port est un nombre de 0 à 65535.") from exc
    except OSError as exc:
        if exc.errno == errno.EADDRINUSE:
            raise CommandError(
                f"Le port {port} est déjà pris. Arrêtez ce qui l'occupe, ou choisissez-en un autre : --port {port + 1}."
            ) from exc
        where = f"d'écrire dans {log}" if exc.filename else f"de servir sur {host}:{port}"
        raise CommandError(f"Impossible {where} : {exc.strerror}.") from exc
