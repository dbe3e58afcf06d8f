"""A plumber with zones gets leads from there only, and is treated fairly among those who serve them."""

from collections import Counter

import pytest

from leads import places
from leads.assignment import assign_waiting_leads, confirm_and_assign
from leads.models import Lead


def confirmed(make_lead, postal_code):
    return confirm_and_assign(make_lead(postal_code=postal_code).confirmation_token)


def test_the_zones_of_a_postal_code_are_its_beginnings():
    assert places.prefixes("75011") == ["7", "75", "750", "7501", "75011"]
    assert places.prefixes("") == []


@pytest.mark.parametrize(
    ("zones", "serves"), [([], True), (["75"], True), (["69", "75011"], True), (["69"], False), (["750110"], False)]
)
def test_only_who_serves_the_code_gets_the_lead(zones, serves, make_plumber, make_lead):
    make_plumber(zones=zones)

    assert confirmed(make_lead, "75011").status == ("sent" if serves else "confirmed")


def test_a_less_served_plumber_of_another_zone_is_passed_over(make_plumber, make_lead):
    make_plumber(zones=["69"])
    parisian = make_plumber(zones=["75"], leads_received=3)

    assert confirmed(make_lead, "75011").plumber_id == parisian.pk


def test_within_one_zone_the_spread_never_passes_1_p1(make_plumber, make_lead):
    parisians = {make_plumber(zones=["75"], pack_size=30).pk for _ in range(3)}
    make_plumber(zones=["69"], pack_size=30)
    given = Counter()

    for _ in range(20):
        given[confirmed(make_lead, "75011").plumber_id] += 1
        assert max(given.values()) - min(given[plumber] for plumber in parisians) <= 1

    assert set(given) == parisians


def test_a_lead_that_nobody_serves_keeps_no_other_waiting_p10(make_plumber, make_lead):
    nobodys = [confirmed(make_lead, "69001") for _ in range(3)]
    parisian = confirmed(make_lead, "75011")
    make_plumber(zones=["75"])

    assert assign_waiting_leads() == [parisian.pk]
    assert set(Lead.objects.waiting()) == set(nobodys)


def test_who_serves_everywhere_also_serves_where_nobody_else_does(make_plumber, make_lead):
    waiting = confirmed(make_lead, "69001")
    make_plumber(zones=["75"])
    make_plumber()

    assert assign_waiting_leads() == [waiting.pk]
