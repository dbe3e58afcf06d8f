"""Before attempt 2, where nobody knows what became of attempt 1: does the provider list its message?"""

import datetime
import logging

from django.conf import settings

from notifications.models import Attempt
from notifications.providers import get_provider
from notifications.providers.base import CLOCKS, DeliveryError, Listed

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
        and bool(attempt.started_at and attempt.recipient and attempt.text)
    )


def message_of(attempt: Attempt) -> str | None:
    """The id of the message that this attempt sent, where the provider lists one that can be nothing else.

    None without proof: then attempt 2 is made, as a message too many is better than none. Never raises for what the
    provider does.
    """
    try:
        listed = get_provider().sent_since(attempt.recipient, attempt.started_at, deadline=PATIENCE) or []
    except DeliveryError as error:
        logger.info("Tentative 1 sans preuve d'envoi - Lead %d: %s", attempt.lead_id, error)
        return None
    except Exception:  # a bug here must not keep attempt 2 from being made
        logger.exception("Tentative 1 sans preuve d'envoi - Lead %d", attempt.lead_id)
        return None
    # The rivals first: one that ends meanwhile must not fall between.
    return _left_for(attempt, _rivals(attempt), _without_owner(listed))


def _rivals(attempt: Attempt) -> list[Attempt]:
    """The other attempts that sent the same text to the same number, and of whose message nobody knows."""
    about = attempt.started_at - datetime.timedelta(seconds=settings.NOTIFICATION_LEASE)
    unknown = Attempt.objects.filter(outcome__in=WITHOUT_RESULT, provider_message_id="", started_at__gte=about)
    same = unknown.filter(recipient=attempt.recipient, text=attempt.text).exclude(pk=attempt.pk)
    return list(same.order_by("started_at", "pk"))


def _without_owner(listed: list[Listed]) -> list[Listed]:
    ids = [message.message_id for message in listed]
    recorded = Attempt.objects.filter(provider_message_id__in=ids).values_list("provider_message_id", flat=True)
    return [message for message in listed if message.message_id not in set(recorded)]


def _left_for(attempt: Attempt, rivals: list[Attempt], messages: list[Listed]) -> str | None:
    """Of the messages that fit, the oldest first, the one in this attempt's turn, if each rival may have another."""
    fitting = [message for message in messages if _fits(message, attempt)]
    rivals = [rival for rival in rivals if any(_fits(message, rival) for message in fitting)]
    earlier = [rival for rival in rivals if (rival.started_at, rival.pk) < (attempt.started_at, attempt.pk)]
    return fitting[len(earlier)].message_id if len(fitting) > len(rivals) else None


def _fits(message: Listed, attempt: Attempt) -> bool:
    """A text that the provider does not list proves nothing, and neither does any other than ours to the letter."""
    return message.text == attempt.text and attempt.started_at - CLOCKS <= message.created_at
