"""What an operator does about one lead."""

from typing import Any

from django.db.models import Model

from desk.admin.acts.act import Act
from desk.admin.acts.forms import AssignForm, CallForm, CloseForm, LeadForm, ReasonForm, ReassignForm
from leads import assignment, reassignment
from leads.models import Lead
from notifications import attention, interventions, lifecycle, resending
from notifications.models import Attempt

PERMISSION = "leads.change_lead"
CREDIT_PERMISSION = "leads.change_plumber"  # it is his pack

Answers = dict[str, Any]


def _waits(lead: Lead) -> bool:
    return lead.status == Lead.Status.CONFIRMED and not lead.cancelled_at


def _has_plumber(lead: Lead) -> bool:
    return lead.status == Lead.Status.SENT and lead.plumber_id is not None


def _assign(lead: Lead, answers: Answers, actor: str) -> list[int]:
    assignment.assign_by_hand(lead.pk, requested_by=actor, plumber_id=answers["plumber"].pk)
    return [lead.pk]


def _reassign(lead: Lead, answers: Answers, actor: str) -> list[int]:
    about = {"run": answers["run"], "reason": answers["reason"], "actor": actor}
    return reassignment.reassign(lead.pk, answers["plumber"].pk, **about)


def _credit(lead: Lead, answers: Answers, actor: str) -> list[int]:
    return reassignment.credit(lead.pk, run=answers["run"], reason=answers["reason"], actor=actor)


def _resend(lead: Lead, answers: Answers, actor: str) -> list[int]:
    lifecycle.start_run(lead.pk, requested_by=actor, run=answers["run"])
    return [lead.pk]


def _called(lead: Lead, answers: Answers, actor: str) -> list[int]:
    interventions.plumber_reached(lead.pk, run=answers["run"], operator=actor, words=answers["words"])
    return []


def _close(lead: Lead, answers: Answers, actor: str) -> list[int]:
    about = {"run": answers["run"], "solved": answers["what"], "words": answers["reason"]}
    interventions.close(lead.pk, operator=actor, **about)
    return []


def doubt(lead: Model) -> str:
    return resending.with_doubt(Lead.objects.filter(pk=lead.pk)).values_list("doubt", flat=True).get()


def knows(lead: Lead) -> str:
    sent = lead.attempts.filter(run=lead.notification_run, outcome=Attempt.Outcome.ACCEPTED)
    told = sent.exclude(delivery=Attempt.Delivery.FAILED).exists()
    return f"{lead.plumber} a reçu cette demande, ou la recevra : prévenez-le qu'un autre s'en charge" if told else ""


RESEND = Act(
    name="renvoyer",
    label="Renvoyer",
    done="notification relancée",
    permission=PERMISSION,
    is_possible=lambda lead: _has_plumber(lead) and not lead.cancelled_at,
    warning=doubt,
    form=LeadForm,
    do=_resend,
)
CALLED = Act(
    name="appele",
    label="J'ai appelé le plombier",
    done="plombier joint par téléphone",
    permission=PERMISSION,
    is_possible=_has_plumber,
    form=CallForm,
    do=_called,
)
CLOSE = Act(
    name="classer",
    label="Classer",
    done="classée",
    permission=PERMISSION,
    is_possible=lambda lead: attention.reason_now(lead.pk) is not None,
    form=CloseForm,
    do=_close,
)
ASSIGN = Act(
    name="attribuer",
    label="Attribuer à…",
    done="attribuée",
    permission=PERMISSION,
    is_possible=_waits,
    form=AssignForm,
    do=_assign,
)
REASSIGN = Act(
    name="reattribuer",
    label="Attribuer à un autre plombier",
    done="réattribuée",
    permission=PERMISSION,
    is_possible=lambda lead: _has_plumber(lead) and not lead.cancelled_at,
    warning=knows,
    form=ReassignForm,
    do=_reassign,
)
CREDIT = Act(
    name="crediter",
    label="Créditer",
    done="place rendue au plombier",
    permission=CREDIT_PERMISSION,
    is_possible=_has_plumber,
    form=ReasonForm,
    do=_credit,
)
