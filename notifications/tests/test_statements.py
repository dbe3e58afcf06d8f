"""What a notification costs in statements: each is a round trip, and the code that builds it."""

import datetime
import itertools

import pytest
from django.db import DataError
from django.utils import timezone

from leads.assignment import confirm_and_assign
from leads.models import Lead
from notifications import lifecycle, receipts
from notifications.lifecycle import Result
from notifications.providers.base import Refused
from notifications.providers.webhook import ReceiptEvent
from notifications.sending import deliver


def test_an_accepted_notification_takes_three_statements(assigned_lead, outbox, django_assert_num_queries):
    with django_assert_num_queries(3):  # read what is due, claim, record
        assert deliver(assigned_lead.pk) is Result.SENT


def test_a_first_failure_takes_one_more(assigned_lead, outbox, django_assert_num_queries):
    outbox.replies += [Refused("non")]

    with django_assert_num_queries(4):  # the database's clock before it is recorded
        assert deliver(assigned_lead.pk) is Result.RETRY_DUE


def test_a_message_that_comes_late_takes_two(assigned_lead, outbox, django_assert_num_queries):
    """After a backlog there are as many of them as there were leads."""
    deliver(assigned_lead.pk)

    with django_assert_num_queries(2):  # nothing is due, and nothing waits for its end
        assert deliver(assigned_lead.pk) is Result.NOTHING_DUE


def test_a_confirmation_takes_four(plumber, lead, django_assert_num_queries):
    with django_assert_num_queries(4):  # BEGIN, read and lock, take the turn and assign, COMMIT
        assert confirm_and_assign(lead.confirmation_token).status == "sent"


def test_what_is_read_at_once_is_what_the_rule_calls_due(make_plumber, make_lead):
    """`read_due` is written as SQL, LeadQuerySet.notification_due is the rule: of any lead they say the same."""
    now, plumber = timezone.now(), make_plumber()
    ago = {None: None} | {hours: now - datetime.timedelta(hours=hours) for hours in (-1, 0.01, 5)}
    for status, notification, attempts, due, asked, cancelled in itertools.product(
        ("confirmed", "sent"), ("pending", "whatsapp_sent"), (0, 1, 2), (None, 0.01, -1), (None, 0.01, 5), (None, 0.01)
    ):
        make_lead(
            status=status,
            plumber=plumber,
            notification_status=notification,
            notification_attempts=attempts,
            notification_retry_at=ago[due],
            notification_requested_at=ago[asked],
            cancelled_at=ago[cancelled],
        )

    due = set(Lead.objects.notification_due().values_list("pk", flat=True))

    assert due == {lead.pk for lead in Lead.objects.all() if lifecycle.read_due(lead.pk)}
    assert 0 < len(due) < Lead.objects.count()


def test_what_is_too_long_for_its_column_is_refused_and_never_cut(db):
    """A part of one identifier might be another's."""
    with pytest.raises(DataError):
        receipts.record([ReceiptEvent("twilio", "S" * 256, "", "delivered")])
