"""The control API under /sandbox/: scripts what comes next, shows what came. JSON in, JSON out."""

from collections.abc import Callable

from pydantic import TypeAdapter, ValidationError
from pydantic.dataclasses import dataclass

from sandbox.plans import EXACT, Answers, problems
from sandbox.provider import Provider
from sandbox.wire import Answer, Request

PREFIX = "/sandbox/"


@dataclass(config=EXACT)
class Account:
    dead: bool


ANSWERS, ACCOUNT = TypeAdapter(Answers), TypeAdapter(Account)


def answer(request: Request, provider: Provider) -> Answer:
    act = ROUTES.get((request.method, request.path))
    if act is None:
        known = ", ".join(f"{method} {path}" for method, path in ROUTES)
        return Answer(404, {"error": f"The control API has {known}."})
    try:
        return Answer(200, act(request, provider))
    except ValidationError as exc:
        return Answer(400, {"error": problems(exc)})


def _next(request: Request, provider: Provider) -> dict:
    planned = ANSWERS.validate_json(request.body)
    provider.planned.add(planned.answers)
    return {"queued": len(planned.answers), "waiting": len(provider.planned)}


def _account(request: Request, provider: Provider) -> dict:
    """A dead one is refused everything, for its credentials, until it is alive again."""
    provider.account_is_dead = ACCOUNT.validate_json(request.body, strict=True).dead
    return {"dead": provider.account_is_dead}


def _requests(request: Request, provider: Provider) -> dict:
    return {"requests": [vars(received) for received in provider.requests]}


def _receipts(request: Request, provider: Provider) -> dict:
    return {"receipts": [vars(report) for report in provider.receipts]}


def _reset(request: Request, provider: Provider) -> dict:
    provider.reset()
    return {"status": "ok"}


def _health(request: Request, provider: Provider) -> dict:
    return {"status": "ok", "requests": len(provider.requests), "waiting": len(provider.planned)}


ROUTES: dict[tuple[str, str], Callable[[Request, Provider], dict]] = {
    ("POST", "/sandbox/next"): _next,
    ("POST", "/sandbox/account"): _account,
    ("GET", "/sandbox/requests"): _requests,
    ("POST", "/sandbox/reset"): _reset,
    ("GET", "/sandbox/health"): _health,
    ("GET", "/sandbox/receipts"): _receipts,
}
