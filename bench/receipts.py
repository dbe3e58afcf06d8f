"""Figure 6: receipts at each webhook, signed as the providers sign them, for messages that were sent."""

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Iterable
from urllib.parse import urlencode

from bench import load
from bench.confirmations import CLIENTS
from bench.figure import Samples
from bench.world import World

BATCH = 1_000


def measure(world: World, rounds: int, count: int) -> list[Samples]:
    with world.web() as ours, world.web("bench.empty") as empty:
        return [_round(world, count, ours, empty) for _ in range(rounds)]


def _round(world: World, count: int, ours: int, empty: int) -> Samples:
    singles = {}
    for name, webhook in (("Twilio", twilio), ("Meta", meta)):
        requests = [webhook(world, [message_id]) for message_id in add_sent(world, count, name)]
        alone, many = requests[: count // 5], requests[count // 5 :]
        answers = load.closed_loop(ours, alone, clients=1)
        singles[f"{name}, one after the other, p50 (ms)"] = answers.quantile(0.5)
        answers_of_many = load.closed_loop(ours, many, clients=CLIENTS)
        singles[f"{name}, 16 at once (/s)"] = answers_of_many.rate
        singles[f"{name}, refused ()"] = len(answers.failures) + len(answers_of_many.failures)
    nothing = load.closed_loop(empty, [load.post("/")] * count, clients=CLIENTS)
    batch = load.closed_loop(ours, [meta(world, add_sent(world, BATCH, "Meta"))], clients=1)
    return singles | {
        "a view that does nothing (/s)": nothing.rate,
        "Meta, a batch of 1,000 (ms)": batch.quantile(0.5),
    }


def add_sent(world: World, count: int, provider: str) -> list[str]:
    """The provider's ids of so many messages that it has accepted."""
    world.add_due(count)
    world.sql(
        "INSERT INTO notifications_attempt (id, lead_id, run, number, channel, started_by, backend, recipient, text,"
        " started_at, finished_at, outcome, http_status, error_code, error_text, provider_message_id)"
        " SELECT gen_random_uuid(), id, 1, 1, 'whatsapp', 'confirmation', %s, '+33639980002', '',"
        " now(), now(), 'accepted', 201, '', '', %s || md5(id::text || random()) FROM leads",
        "twilio" if provider == "Twilio" else "cloud_api",
        "SM" if provider == "Twilio" else "wamid.",
    )
    world.sql(
        "UPDATE leads SET notification_status = 'whatsapp_sent', notification_attempts = 1,"
        " notification_retry_at = NULL"
    )
    world.sql("ANALYZE leads, notifications_attempt")
    return [message_id for (message_id,) in world.sql("SELECT provider_message_id FROM notifications_attempt")]


def twilio(world: World, message_ids: Iterable[str]) -> bytes:
    (message_id,) = message_ids
    path, of = "/webhooks/whatsapp/twilio/", world.environment
    form = {"AccountSid": of["TWILIO_ACCOUNT_SID"], "MessageSid": message_id, "MessageStatus": "delivered"}
    signed = of["SITE_URL"] + path + "".join(name + value for name, value in sorted(form.items()))
    digest = hmac.new(of["TWILIO_AUTH_TOKEN"].encode(), signed.encode(), hashlib.sha1).digest()
    headers = "Content-Type: application/x-www-form-urlencoded\r\n"
    headers += f"X-Twilio-Signature: {base64.b64encode(digest).decode()}\r\n"
    return load.post(path, urlencode(form).encode(), headers)


def meta(world: World, message_ids: Iterable[str]) -> bytes:
    of, now = world.environment, str(int(time.time()))
    statuses = [
        {"id": one, "status": "delivered", "timestamp": now, "recipient_id": "33639980002"} for one in message_ids
    ]
    value = {
        "messaging_product": "whatsapp",
        "metadata": {"phone_number_id": of["WHATSAPP_CLOUD_PHONE_NUMBER_ID"]},
        "statuses": statuses,
    }
    entry = {"id": "1", "changes": [{"field": "messages", "value": value}]}
    body = json.dumps({"object": "whatsapp_business_account", "entry": [entry]}).encode()
    digest = hmac.new(of["WHATSAPP_CLOUD_APP_SECRET"].encode(), body, hashlib.sha256).hexdigest()
    headers = f"Content-Type: application/json\r\nX-Hub-Signature-256: sha256={digest}\r\n"
    return load.post("/webhooks/whatsapp/meta/", body, headers)
