"""The least that a notification takes: one statement to claim, one request, one statement to record.

The same rows, texts and promises as ours where they cost something; no deadline, no second attempt, no log. What the
peers run, and (its SQL) the asyncio bound. It never runs beside the product, and knows nothing of Django.
"""

import os
import threading
import uuid

import psycopg2
import requests

URL = "{TWILIO_API_URL}/2010-04-01/Accounts/{TWILIO_ACCOUNT_SID}/Messages.json"
DUE = "SELECT leads.id, plumbers.phone FROM leads JOIN plumbers ON plumbers.id = plumber_id ORDER BY leads.id"
CLAIM = """
WITH claimed AS (
    UPDATE leads SET notification_attempts = 1, notification_retry_at = clock_timestamp() + interval '30 s'
    WHERE id = {} AND status = 'sent' AND notification_status = 'pending' AND notification_attempts = 0
    RETURNING id, notification_run, plumber_id
), attempt AS (
    INSERT INTO notifications_attempt (id, lead_id, run, number, channel, started_by, backend, recipient, text,
        started_at, outcome, error_code, error_text, provider_message_id)
    SELECT {}, claimed.id, notification_run, 1, 'whatsapp', 'confirmation', 'twilio', phone, 'Nouveau client',
        clock_timestamp(), 'sending', '', '', ''
    FROM claimed JOIN plumbers ON plumbers.id = plumber_id
    RETURNING recipient
)
SELECT recipient FROM attempt
"""
RECORD = """
WITH done AS (
    UPDATE notifications_attempt SET outcome = 'accepted', finished_at = clock_timestamp(), http_status = 201,
        provider_message_id = {}
    WHERE id = {} RETURNING lead_id
)
UPDATE leads SET notification_status = 'whatsapp_sent', notification_retry_at = NULL
WHERE id = (SELECT lead_id FROM done)
"""

_mine = threading.local()


def due() -> list[tuple[int, str]]:
    """The ids of the leads and the numbers of their plumbers, in order."""
    with psycopg2.connect(os.environ["DATABASE_URL"]) as connection, connection.cursor() as cursor:
        cursor.execute(DUE)
        return cursor.fetchall()


def become_due(lead_id: int) -> None:
    """As a confirmation does, just before the enqueueing."""
    if not hasattr(_mine, "due"):
        _mine.due = psycopg2.connect(os.environ["DATABASE_URL"])
        _mine.due.autocommit = True
    with _mine.due.cursor() as cursor:
        cursor.execute("UPDATE leads SET notification_retry_at = clock_timestamp() WHERE id = %s", [lead_id])


def form(recipient: str, reference: uuid.UUID) -> dict[str, str]:
    return {
        "To": f"whatsapp:{recipient}",
        "From": f"whatsapp:{os.environ['TWILIO_WHATSAPP_FROM']}",
        "Body": "Nouveau client",
        "StatusCallback": f"{os.environ['SITE_URL']}/webhooks/whatsapp/twilio/?attempt={reference}",
    }


def deliver(lead_id: int) -> None:
    """In a thread that keeps its connections, as ours does."""
    if not hasattr(_mine, "session"):
        _mine.connection, _mine.session = psycopg2.connect(os.environ["DATABASE_URL"]), requests.Session()
        _mine.connection.autocommit = True
        _mine.session.auth = (os.environ["TWILIO_ACCOUNT_SID"], os.environ["TWILIO_AUTH_TOKEN"])
        _mine.session.trust_env = False
    attempt = uuid.uuid4()
    with _mine.connection.cursor() as cursor:
        cursor.execute(CLAIM.format("%s", "%s::uuid"), [lead_id, str(attempt)])
        (recipient,) = cursor.fetchone()
        answer = _mine.session.post(URL.format(**os.environ), data=form(recipient, attempt), timeout=10)
        cursor.execute(RECORD.format("%s", "%s::uuid"), [answer.json()["sid"], str(attempt)])
