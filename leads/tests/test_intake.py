"""How a request becomes a lead: once, whatever is sent twice."""

import datetime
import threading

import pytest
from django.db import OperationalError, connection
from django.utils import timezone

from leads import intake, phones
from leads.assignment import confirm_and_assign
from leads.idempotency import Call
from leads.models import Lead

NUMBER, OTHER_NUMBER = "06 39 98 01 00", "06 39 98 01 01"


def receive(phone=NUMBER, *, key="", **fields):
    wanted = {"postal_code": "75011", "emergency_type": "Fuite d'eau", "source": "page", "consent_version": "2026-11"}
    return intake.receive(phone=phones.read(phone), key=key, **wanted | fields)


def move_back(lead, **spans):
    """As if it had been received that long ago."""
    past = datetime.timedelta(**spans)
    Lead.objects.filter(pk=lead.pk).update(
        created_at=lead.created_at - past, token_expires_at=lead.token_expires_at - past
    )


def test_a_lead_is_stored_with_its_source_and_the_consent(db, settings):
    settings.LEAD_TOKEN_TTL = 60

    received = receive()

    lead = Lead.objects.get()
    assert (received.lead, received.is_new, received.is_own) == (lead, True, True)
    assert (lead.phone, lead.postal_code, lead.emergency_type) == ("0639980100", "75011", "Fuite d'eau")
    assert (lead.status, lead.source, lead.consent_version) == ("pending", "page", "2026-11")
    assert lead.consent_at == lead.created_at
    assert lead.token_expires_at - lead.created_at == datetime.timedelta(seconds=60)


def test_the_same_number_in_any_spelling_makes_no_second_lead(db):
    first = receive()

    again = receive("+33 6 39 98 01 00", postal_code="75012")

    assert (again.lead, again.is_new, again.is_own) == (first.lead, False, False)
    assert Lead.objects.get().postal_code == "75011"


def test_after_the_window_it_makes_one(db, settings):
    settings.LEAD_DUPLICATE_WINDOW = 1800
    confirmed = receive().lead
    Lead.objects.update(status="confirmed", confirmed_at=timezone.now())
    move_back(confirmed, seconds=1790)
    assert not receive().is_new

    move_back(confirmed, seconds=1801)

    assert receive().is_new


@pytest.mark.parametrize("over", [{"cancelled_at": timezone.now()}, {"token_expires_at": timezone.now()}])
def test_what_is_cancelled_or_expired_is_no_hindrance_even_for_the_same_form(db, over):
    first = receive(key="a" * 30).lead
    Lead.objects.update(**over)

    again, sent_twice = receive(key="a" * 30), receive(key="a" * 30)

    assert again.is_new and again.lead != first
    assert (sent_twice.lead, sent_twice.is_new, sent_twice.is_own) == (again.lead, False, True)


def test_the_same_form_sent_twice_leads_to_the_same_lead_with_the_same_link(db):
    first, second = receive(key="a" * 30), receive(key="a" * 30)

    assert (second.lead, second.is_new, second.is_own) == (first.lead, False, True)
    assert second.lead.confirmation_token == first.lead.confirmation_token


def test_the_same_form_with_something_else_corrects_the_lead_whose_old_link_then_confirms_nothing(db):
    first = receive(key="a" * 30)

    second = receive(OTHER_NUMBER, key="a" * 30, postal_code="75012")

    lead = Lead.objects.get()
    assert second.lead == lead and second.is_own
    assert (lead.phone, lead.postal_code) == ("0639980101", "75012")
    assert lead.confirmation_token != first.lead.confirmation_token


def test_what_is_confirmed_is_no_longer_corrected(plumber):
    confirm_and_assign(receive(key="a" * 30).lead.confirmation_token)

    same_number = receive(key="a" * 30, postal_code="75012")
    other_number = receive(OTHER_NUMBER, key="a" * 30)

    assert (same_number.is_own, same_number.lead.postal_code) == (True, "75011")
    assert other_number.is_new
    assert Lead.objects.order_by("pk").first().phone == "0639980100"


def test_no_correction_takes_the_number_of_somebody_elses_lead(db):
    theirs = receive(OTHER_NUMBER).lead
    mine = receive(key="a" * 30).lead

    received = receive(OTHER_NUMBER, key="a" * 30)

    mine.refresh_from_db()
    assert (received.lead, received.is_own) == (theirs, False)
    assert mine.phone == "0639980100"


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("key", ["", "a" * 30])
def test_at_the_same_instant_they_make_one(key):
    barrier, received = threading.Barrier(6), []

    def send():
        barrier.wait()
        received.append(receive(key=key))
        connection.close()

    threads = [threading.Thread(target=send) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert Lead.objects.count() == 1
    assert sorted(one.is_new for one in received) == [False] * 5 + [True]
    assert sum(one.is_own for one in received) == (6 if key else 1)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("call", [None, Call("key", "body")])
def test_a_commit_whose_answer_was_lost_made_the_lead_and_is_not_refused_p11(call, monkeypatch):
    store, calls = intake._receive, []

    def lose_the_first_answer(*args):
        calls.append(store(*args))
        if len(calls) == 1:
            raise OperationalError("server closed the connection unexpectedly")
        return calls[-1]

    monkeypatch.setattr(intake, "_receive", lose_the_first_answer)

    received = receive(call=call)

    assert len(calls) == 2
    assert received.is_own and received.lead == Lead.objects.get()
