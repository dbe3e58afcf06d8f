"""The page at /: what the plumbers' phones would show, grouped by recipient."""

from datetime import datetime
from html import escape
from pathlib import Path
from string import Template
from zoneinfo import ZoneInfo

from sandbox.journal import Received, Report
from sandbox.script import ENDINGS, OTHERS

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

PAGE = Template((Path(__file__).parent / "page.html").read_text(encoding="utf-8"))
EMPTY = "Aucun message pour le moment. Confirmez une demande : le message au plombier s'affichera ici."


def render(requests: list[Received], reports: list[Report]) -> str:
    """The page as HTML. Everything that came from outside goes through escape()."""
    sends = [received for received in requests if received.send][-SHOWN:]
    last = {report.message_id: report for report in reports}
    return PAGE.substitute(
        conversations=_conversations(sends, last) or f'  <p class="empty">{EMPTY}</p>',
        endings="\n".join(f"      <dt>…{ending.digits}</dt><dd>{escape(ending.effect)}</dd>" for ending in ENDINGS),
        others=OTHERS[0].upper() + OTHERS[1:],
        shown=SHOWN,
    )


def _conversations(sends: list[Received], last: dict[str, Report]) -> str:
    """The one that received last comes first; inside, the newest message comes last."""
    by_recipient: dict[str, list[Received]] = {}
    for send in sends:
        by_recipient[send.to] = [*by_recipient.pop(send.to, []), send]
    return "\n".join(
        '  <section>\n    <h2><span aria-hidden="true">P</span>'
        f"{escape(to or 'Sans destinataire')}</h2>\n"
        + "".join(_bubble(send, last.get(send.message_id)) for send in group)
        + "  </section>"
        for to, group in reversed(by_recipient.items())
    )


def _bubble(send: Received, last: Report | None) -> str:
    time = datetime.fromtimestamp(send.at, PARIS).strftime("%d/%m à %H:%M:%S")
    refused, mark = ("", "✓") if send.accepted else (' class="refused"', "✗")
    progress = f' <b class="{last.status}">{escape(_progress(last))}</b>' if last else ""
    return (
        f"    <article{refused}>\n      <p>{escape(send.text or '(aucun texte lu)')}</p>\n"
        f"      <small><time>{time}</time> <b>{mark} {escape(_outcome(send))}</b>{progress}</small>\n    </article>\n"
    )


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
