"""Before attempt 2, where nobody knows what became of attempt 1: does the provider list its message?"""

import datetime
import logging

from django.conf import settings
from django.db.models import QuerySet

from notifications.backends import get_backend
from notifications.backends.base import DeliveryError
from notifications.messages import is_of_another
from notifications.models import Attempt
from notifications.numbers import UndiallableNumber, to_e164

logger = logging.getLogger("notifications")

PATIENCE = 0.9  # seconds for the question: attempt 2 starts within a second of its time (P4)
# The second: its process died, or is at it.
WITHOUT_RESULT = (Attempt.Outcome.UNKNOWN, Attempt.Outcome.SENDING)


def is_wanted(attempt: Attempt) -> bool:
    """Whether this attempt, which is over, may have reached the provider without our knowing."""
    return (
        attempt.outcome in WITHOUT_RESULT
        and not attempt.delivery
        and attempt.backend == settings.WHATSAPP_BACKEND
        and attempt.started_at is not None
        and attempt.lead.plumber is not None
    )


def message_of(attempt: Attempt) -> str | None:
    """The id of the message that this attempt sent, where the provider lists one that can be no other attempt's.

    A plumber may get several leads within seconds. So there must be at least as many messages without an attempt as
    there are attempts to his number without a result. None without proof: then attempt 2 is made, as a message too
    many is better than none. Never raises for what the provider does.
    """
    listed = _listed(attempt)
    if not listed:
        return None
    in_doubt = list(_in_doubt(attempt))  # before the next line: an attempt that ends meanwhile must not fall between
    recorded = Attempt.objects.filter(provider_message_id__in=listed).values_list("provider_message_id", flat=True)
    free = [message_id for message_id in listed if message_id not in set(recorded)]
    return free[in_doubt.index(attempt.pk)] if attempt.pk in in_doubt and len(free) >= len(in_doubt) else None


def _listed(attempt: Attempt) -> list[str]:
    """The ids of the messages that may be this attempt's."""
    try:
        recipient = to_e164(attempt.lead.plumber.phone)
        listed = get_backend().sent_since(recipient, attempt.started_at, deadline=PATIENCE) or []
        return [message.message_id for message in listed if not is_of_another(message.text, attempt.lead)]
    except (DeliveryError, UndiallableNumber) as error:
        logger.info("Tentative 1 sans preuve d'envoi - Lead %d: %s", attempt.lead_id, error)
    except Exception:  # a bug here must not keep attempt 2 from being made
        logger.exception("Tentative 1 sans preuve d'envoi - Lead %d", attempt.lead_id)
    return []


def _in_doubt(attempt: Attempt) -> QuerySet:
    """The ids of the attempts to this number, about as old or younger, whose message nobody knows: oldest first."""
    since = attempt.started_at - datetime.timedelta(seconds=settings.NOTIFICATION_LEASE)
    return (
        Attempt.objects.filter(lead__plumber__phone=attempt.lead.plumber.phone, started_at__gte=since)
        .filter(outcome__in=WITHOUT_RESULT, provider_message_id="")
        .order_by("started_at", "pk")
        .values_list("pk", flat=True)
    )
