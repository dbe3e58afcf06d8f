"""Operators and customers do everything at once, at random; the ledger is right afterwards."""

import random

import pytest
from django.db import OperationalError
from django.db.models import Count

from leads import ledger, packs
from leads.assignment import NobodyEligible, assign_waiting_leads, confirm_and_assign
from leads.ledger import NotPossible
from leads.models import Lead, PackEntry, Plumber
from leads.reassignment import credit, reassign
from leads.tests.test_assignment import in_threads

THREADS, STEPS = 6, 30  # steps of each thread: about three seconds in all
REFUSALS = (NotPossible, NobodyEligible, OperationalError)  # the last one where somebody just holds the row
ANNE = {"actor": "admin : anne"}


class Operator:
    """Steps at random, from a seed of its own; what was refused, by the name of the step."""

    def __init__(self, seed, plumber_ids, make_lead):
        self._chance = random.Random(seed)
        self._plumber_ids, self._make_lead = plumber_ids, make_lead

    def work(self):
        steps = (self.confirm, self.confirm, self.confirm, self.renew, self.credit, self.reassign, self.correct)
        steps += (self.pause_or_resume,)
        done = []
        for _ in range(STEPS):
            step = self._chance.choice(steps)
            try:
                step()
            except REFUSALS:
                continue
            done.append(step.__name__)
        return done

    def _plumber_id(self):
        return self._chance.choice(self._plumber_ids)

    def _lead(self):
        """One that has a plumber; as it is now, which somebody else may change before we act."""
        ids = list(Lead.objects.filter(status="sent").values_list("pk", flat=True))
        if not ids:
            raise NotPossible
        return Lead.objects.get(pk=self._chance.choice(ids))

    def confirm(self):
        confirm_and_assign(self._make_lead().confirmation_token)

    def renew(self):
        reference = f"payment-{self._chance.randrange(60)}"
        packs.renew(self._plumber_id(), self._chance.choice([5, 10]), reference=reference, **ANNE)

    def credit(self):
        lead = self._lead()
        credit(lead.pk, run=lead.notification_run, reason="Faux numéro", **ANNE)

    def reassign(self):
        lead = self._lead()
        reassign(lead.pk, self._plumber_id(), run=lead.notification_run, reason="Ne répond pas", **ANNE)

    def correct(self):
        reference = f"form-{self._chance.random()}"
        places = self._chance.choice([-3, -1, 1, 3])
        packs.correct(self._plumber_id(), places, reason="Erreur", reference=reference, **ANNE)

    def pause_or_resume(self):
        if self._chance.random() < 0.3:
            packs.pause(self._plumber_id())
        else:
            packs.resume(self._plumber_id(), **ANNE)


@pytest.mark.django_db(transaction=True)
def test_whatever_comes_at_once_the_ledger_is_right_and_no_pack_is_exceeded_p1(make_plumber, make_lead):
    plumber_ids = [make_plumber(leads_received=number % 5).pk for number in range(4)]
    operators = [Operator(seed, plumber_ids, make_lead) for seed in range(THREADS)]

    done = sum(in_threads(THREADS, Operator.work, operators), [])

    assert {"confirm", "renew", "credit", "reassign", "correct"} <= set(done)
    assert list(ledger.differences()) == []
    for plumber in Plumber.objects.all():
        assert 0 <= plumber.leads_received <= plumber.pack_size
        left = plumber.pack_size - plumber.leads_received + ledger.waiting(plumber.pk)
        assert ledger.balance(plumber.pk) == left >= 0
        used_up = plumber.leads_received == plumber.pack_size
        assert not (used_up and ledger.waiting(plumber.pk) > 0)
        assert plumber.status == "paused" or plumber.status == ("exhausted" if used_up else "active")
    # Each lead costs its plumber one place, or nobody any where it was credited.
    for lead in Lead.objects.filter(status="sent"):
        cost = PackEntry.objects.filter(kind="lead", lead=lead, closed_by=None)
        assert [entry.plumber_id for entry in cost] in ([lead.plumber_id], [])
    assert not PackEntry.objects.exclude(reference="").values("reference").annotate(n=Count("pk")).filter(n__gt=1)
    # And nobody waits beside a free place.
    assert assign_waiting_leads() == []
