"""`make run`: the whole product on this machine until Ctrl-C, its data kept in .cache/run."""

import json
import os
import secrets
import sys
import time

from dev.failures import FAILURES, sentence
from dev.folders import CACHE, InUse, held
from dev.news import News
from dev.ports import is_taken
from dev.samples import make_login, sample_link
from dev.signals import endings_unwind
from dev.stack import Stack
from dev.timeline import Timeline

FOLDER = CACHE / "run"
OWN_SERVERS = ("DATABASE_URL", "REDIS_URL", "CELERY_BROKER_URL")


def main() -> None:
    timeline = Timeline()
    try:
        with endings_unwind():
            FOLDER.mkdir(parents=True, exist_ok=True)
            with held(FOLDER):
                serve(timeline)
    except KeyboardInterrupt:
        timeline.say("Everything is stopped.")
    except InUse:
        sys.exit("Error: `make run` already serves from this folder: stop it first (Ctrl-C where it runs).")
    except FAILURES as exc:
        sys.exit(f"Error: {sentence(exc)}")


def serve(timeline: Timeline) -> None:
    web_port, sandbox_port = chosen_ports()
    kept = kept_secrets()
    environment = kept | {name: os.environ[name] for name in OWN_SERVERS if os.environ.get(name)}
    timeline.say("Starting …")
    ports = {"web_port": web_port, "sandbox_port": sandbox_port}
    with Stack(FOLDER, environment, **ports, receipts=True, say=timeline.say) as stack:
        if "DATABASE_URL" in environment:
            print("\n  DATABASE_URL names a database of yours: no sample lead and no login are added to it.")
        else:
            add_samples(stack, kept["DJANGO_SUPERUSER_PASSWORD"])
        print(f"  {'Messages that plumbers received':<33} {stack.sandbox_url}/")
        print("\n  Ctrl-C stops everything; data and logs stay in .cache/run.\n", flush=True)
        news = News(stack, timeline.say)
        while True:
            news.pass_on()
            time.sleep(0.2)


def add_samples(stack: Stack, password: str) -> None:
    make_login(stack)
    print(f"\n  {'A customer’s confirmation link':<33} {sample_link(stack)}")
    print(f"  {'Admin':<33} {stack.url}/admin/   (user admin, password {password})")


def chosen_ports() -> tuple[int, int]:
    """From WEB_PORT and SANDBOX_PORT. Raises ValueError with a sentence for people."""
    ports = {"WEB_PORT": port("WEB_PORT", 8000), "SANDBOX_PORT": port("SANDBOX_PORT", 8089)}
    if ports["WEB_PORT"] == ports["SANDBOX_PORT"]:
        raise ValueError("WEB_PORT and SANDBOX_PORT must be two different ports.")
    for name, number in ports.items():
        if is_taken(number):
            remedy = f"stop what listens there, or choose another: make run {name}={number + 1}"
            raise ValueError(f"port {number} is taken: {remedy}")
    return ports["WEB_PORT"], ports["SANDBOX_PORT"]


def port(name: str, default: int) -> int:
    text = os.environ.get(name) or str(default)
    if text.isascii() and text.isdigit() and 0 < int(text) < 65536:
        return int(text)
    raise ValueError(f"{name} must be a port from 1 to 65535, not {text!r}.")


def kept_secrets() -> dict[str, str]:
    """The same at every run, so that sessions and the admin's password stay good."""
    path = FOLDER / "secrets.json"
    if not path.exists():
        made = {"SECRET_KEY": secrets.token_urlsafe(50), "DJANGO_SUPERUSER_PASSWORD": secrets.token_urlsafe(9)}
        path.touch(mode=0o600)
        path.write_text(json.dumps(made))
    return json.loads(path.read_text())


if __name__ == "__main__":
    main()
