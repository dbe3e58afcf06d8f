"""The two providers that send nothing: console for development, memory for tests."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from notifications.providers import get_provider, memory
from notifications.providers.base import Accepted, Message, UnknownOutcome, Unreachable
from notifications.providers.console import Console
from notifications.providers.memory import Memory

MESSAGE = Message(to="+33639980001", text="Fuite d'eau\n75011", variables=("a", "b", "c"), reference="ref")


@pytest.fixture(autouse=True)
def empty_outbox():
    memory.outbox.reset()
    yield
    memory.outbox.reset()


def test_console_shows_number_and_text(capsys):
    accepted = Console().send(MESSAGE)

    assert capsys.readouterr().out == "--- WhatsApp à +33639980001 ---\nFuite d'eau\n75011\n---\n"
    assert accepted.message_id.startswith("console-")


def test_memory_keeps_messages_and_gives_each_an_id(settings):
    settings.WHATSAPP_BACKEND = "notifications.providers.memory.Memory"

    first, second = get_provider().send(MESSAGE), get_provider().send(MESSAGE)

    assert memory.outbox == [MESSAGE, MESSAGE]
    assert first != second


def test_memory_replies_as_scripted_and_keeps_what_failed():
    memory.outbox.replies += [Unreachable("panne"), "SM1", UnknownOutcome("silence")]

    with pytest.raises(Unreachable, match="panne"):
        Memory().send(MESSAGE)
    assert Memory().send(MESSAGE) == Accepted("SM1")
    with pytest.raises(UnknownOutcome, match="silence"):
        Memory().send(MESSAGE)

    assert len(memory.outbox) == 3
    assert memory.outbox.replies == []


def test_memory_reset_forgets_messages_and_replies():
    memory.outbox.replies.append("unused")
    Memory().send(MESSAGE)
    memory.outbox.replies.append("unused")

    memory.outbox.reset()

    assert memory.outbox == []
    assert memory.outbox.replies == []


def test_memory_loses_nothing_between_threads():
    memory.outbox.replies += [str(number) for number in range(1000)]

    with ThreadPoolExecutor(8) as threads:
        ids = list(threads.map(lambda _: Memory().send(MESSAGE).message_id, range(1000)))

    assert sorted(ids, key=int) == [str(number) for number in range(1000)]
    assert len(memory.outbox) == 1000
