"""What a notification costs in statements: each is a round trip, and the code that builds it."""

from notifications.lifecycle import Result
from notifications.providers.base import Refused
from notifications.sending import deliver


def test_an_accepted_notification_takes_four_statements(assigned_lead, outbox, django_assert_num_queries):
    with django_assert_num_queries(4):  # read what is due, claim, the database's clock, record
        assert deliver(assigned_lead.pk) is Result.SENT


def test_a_first_failure_takes_no_more(assigned_lead, outbox, django_assert_num_queries):
    outbox.replies += [Refused("non")]

    with django_assert_num_queries(4):
        assert deliver(assigned_lead.pk) is Result.RETRY_DUE
