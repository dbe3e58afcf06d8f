"""The charts: every bar an hour or a day, also where clocks change."""

import datetime
import re
import xml.etree.ElementTree as ElementTree

from django.utils import timezone

from desk import charts
from desk.charts import days, hours, name_of_hour
from leads.models import Lead

CLOCKS_BACK = datetime.datetime(2026, 10, 25, 8, 30, tzinfo=datetime.UTC)
CLOCKS_FORWARD = datetime.datetime(2026, 3, 29, 8, 30, tzinfo=datetime.UTC)


def test_the_double_hour_tells_which_it_is():
    names = [name_of_hour(hour) for hour in hours(CLOCKS_BACK)]

    assert names[14:20] == ["1 h", "2 h (heure d'été)", "2 h (heure d'hiver)", "3 h", "4 h", "5 h"]
    assert len(names) == 25


def test_the_hour_that_is_left_out_is_not_shown():
    names = [name_of_hour(hour) for hour in hours(CLOCKS_FORWARD)]

    assert names[14:19] == ["0 h", "1 h", "3 h", "4 h", "5 h"]


def test_days_begin_at_midnight_here_whatever_their_length():
    edges = days(CLOCKS_BACK)

    assert [edge.hour for edge in edges] == [0] * 31
    long_day = edges[-1].astimezone(datetime.UTC) - edges[-2].astimezone(datetime.UTC)
    assert long_day == datetime.timedelta(hours=25)


def test_every_bar_leads_to_its_rows(admin_client, make_lead):
    make_lead()
    failed = make_lead(notification_status="whatsapp_failed")
    Lead.objects.filter(pk=failed.pk).update(created_at=timezone.now() - datetime.timedelta(days=3))

    page = admin_client.get("/admin/courbes/").content.decode()

    [last_hours, last_days] = re.findall(r"<svg viewBox.*?</svg>", page[page.index("<figure") :], re.DOTALL)
    assert len(list(ElementTree.fromstring(last_hours).iter("a"))) == 24
    assert len(list(ElementTree.fromstring(last_days).iter("a"))) == 30
    bar = charts.last_days().bars[-4]
    assert (bar.leads, bar.failed) == (1, 1)
    rows = admin_client.get(bar.address)
    assert [lead.pk for lead in rows.context["cl"].result_list] == [failed.pk]
