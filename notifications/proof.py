"""Before attempt 2, where nobody knows what became of attempt 1: does the provider list its message?"""

import datetime
import logging

from django.conf import settings

from notifications.backends import get_backend
from notifications.backends.base import CLOCKS, DeliveryError, Listed
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

    None without proof: then attempt 2 is made, as a message too many is better than none. Never raises for what the
    provider does.
    """
    try:
        recipient = to_e164(attempt.lead.plumber.phone)
        listed = get_backend().sent_since(recipient, attempt.started_at, deadline=PATIENCE) or []
    except (DeliveryError, UndiallableNumber) as error:
        logger.info("Tentative 1 sans preuve d'envoi - Lead %d: %s", attempt.lead_id, error)
        return None
    except Exception:  # a bug here must not keep attempt 2 from being made
        logger.exception("Tentative 1 sans preuve d'envoi - Lead %d", attempt.lead_id)
        return None
    # The attempts first: one that ends meanwhile must not fall between.
    others = [other for other in _in_doubt(recipient, attempt.started_at) if other != attempt]
    return _needed_for(attempt, others, _without_owner(listed))


def _in_doubt(recipient: str, since: datetime.datetime) -> list[Attempt]:
    """The attempts to this number, about as old or younger, whose message nobody knows: the oldest first."""
    about = since - datetime.timedelta(seconds=settings.NOTIFICATION_LEASE)
    unknown = Attempt.objects.filter(outcome__in=WITHOUT_RESULT, provider_message_id="", started_at__gte=about)
    to_them = unknown.filter(lead__plumber__phone__endswith=recipient[-9:])  # with +33 or with 0
    return list(to_them.select_related("lead").order_by("started_at", "pk"))


def _without_owner(listed: list[Listed]) -> list[Listed]:
    ids = [message.message_id for message in listed]
    recorded = Attempt.objects.filter(provider_message_id__in=ids).values_list("provider_message_id", flat=True)
    return [message for message in listed if message.message_id not in set(recorded)]


def _needed_for(attempt: Attempt, others: list[Attempt], messages: list[Listed]) -> str | None:
    """The message left for `attempt` when the others have as many of them as they can have; None if none is.

    A plumber may get several leads within seconds, and a text may be unknown. (Augmenting paths, as in
    https://en.wikipedia.org/wiki/Maximum_cardinality_matching.)
    """
    owners: dict[str, Attempt] = {}

    def finds_one(one: Attempt, tried: set[str]) -> bool:
        for message in sorted(messages, key=lambda message: message.message_id in owners):
            if message.message_id not in tried and _may_be(message, one):
                tried.add(message.message_id)
                owner = owners.get(message.message_id)
                if owner is None or finds_one(owner, tried):
                    owners[message.message_id] = one
                    return True
        return False

    for one in [*others, attempt]:
        finds_one(one, set())
    return next((message_id for message_id, owner in owners.items() if owner == attempt), None)


def _may_be(message: Listed, attempt: Attempt) -> bool:
    return attempt.started_at - CLOCKS <= message.created_at and not is_of_another(message.text, attempt.lead)
