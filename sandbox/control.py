"""The control API under /sandbox/: scripts what comes next, shows what came. JSON in, JSON out."""

import json
from collections.abc import Callable

from sandbox.plans import BadPlan, parse
from sandbox.provider import Provider
from sandbox.wire import Answer, Request

PREFIX = "/sandbox/"
EXPECTED = 'Expected JSON such as {"answers": [{"status": 503}, {"ok": true}], "to": "+33612345678"}; "to" is optional.'

ACCOUNT = 'Expected {"dead": true} or {"dead": false}.'


def answer(request: Request, provider: Provider) -> Answer:
    act = ROUTES.get((request.method, request.path))
    if act is None:
        known = ", ".join(f"{method} {path}" for method, path in ROUTES)
        return Answer(404, {"error": f"The control API has {known}."})
    try:
        return Answer(200, act(request, provider))
    except BadPlan as exc:
        return Answer(400, {"error": str(exc)})


def _json(request: Request, expected: str) -> object:
    try:
        return json.loads(request.body)
    except (ValueError, RecursionError) as exc:  # RecursionError: thousands of opening brackets
        raise BadPlan(expected) from exc


def _next(request: Request, provider: Provider) -> dict:
    asked = _json(request, EXPECTED)
    if not isinstance(asked, dict) or asked.keys() - {"answers", "to"} or not isinstance(asked.get("answers"), list):
        raise BadPlan(EXPECTED)
    queue(provider, asked["answers"], asked.get("to"))
    return {"queued": len(asked["answers"]), "waiting": len(provider.script)}


def queue(provider: Provider, answers: list, to: str | None = None) -> None:
    """Raises BadPlan, and then queues none of them."""
    provider.script.add([parse({"to": to} | raw if isinstance(raw, dict) else raw) for raw in answers])


def _account(request: Request, provider: Provider) -> dict:
    """A dead one is refused everything, for its credentials, until it is alive again."""
    asked = _json(request, ACCOUNT)
    if asked not in ({"dead": True}, {"dead": False}):
        raise BadPlan(ACCOUNT)
    provider.account_is_dead = asked["dead"]
    return asked


def _requests(request: Request, provider: Provider) -> dict:
    return {"requests": [vars(received) for received in provider.journal.requests()]}


def _receipts(request: Request, provider: Provider) -> dict:
    return {"receipts": [vars(report) for report in provider.journal.reports()]}


def _reset(request: Request, provider: Provider) -> dict:
    provider.forget()
    return {"status": "ok"}


def _health(request: Request, provider: Provider) -> dict:
    return {"status": "ok", "requests": len(provider.journal.requests()), "waiting": len(provider.script)}


ROUTES: dict[tuple[str, str], Callable[[Request, Provider], dict]] = {
    ("POST", "/sandbox/next"): _next,
    ("POST", "/sandbox/account"): _account,
    ("GET", "/sandbox/requests"): _requests,
    ("POST", "/sandbox/reset"): _reset,
    ("GET", "/sandbox/health"): _health,
    ("GET", "/sandbox/receipts"): _receipts,
}
