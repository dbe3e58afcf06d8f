from django.contrib import messages
from django.db import transaction
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString

from leads.models import Lead, Plumber
from notifications import attention, tasks
from notifications.alerts import LAST_PLACES
from notifications.models import Attempt

BADGES = {
    Lead.Status.PENDING: "calm",
    Lead.Status.CONFIRMED: "busy",
    Lead.Status.SENT: "good",
    Plumber.Status.ACTIVE: "good",
    Plumber.Status.EXHAUSTED: "bad",
    Plumber.Status.PAUSED: "calm",
}
NOTIFICATION_BADGES = {
    Lead.NotificationStatus.PENDING: "busy",
    Lead.NotificationStatus.SENT: "good",
    Lead.NotificationStatus.FAILED: "bad",
}
REASON_BADGES = {
    "cancelled": "calm",
    "number": "bad",
    "held": "busy",
    "not_delivered": "busy",
    "suspended": "bad",
    "late": "bad",
    "untracked": "calm",
}
ARRIVED = {Attempt.Delivery.DELIVERED: "remise", Attempt.Delivery.READ: "lue"}


def badge(kind: str, text: str) -> SafeString:
    return format_html('<span class="badge badge-{}">{}</span>', kind, text)


def notification_badge(lead: Lead) -> SafeString | str:
    """Of a lead that has its details (lead_rows.py)."""
    if lead.status != Lead.Status.SENT:
        return "—"
    if lead.arrived and lead.notification_status == Lead.NotificationStatus.SENT:
        return badge("good", ARRIVED[lead.arrived])
    if lead.reason and attention.REASONS[lead.reason].badge:
        return badge(REASON_BADGES[lead.reason], attention.REASONS[lead.reason].badge)
    return badge(NOTIFICATION_BADGES[lead.notification_status], lead.get_notification_status_display())


def pack_bar(plumber: Plumber) -> SafeString:
    left = plumber.pack_size - plumber.leads_received
    return format_html(
        '{0}/{1} <progress class="pack {2}" value="{0}" max="{1}" aria-label="Pack utilisé"></progress>',
        plumber.leads_received,
        plumber.pack_size,
        "full" if left <= 0 else "low" if left <= LAST_PLACES else "",
    )


def say(request: HttpRequest, count: int, done: str, level: int = messages.SUCCESS) -> None:
    if count:
        messages.add_message(request, level, f"{count} {done}.")


def enqueue_after_commit(lead_ids: list[int]) -> None:
    for lead_id in lead_ids:
        transaction.on_commit(lambda lead_id=lead_id: tasks.enqueue(lead_id), robust=True)
