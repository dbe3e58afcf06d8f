"""What an alert says, from the rows as they are when it is sent: French, for whoever is on call."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from django.conf import settings
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone

from leads.models import Lead, Plumber
from leads.phones import UnusableNumber, spaced, to_e164
from notifications import attention
from notifications.models import Alert, AlertMessage, Breaker

Reason, Kind = Alert.Reason, AlertMessage.Kind

OPENINGS = {Kind.BEGAN: "", Kind.GOES_ON: "Rappel : ", Kind.ENDED: "Terminé : ", Kind.TEST: "Essai : "}


@dataclass(frozen=True)
class Number:
    whose: str
    dialled: str = field(repr=False)  # E.164, for tel:
    shown: str = field(repr=False)


@dataclass(frozen=True)
class Text:
    """One alert in words. Nothing personal but the `numbers`."""

    alert: Alert
    title: str
    why: str
    action: str
    page: str  # in the admin
    numbers: tuple[Number, ...] = ()

    @property
    def state(self) -> str:
        began = timezone.localtime(self.alert.began_at)
        if self.alert.ended_at:
            return f"Depuis {began:%d/%m %H:%M}, terminé à {timezone.localtime(self.alert.ended_at):%H:%M}."
        return f"Depuis {began:%d/%m %H:%M}."


def text_of(alert: Alert) -> Text:
    """Of a row with its lead and plumbers, as `in_words` reads them."""
    match alert.reason:
        case Reason.FAILED:
            reason = alert.lead.notification_error or "Rien ne dit que le plombier a reçu la demande."
            number = attention.reason_now(alert.lead_id) is attention.NUMBER
            action = attention.NUMBER.action if number else attention.FAILED.action
            return _of_lead(alert, "plombier non prévenu", reason, action)
        case Reason.WAITING:
            return _of_lead(alert, "sans plombier", "Personne n'est libre pour elle.", attention.WAITING.action)
        case Reason.SUSPENDED:
            return _of_breaker(alert)
        case _:
            return _of_pack(alert)


def in_words(message: AlertMessage) -> list[Text]:
    alerts = message.alerts.select_related("lead__plumber", "plumber").order_by("pk")
    return [text_of(alert) for alert in alerts]


def subject(message: AlertMessage, texts: list[Text]) -> str:
    """On one line."""
    title = texts[0].title if len(texts) == 1 else f"{len(texts)} alertes" if texts else "les alertes arrivent"
    return " ".join(f"[{settings.BRAND_NAME}] {OPENINGS[message.kind]}{title}".split())


def bodies(message: AlertMessage, texts: list[Text]) -> tuple[str, str]:
    """As text and as HTML."""
    context = {"texts": texts, "goes_on": message.kind == Kind.GOES_ON, "ended": message.kind == Kind.ENDED}
    return tuple(render_to_string(f"notifications/alert.{kind}", context) for kind in ("txt", "html"))


def _of_lead(alert: Alert, what: str, why: str, action: str) -> Text:
    lead, page = alert.lead, _page("leads_lead_change", alert.lead_id)
    return Text(alert, f"Demande {lead.pk} : {what}", why, action, page, tuple(_numbers_of(lead)))


def _numbers_of(lead: Lead) -> Iterator[Number]:
    if lead.plumber:
        yield from _number(f"Plombier{f' {lead.plumber.name}' if lead.plumber.name else ''}", lead.plumber)
    yield from _number("Client", lead)


def _number(whose: str, of: Lead | Plumber) -> Iterator[Number]:
    """None where it cannot be dialled: it was erased, or never was a number."""
    try:
        yield Number(whose, to_e164(of.phone), spaced(of.phone))
    except UnusableNumber:
        return


def _of_breaker(alert: Alert) -> Text:
    breaker = Breaker.objects.first() or Breaker()
    page = _page("notifications_breaker_changelist")
    return Text(alert, "Envois suspendus : le fournisseur refuse tout", breaker.reason, breaker.action, page)


def _of_pack(alert: Alert) -> Text:
    plumber = alert.plumber
    left = plumber.pack_size - plumber.leads_received
    why = f"Il lui reste {left} demande(s)." if left else "Il ne reçoit plus de demandes."
    title = f"Plombier n° {plumber.pk} : {alert.get_reason_display()}"
    page = _page("leads_plumber_change", plumber.pk)
    return Text(alert, title, why, "Proposez-lui un nouveau pack.", page, tuple(_number("Plombier", plumber)))


def _page(name: str, *args: object) -> str:
    return settings.SITE_URL + reverse(f"admin:{name}", args=args)
