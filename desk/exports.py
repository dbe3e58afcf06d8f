"""The list of leads as an operator filtered it: CSV of any length, XLSX up to what a program opens in one piece."""

import csv
import datetime
import re
from collections.abc import Iterator
from urllib.parse import urlencode

import tablib
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.module_loading import import_string
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from desk.admin.search import find_leads
from leads.models import Lead
from leads.phones import spaced

PAGE = 2000  # rows: each page is a query of its own, so that a slow download keeps no transaction open
XLSX_LIMIT = 20_000  # rows
HEADINGS = ("N°", "Reçue le", "Confirmée le", "Urgence", "Code postal", "Téléphone", "État", "Plombier", "Notification",
            "Tentatives", "Erreur")  # fmt: skip
_FIELDS = ("pk", "created_at", "confirmed_at", "emergency_type", "postal_code", "phone", "status", "plumber_id",
           "notification_status", "notification_attempts", "notification_error")  # fmt: skip
# Loaded by whoever exports: it takes 10 MB, and a worker, which checks the URLs as it starts, exports nothing.
_XLSX = "import_export.formats.base_formats.XLSX"
_FORMULA = re.compile(r"\s*[=+@\-]")
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f]")  # no XLSX holds them


class _Echo:
    def write(self, text: str) -> str:
        return text


@never_cache
@require_safe
def leads_csv(request: HttpRequest) -> StreamingHttpResponse:
    """For a French Excel: UTF-8 with a BOM, semicolons."""
    write = csv.writer(_Echo(), delimiter=";", lineterminator="\r\n").writerow
    leads = _filtered(request)

    def lines() -> Iterator[str]:
        yield "\ufeff"
        yield write(HEADINGS)
        yield from map(write, _rows(leads))

    return _download(StreamingHttpResponse(lines(), content_type="text/csv; charset=utf-8"), "csv")


@never_cache
@require_safe
def leads_xlsx(request: HttpRequest) -> HttpResponse:
    leads = _filtered(request)
    if leads.order_by()[: XLSX_LIMIT + 1].count() > XLSX_LIMIT:
        messages.error(request, f"Plus de {XLSX_LIMIT} demandes : filtrez la liste, ou exportez-la en CSV.")
        return redirect(f"{reverse('admin:leads_lead_changelist')}?{urlencode(request.GET, doseq=True)}")
    table = tablib.Dataset(*_rows(leads), headers=HEADINGS, title="Demandes")
    file = import_string(_XLSX)()
    return _download(HttpResponse(file.export_data(table), content_type=file.get_content_type()), "xlsx")


def _filtered(request: HttpRequest) -> QuerySet:
    """As the list in the admin filters it with the same address; all that its search finds, not only what it shows."""
    if not request.user.has_perm("desk.export_leads"):
        raise PermissionDenied
    listed = admin.site.get_model_admin(Lead).get_changelist_instance(request)
    typed, listed.query = listed.query, ""
    return find_leads(listed.get_queryset(request), typed)


def _rows(leads: QuerySet) -> Iterator[list[object]]:
    """The newest first, page by page."""
    before = {}
    while page := list(leads.filter(**before).order_by("-pk").values_list(*_FIELDS)[:PAGE]):
        before = {"pk__lt": page[-1][0]}
        yield from map(_row, page)


def _row(values: tuple) -> list[object]:
    row = dict(zip(_FIELDS, values, strict=True))
    row["phone"] = spaced(row["phone"])
    row["status"] = _label(Lead.Status, row["status"])
    assigned = values[_FIELDS.index("status")] == Lead.Status.SENT
    row["notification_status"] = _label(Lead.NotificationStatus, row["notification_status"]) if assigned else ""
    return [cell(each) for each in row.values()]


def _label(choices: type, value: str) -> str:
    return dict(choices.choices).get(value, value)


def cell(value: object) -> object:
    """As a table holds it. What a program would take for a formula is text, whoever wrote it."""
    if isinstance(value, datetime.datetime):
        return timezone.localtime(value).strftime("%d/%m/%Y %H:%M:%S")
    if isinstance(value, str):
        value = _CONTROL.sub(" ", value)
        return f"'{value}" if _FORMULA.match(value) else value
    return "" if value is None else value


def _download(response: HttpResponse, ending: str) -> HttpResponse:
    response["Content-Disposition"] = f'attachment; filename="demandes-{timezone.localdate()}.{ending}"'
    return response
