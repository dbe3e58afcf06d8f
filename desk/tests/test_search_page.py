"""One box on the first page: straight to what a customer or a plumber on the telephone calls about."""

import pytest
from django.contrib.auth.models import Permission, User

SEARCH = "/admin/chercher/"
FAILED = {"notification_status": "whatsapp_failed", "notification_retry_at": None, "notification_run": 1}


@pytest.mark.parametrize("typed", ["06 39 98 00 02", "+33639980002", "#{pk}", "{pk}", "980002"])
def test_what_means_one_lead_leads_straight_to_it(admin_client, make_lead, typed):
    lead = make_lead()
    make_lead(phone="0639980003")

    answer = admin_client.get(SEARCH, {"q": typed.format(pk=lead.pk)})

    assert answer.url == f"/admin/leads/lead/{lead.pk}/change/"


def test_a_customer_who_asked_twice_has_both_the_newest_first(admin_client, make_lead):
    leads = [make_lead(), make_lead()]

    page = admin_client.get(SEARCH, {"q": "0639980002"})

    assert [lead for lead, _ in page.context["leads_found"]] == leads[::-1]
    assert f"/admin/preuve/{leads[0].pk}/" in page.content.decode()


def test_a_plumber_comes_with_his_pack_and_with_why_he_was_not_reached(admin_client, make_plumber, make_lead):
    plumber = make_plumber(name="Martin", leads_received=4)
    sent = {"status": "sent", "plumber": plumber}
    failed = make_lead(**sent, **FAILED, notification_error="Ce numéro n'a pas WhatsApp")
    make_lead(**sent, notification_status="whatsapp_sent", notification_run=1)

    page = admin_client.get(SEARCH, {"q": "martin"}).content.decode()

    assert "4/5" in page and f"/admin/leads/plumber/{plumber.pk}/renouveler/" in page
    assert "Notification en échec" in page and "Ce numéro n&#x27;a pas WhatsApp" in page
    assert f'<form method="post" action="/admin/leads/lead/{failed.pk}/renvoyer/">' in page


def test_what_means_nothing_says_so_and_what_is_too_much_leads_to_the_list(admin_client, plumber, make_lead):
    assert "Rien ne correspond à «&nbsp;dupont&nbsp;»" in admin_client.get(SEARCH, {"q": "dupont"}).content.decode()
    assert "Rien ne correspond" in admin_client.get(SEARCH, {"q": "'\0<b>"}).content.decode()
    assert "Rien ne" not in admin_client.get(SEARCH).content.decode()
    for _ in range(21):
        make_lead()

    page = admin_client.get(SEARCH, {"q": "75011"})

    assert len(page.context["leads_found"]) == 20
    assert '<a href="/admin/leads/lead/?q=75011">' in page.content.decode()


def test_it_shows_nobody_more_than_he_may_see(client, make_plumber, make_lead):
    make_plumber(name="Martin")
    clerk = User.objects.create_user("eve", is_staff=True)
    client.force_login(clerk)
    assert client.get(SEARCH, {"q": "martin"}).status_code == 403

    clerk.user_permissions.add(Permission.objects.get(codename="view_lead"))

    assert "Rien ne correspond" in client.get(SEARCH, {"q": "martin"}).content.decode()


def test_the_first_page_has_the_box_and_its_ways_on(admin_client, make_plumber):
    nearly, used_up = make_plumber(leads_received=4), make_plumber(phone="+33639980004", leads_received=5)
    make_plumber(phone="+33639980005")
    make_plumber(phone="+33639980006", leads_received=5, status="paused")

    page = admin_client.get("/admin/")

    assert {plumber.pk for plumber in page.context["packs"]["plumbers"]} == {nearly.pk, used_up.pk}
    html = page.content.decode()
    assert 'action="/admin/chercher/"' in html
    assert f'href="/admin/leads/plumber/{nearly.pk}/renouveler/?back=desk"' in html
    for way in ("/admin/leads/lead/add/", "/admin/admin/logentry/?periode=24h", "/admin/donnees-personnelles/"):
        assert f'href="{way}"' in html
    listed = admin_client.get("/admin/leads/plumber/?reste=peu").context["cl"].result_list
    assert {plumber.pk for plumber in listed} == {nearly.pk, used_up.pk}
