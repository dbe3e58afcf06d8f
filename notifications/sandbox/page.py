"""The page at /: what the plumbers' phones would show, grouped by recipient."""

from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from django.template import Context, Engine

from notifications.sandbox.endings import ENDINGS, OTHERS
from notifications.sandbox.journal import Received, Report

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
PROGRESS = {
    "sent": "✓ envoyé",
    "delivered": "✓✓ remis",
    "read": "✓✓ lu",
    "undelivered": "✗ non remis",
    "failed": "✗ non remis",
}

# Of its own: the product's template settings know nothing of the sandbox. Escapes everything.
_engine = Engine(dirs=[Path(__file__).parent])


def render(requests: list[Received], reports: list[Report]) -> str:
    sends = [received for received in requests if received.send][-SHOWN:]
    last = {report.message_id: report for report in reports}
    context = {"conversations": _conversations(sends, last), "endings": ENDINGS, "others": OTHERS, "shown": SHOWN}
    return _engine.get_template("page.html").render(Context(context))


def _conversations(sends: list[Received], last: dict[str, Report]) -> list[dict]:
    """The one that received last comes first; inside, the newest message comes last."""
    by_recipient: dict[str, list[Received]] = {}
    for send in sends:
        by_recipient[send.to] = [*by_recipient.pop(send.to, []), send]
    return [
        {
            "recipient": to or "Sans destinataire",
            "bubbles": [_bubble(send, last.get(send.message_id)) for send in group],
        }
        for to, group in reversed(by_recipient.items())
    ]


def _bubble(send: Received, last: Report | None) -> dict:
    return {
        "text": send.text or "(aucun texte lu)",
        "time": datetime.fromtimestamp(send.at, PARIS).strftime("%d/%m à %H:%M:%S"),
        "accepted": send.accepted,
        "outcome": _outcome(send),
        "status": last.status if last else "",
        "progress": _progress(last) if last else "",
    }


def _progress(last: Report) -> str:
    code = f" (code {last.code})" if last.code else ""
    lost = last.over and not last.taken
    untold = f", mais le site ne l'a pas su ({last.http_status or 'sans réponse'})" if lost else ""
    return PROGRESS[last.status] + code + untold


def _outcome(send: Received) -> str:
    word, answer = ("accepté" if send.accepted else "refusé"), send.answer
    if "fault" in answer:
        fault = FAULTS[answer["fault"]]
        return f"{word}, {fault}" if send.accepted else fault
    code = _code(answer["body"])
    reason = "" if send.accepted else f" ({answer['status']}{f', code {code}' if code else ''})"
    delay = f" après {answer['delay']:g} s" if "delay" in answer else ""
    return word + reason + delay


def _code(body: dict | str) -> int | None:
    """Meta has it inside `error`, Twilio at the top."""
    if not isinstance(body, dict):
        return None
    return body.get("error", body).get("code")
