"""The page at /: what the plumbers' phones would show, grouped by recipient."""

from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from django.template import Context, Engine

from notifications.sandbox.endings import ENDINGS, OTHERS
from notifications.sandbox.journal import Received

PARIS = ZoneInfo("Europe/Paris")
SHOWN = 200  # sends
# What the sender saw where no status tells it.
FAULTS = {
    "reset": "connexion coupée",
    "reset_before": "connexion coupée avant la lecture du message",
    "no_answer": "resté sans réponse",
    "garbage": "réponse illisible",
    "drip": "réponse au compte-gouttes",
    "accepted_then_reset": "connexion coupée\u00a0: l'expéditeur ne le sait pas",
}

# Of its own: the product's template settings know nothing of the sandbox. Escapes everything.
_engine = Engine(dirs=[Path(__file__).parent])


def render(requests: list[Received]) -> str:
    sends = [received for received in requests if received.send][-SHOWN:]
    context = {"conversations": _conversations(sends), "endings": ENDINGS, "others": OTHERS, "shown": SHOWN}
    return _engine.get_template("page.html").render(Context(context))


def _conversations(sends: list[Received]) -> list[dict]:
    """The one that received last comes first; inside, the newest message comes last."""
    by_recipient: dict[str, list[Received]] = {}
    for send in sends:
        by_recipient[send.to] = [*by_recipient.pop(send.to, []), send]
    return [
        {"recipient": to or "Sans destinataire", "bubbles": [_bubble(send) for send in group]}
        for to, group in reversed(by_recipient.items())
    ]


def _bubble(send: Received) -> dict:
    return {
        "text": send.text or "(aucun texte lu)",
        "time": datetime.fromtimestamp(send.at, PARIS).strftime("%d/%m à %H:%M:%S"),
        "accepted": send.accepted,
        "outcome": _outcome(send),
    }


def _outcome(send: Received) -> str:
    word, answer = ("accepté" if send.accepted else "refusé"), send.answer
    if "fault" in answer:
        fault = FAULTS[answer["fault"]]
        return f"{word}, {fault}" if send.accepted else fault
    body = answer["body"]
    code = body.get("code") if isinstance(body, dict) else None
    reason = "" if send.accepted else f" ({answer['status']}{f', code {code}' if code else ''})"
    delay = f" après {answer['delay']:g} s" if "delay" in answer else ""
    return word + reason + delay
