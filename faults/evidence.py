"""What the provider's log, the tables and the logs of the parts hold after a run, for the checker."""

import json
import re
import time

import psycopg2

from faults.checker import Evidence
from faults.product import Product

TOKEN = "jeton-d-essai"  # every token begins with it
CREDENTIALS = ("SECRET_KEY", "TWILIO_AUTH_TOKEN", "WHATSAPP_CLOUD_TOKEN", "WHATSAPP_CLOUD_APP_SECRET")
LEADS = """
    SELECT id, phone, emergency_type, confirmation_token, status, plumber_id,
           notification_status, notification_attempts, notification_run,
           extract(epoch FROM confirmed_at)::float AS confirmed_at,
           (SELECT extract(epoch FROM min(started_at))::float FROM notifications_attempt
            WHERE lead_id = leads.id AND notification_requested_by = 'attente') AS assigned_at
    FROM leads ORDER BY id
"""
ATTEMPTS = """
    SELECT lead_id, run, number, outcome, error_text, provider_message_id,
           extract(epoch FROM started_at)::float AS started_at, extract(epoch FROM finished_at)::float AS finished_at
    FROM notifications_attempt ORDER BY started_at
"""
PLUMBERS = "SELECT id, phone, pack_size, leads_received, status FROM plumbers ORDER BY id"


def gather(product: Product, sends: list[dict], presses: list[dict]) -> Evidence:
    leads, attempts, plumbers = (patiently(product, sql) for sql in (LEADS, ATTEMPTS, PLUMBERS))
    logs = {
        path.stem: path.read_text(encoding="utf-8", errors="replace")
        for path in product.folder.glob("**/*.log")
        if path.stem != "sandbox"  # outside the product
    }
    return Evidence(sends, leads, attempts, plumbers, presses, logs, _secrets(product, leads, plumbers))


def sends(product: Product) -> list[dict]:
    """From the provider's own log, which outlives its restarts."""
    log = product.provider_log
    lines = log.read_text().splitlines() if log.exists() else []
    return [request for line in lines if (request := json.loads(line))["send"]]


def patiently(product: Product, sql: str) -> list[dict]:
    """The rows; the database may just be coming back."""
    end = time.monotonic() + 15
    while True:
        try:
            return product.ledger.rows(sql)
        except psycopg2.OperationalError:
            if time.monotonic() > end:
                raise
            time.sleep(0.1)


def _secrets(product: Product, leads: list[dict], plumbers: list[dict]) -> dict[str, str]:
    phones = [row["phone"] for row in leads + plumbers]
    settings = product.environment
    return (
        {"a token": TOKEN, "a message's text": "Nouvelle demande urgente"}
        | {f"{name}'s value": settings[name] for name in CREDENTIALS}
        | {f"the emergency of lead {lead['id']}": lead["emergency_type"] for lead in leads}
        | {f"the token of lead {lead['id']}": lead["confirmation_token"] for lead in leads}
        | {f"the number {phone} as {text}": text for phone in phones for text in spellings(phone)}
    )


def spellings(phone: str) -> list[str]:
    """Of a French number, given as +33639980001 or 0639980001."""
    subscriber = phone.removeprefix("+33").removeprefix("0")
    pairs = re.findall("..", f"0{subscriber}")
    return [f"33{subscriber}", *(between.join(pairs) for between in ("", " ", ".", "-"))]
