from django.contrib import messages
from django.db import transaction
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString

from leads.models import Lead, Plumber
from notifications import tasks
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


def say(request: HttpRequest, count: int, done: str, level: int = messages.SUCCESS) -> None:
    if count:
        messages.add_message(request, level, f"{count} {done}.")


def enqueue_after_commit(lead_ids: list[int]) -> None:
    for lead_id in lead_ids:
        transaction.on_commit(lambda lead_id=lead_id: tasks.enqueue(lead_id), robust=True)
