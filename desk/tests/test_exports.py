"""The filtered list for Excel: complete, readable, and without formulas of strangers."""

import csv
import io

import openpyxl
import pytest
from django.contrib.auth.models import Group, User

from desk import exports

CSV, XLSX = "/admin/demandes.csv", "/admin/demandes.xlsx"

pytestmark = pytest.mark.django_db


def table(page):
    text = page.getvalue().decode()
    assert text.startswith("\ufeffN°;")
    return list(csv.reader(io.StringIO(text[1:]), delimiter=";"))[1:]


def test_every_row_of_the_filtered_list_once(admin_client, make_lead, monkeypatch):
    monkeypatch.setattr(exports, "PAGE", 2)
    wanted = [make_lead(postal_code="69001").pk for _ in range(5)]
    make_lead()

    page = admin_client.get(f"{CSV}?q=69001")

    assert [int(row[0]) for row in table(page)] == sorted(wanted, reverse=True)
    assert "attachment" in page["Content-Disposition"]


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", " =1", "\n=1"])
def test_what_looks_like_a_formula_is_text(text, admin_client, make_lead):
    make_lead(emergency_type=text)

    [row] = table(admin_client.get(CSV))
    sheet = openpyxl.load_workbook(io.BytesIO(admin_client.get(XLSX).content)).active

    assert row[3] == f"'{text}"
    assert sheet["D2"].data_type == "s" and sheet["D2"].value.startswith("'")
    assert row[5] == "06 39 98 00 02"


def test_an_excel_sheet_has_a_limit_and_names_the_way_on(admin_client, make_lead, monkeypatch):
    monkeypatch.setattr(exports, "XLSX_LIMIT", 1)
    make_lead(emergency_type="Fuite\x0b")
    assert admin_client.get(XLSX).status_code == 200
    make_lead()

    page = admin_client.get(f"{XLSX}?q=75011", follow=True)

    assert page.redirect_chain[0][0] == "/admin/leads/lead/?q=75011"
    assert "exportez-la en CSV" in page.content.decode()


def test_an_export_takes_its_permission(client):
    user = User.objects.create(username="lecteur", is_staff=True)
    user.groups.add(Group.objects.get(name="Lecture"))
    client.force_login(user)

    assert client.get(CSV).status_code == client.get(XLSX).status_code == 403
    assert "Exporter" not in client.get("/admin/leads/lead/").content.decode()
    assert client.get("/admin/donnees-personnelles/").status_code == 403


def test_a_persons_page_shows_downloads_and_erases(admin_client, make_lead):
    page, form = "/admin/donnees-personnelles/", {"number": "06 39 98 00 02"}
    lead = make_lead(token_expires_at="2020-01-01T00:00Z")

    assert f"Demande {lead.pk}</a>" in admin_client.post(page, form).content.decode()
    assert admin_client.post(page, form | {"action": "export"}).json()["leads"][0]["phone"] == "0639980002"
    for again in ("", "06 39 98 00 03"):  # a slip of the thumb erases nobody
        refused = admin_client.post(page, form | {"action": "erase", "again": again}).content.decode()
        lead.refresh_from_db()
        assert lead.phone == "0639980002" and 'role="alert"' in refused and "Télécharger" in refused
    admin_client.post(page, form | {"action": "erase", "again": "+33 6 39 98 00 02"})
    lead.refresh_from_db()
    assert lead.phone == "effacé"
    assert "chiffres seulement" in admin_client.post(page, {"number": "x"}).content.decode()
