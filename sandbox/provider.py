"""The sandbox: decides what a request gets, and writes it down before anybody learns it."""

from pathlib import Path
from types import ModuleType

from sandbox import meta, twilio
from sandbox.journal import Journal, Received, Report
from sandbox.network import Webhook
from sandbox.plans import LIFE, Answers, Planned, Receipt
from sandbox.reporter import Reporter
from sandbox.script import Endings, Script
from sandbox.wire import Answer, Request

WIRES = [twilio, meta]


class Provider:
    """In Python what control.py is over HTTP."""

    def __init__(
        self,
        log: Path | None = None,
        *,
        receipts: bool = False,
        meta_webhook: Webhook | None = None,
        deliver_to: tuple[str, int] | None = None,
    ) -> None:
        """With `receipts`, every accepted message is reported sent, delivered and read, unless planned otherwise.

        Receipts go to addresses of this machine alone or, all of them, to the host and port of `deliver_to`.
        Raises OSError if the file cannot be had.
        """
        self.journal = Journal(log)
        self.planned = Script()
        self.account_is_dead = False
        self.reporter = Reporter(self.journal, meta_webhook, deliver_to)
        self._endings = Endings(receipts=receipts)
        self._usual_receipts: tuple[Receipt, ...] = LIFE if receipts else ()

    @property
    def requests(self) -> list[Received]:
        """All that it received, oldest first."""
        return self.journal.requests()

    @property
    def sends(self) -> list[Received]:
        return [received for received in self.requests if received.send]

    @property
    def receipts(self) -> list[Report]:
        """What happened to accepted messages, and how the product took it; oldest first."""
        return self.journal.reports()

    def script(self, *answers: dict, to: str | None = None) -> None:
        """Plan the answers to the next sends. Raises ValidationError (a ValueError), and then plans none of them."""
        self.planned.add(Answers(list(answers), to).answers)

    def reset(self) -> None:
        """Forget messages, receipts, script, the counts of the failing numbers, a dead account, but for the file."""
        self.account_is_dead = False
        for memory in (self.journal, self.planned, self._endings):
            memory.clear()

    def answer_unread(self, request: Request) -> Answer | None:
        """An answer to a send whose body has not been read yet; None lets it be read."""
        wire = _wire_of(request)
        if not (wire and wire.is_send(request) and self.planned.take_reset_before()):
            return None
        return self._record(request, wire, Answer(0, fault="reset_before"))

    def answer(self, request: Request) -> Answer:
        wire = _wire_of(request)
        if wire is None:
            return self._record(request, wire, Answer(404, {"error": f"No provider answers at {request.path}."}))
        refusal = wire.bad_credentials() if self.account_is_dead else wire.refusal(request)
        if refusal:
            return self._record(request, wire, refusal)
        if not wire.is_send(request):
            return self._record(request, wire, wire.look_up(request, self.journal.messages()))
        # After the refusals: a script never hides that the real provider would have refused.
        recipient = wire.recipient(request)
        return self._carry_out(request, wire, self.planned.take(recipient) or self._endings.plan(recipient))

    def _carry_out(self, request: Request, wire: ModuleType, planned: Planned) -> Answer:
        message_id, message = wire.new_message(request) if planned.accepts else (None, None)
        if planned.text is not None:
            answer = Answer(planned.status, planned.text, planned.delay)
        elif planned.accepts:
            answer = Answer(planned.status or wire.SUCCESS, message, planned.delay, planned.fault)
        elif planned.fault:
            answer = Answer(0, delay=planned.delay, fault=planned.fault)
        else:
            error = wire.error(planned.status, planned.code, planned.message or "Scripted refusal")
            answer = Answer(error.status, error.body, planned.delay)
        self._record(request, wire, answer, message_id, message)
        if message_id:
            receipts = self._usual_receipts if planned.receipts is None else planned.receipts
            self.reporter.plan(wire, request, message_id, receipts)
        return answer

    def _record(
        self,
        request: Request,
        wire: ModuleType | None,
        answer: Answer,
        message_id: str | None = None,
        message: dict | None = None,
    ) -> Answer:
        received = Received(
            at=request.at,
            method=request.method,
            path=request.path,
            query=request.query,
            user=request.credentials[0],
            form=request.form,
            json=request.json,
            to=wire.recipient(request) if wire else "",
            text=wire.text(request) if wire else "",
            answer=answer.summary(),
            accepted=message is not None,
            message_id=message_id,
            send=bool(wire and wire.is_send(request)),
        )
        self.journal.add(received, message)
        return answer


def _wire_of(request: Request) -> ModuleType | None:
    return next((wire for wire in WIRES if wire.owns(request.path)), None)
