"""What operators and their tools read in the log (logger `notifications`): ids and reasons, nothing personal."""

import logging

from django.conf import settings

from leads.models import Lead
from notifications.lifecycle import Result
from notifications.models import Attempt

logger = logging.getLogger("notifications")


def _ids(attempt: Attempt) -> dict[str, str]:
    """For logs in JSON."""
    return {"attempt": str(attempt.pk)}


def accepted(attempt: Attempt) -> None:
    logger.info("✅ WhatsApp envoyé (tentative %d) - Lead %d", attempt.number, attempt.lead_id, extra=_ids(attempt))


def failed(attempt: Attempt, reason: object, result: Result) -> None:
    """`result` is what the failure made of the lead."""
    ids, lead_id = _ids(attempt), attempt.lead_id
    if result is Result.RETRY_DUE:
        delay = settings.NOTIFICATION_RETRY_DELAY
        line = "⚠️ Échec WhatsApp tentative 1 - Lead %d - Retry dans %ss: %s"
        logger.warning(line, lead_id, delay, reason, extra=ids)
    elif result is Result.FAILED:
        logger.error("❌ Échec définitif WhatsApp (tentative 2) - Lead %d: %s", lead_id, reason, extra=ids)
    else:
        logger.info("Échec tardif de la tentative %d - Lead %d: %s", attempt.number, lead_id, reason, extra=ids)


def given_up(lead: Lead) -> None:
    if lead.notification_ended_because:
        logger.error("❌ Notification abandonnée - Lead %d: %s", lead.pk, lead.notification_error)
    else:
        logger.error("❌ Échec définitif WhatsApp (tentative 2) - Lead %d: %s", lead.pk, lead.notification_error)
