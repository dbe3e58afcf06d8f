import errno
import signal
from argparse import RawDescriptionHelpFormatter
from pathlib import Path

from django.core.management.base import BaseCommand, CommandError, CommandParser, DjangoHelpFormatter

from notifications.sandbox import NotLoopback, Sandbox
from notifications.sandbox.endings import ENDINGS, OTHERS

STOP = {signal.SIGINT, signal.SIGTERM}


class _Formatter(DjangoHelpFormatter, RawDescriptionHelpFormatter):
    """Keeps the lines of the table."""


class Command(BaseCommand):
    help = "Sert un faux fournisseur WhatsApp (API Twilio) sur cette machine : aucun message ne part."
    requires_system_checks = []  # it serves without database or provider settings

    def add_arguments(self, parser: CommandParser) -> None:
        parser.formatter_class = _Formatter
        table = [f"  …{ending.digits}  {ending.effect}" for ending in ENDINGS]
        parser.epilog = "\n".join(["Les deux derniers chiffres du destinataire décident :", *table, f"  {OTHERS}"])
        parser.add_argument("--host", default="127.0.0.1", help="adresse de bouclage (127.0.0.1)")
        parser.add_argument("--port", type=int, default=8089, help="8089 ; 0 prend un port libre")
        parser.add_argument("--log", type=Path, help="fichier qui reçoit une ligne JSON par requête")

    def handle(self, *, host: str, port: int, log: Path | None, **options: object) -> None:
        sandbox = _open(host, port, log)
        # Blocked before there are threads: all of them leave these signals to sigwait.
        signal.pthread_sigmask(signal.SIG_BLOCK, STOP)
        with sandbox:
            self.stdout.write(f"Faux fournisseur WhatsApp : {sandbox.url} (TWILIO_API_URL={sandbox.url})")
            self.stdout.flush()
            signal.sigwait(STOP)


def _open(host: str, port: int, log: Path | None) -> Sandbox:
    try:
        return Sandbox(host, port, log)
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
