"""python -m sandbox: a provider to try against, until SIGINT or SIGTERM."""

import argparse
import errno
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

from sandbox import NotLocal, Sandbox, Webhook
from sandbox.network import local_address
from sandbox.script import ENDINGS, OTHERS

STOP = {signal.SIGINT, signal.SIGTERM}
SECRET = "WHATSAPP_CLOUD_APP_SECRET"


def main(arguments: Sequence[str] | None = None) -> None:
    options = _parser().parse_args(arguments)
    sandbox = _open(options)
    # Blocked before there are threads: all of them leave these signals to sigwait.
    signal.pthread_sigmask(signal.SIG_BLOCK, STOP)
    with sandbox:
        print(
            f"Faux fournisseur WhatsApp : {sandbox.url} "
            f"(TWILIO_API_URL={sandbox.url} ou WHATSAPP_CLOUD_API_URL={sandbox.url}/v25.0)",
            flush=True,
        )
        signal.sigwait(STOP)


def _parser() -> argparse.ArgumentParser:
    table = [f"  …{ending.digits}  {ending.effect}" for ending in ENDINGS]
    parser = argparse.ArgumentParser(
        prog="python -m sandbox",
        description="Sert un faux fournisseur WhatsApp (API de Twilio et de Meta) : aucun message ne part.",
        epilog="\n".join(["Les deux derniers chiffres du destinataire décident :", *table, f"  {OTHERS}"]),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    site = os.environ.get("SITE_URL", "").strip().rstrip("/")
    ours = f"{site}/webhooks/whatsapp/meta/" if site else ""
    add = parser.add_argument
    add("--host", default="127.0.0.1", help="adresse de bouclage (127.0.0.1)")
    add("--private-network", action="store_true", help="--host peut être sur un réseau privé : un service de compose")
    add("--port", type=int, default=8089, help="8089 ; 0 prend un port libre")
    add("--log", type=Path, help="fichier qui reçoit une ligne JSON par requête")
    add("--receipts", action="store_true", help="rend compte de chaque message accepté : envoyé, remis, lu")
    # The secret comes from the environment: on a command line, every user of the machine could read it.
    told = f"où Meta rend compte, signé avec {SECRET} (SITE_URL/webhooks/whatsapp/meta/)"
    add("--meta-webhook", metavar="URL", default=ours, help=told)
    told = "où va tout compte rendu, sur cette machine ou son réseau privé, quelle que soit l'adresse demandée"
    add("--deliver-to", metavar="HÔTE:PORT", type=_destination, help=told)
    return parser


def _destination(text: str) -> tuple[str, int]:
    """Host and port. Raises ArgumentTypeError."""
    host, _, port = text.rpartition(":")
    host = host.strip("[]")
    if not (host and port.isdecimal() and 0 < int(port) < 65536):
        raise argparse.ArgumentTypeError("attendu : HÔTE:PORT, comme web:8000")
    try:
        local_address(host, private_network=True)
    except NotLocal as exc:
        raise argparse.ArgumentTypeError(f"{host} n'est ni cette machine ni sur un réseau privé") from exc
    except OSError:
        pass  # a container that starts after this one has no name yet; each call looks again
    return host, int(port)


def _open(options: argparse.Namespace) -> Sandbox:
    """Exits with a sentence for people when it cannot be opened as asked."""
    secret = _secret()
    try:
        return Sandbox(
            options.host,
            options.port,
            log=options.log,
            receipts=options.receipts,
            meta_webhook=Webhook(options.meta_webhook, secret) if secret and options.meta_webhook else None,
            deliver_to=options.deliver_to,
            private_network=options.private_network,
        )
    except NotLocal:
        sys.exit(_not_local(options))
    except OverflowError:
        sys.exit("--port est un nombre de 0 à 65535.")
    except OSError as exc:
        sys.exit(_cannot(options, exc))


def _not_local(options: argparse.Namespace) -> str:
    if options.private_network:
        return f"{options.host} n'est ni une adresse de bouclage ni celle d'un réseau privé."
    return (
        f"{options.host} n'est pas une adresse de bouclage. "
        "Le faux fournisseur ne sert que cette machine : gardez --host 127.0.0.1."
    )


def _cannot(options: argparse.Namespace, exc: OSError) -> str:
    port = options.port
    if exc.errno == errno.EADDRINUSE:
        return f"Le port {port} est déjà pris. Arrêtez ce qui l'occupe, ou choisissez-en un autre : --port {port + 1}."
    where = f"d'écrire dans {options.log}" if exc.filename else f"de servir sur {options.host}:{port}"
    return f"Impossible {where} : {exc.strerror}."


def _secret() -> str:
    """What signs Meta's receipts, or the content of the file that names it; empty without either."""
    path = os.environ.get(f"{SECRET}_FILE", "").strip()
    if not path:
        return os.environ.get(SECRET, "").strip()
    try:
        return Path(path).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as exc:
        sys.exit(f"{SECRET}_FILE nomme un fichier qui ne peut pas être lu ({path}) : {exc}.")


if __name__ == "__main__":
    main()
