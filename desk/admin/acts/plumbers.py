"""What an operator does to a plumber's pack."""

from typing import Any

from desk.admin.acts.act import Act
from desk.admin.acts.forms import CorrectForm, RenewForm
from leads import packs
from leads.models import Plumber

PERMISSION = "leads.change_plumber"


def _renew(plumber: Plumber, answers: dict[str, Any], actor: str) -> list[int]:
    reference = answers["reference"].strip() or f"formulaire {answers['key']}"
    return packs.renew(plumber.pk, answers["pack_size"], actor=actor, reference=reference)


def _correct(plumber: Plumber, answers: dict[str, Any], actor: str) -> list[int]:
    reference = f"formulaire {answers['key']}"
    about = {"actor": actor, "reason": answers["reason"], "reference": reference}
    return packs.correct(plumber.pk, answers["places"], **about)


RENEW = Act(
    name="renouveler",
    label="Renouveler le pack",
    done="pack renouvelé",
    permission=PERMISSION,
    is_possible=lambda plumber: True,
    form=RenewForm,
    do=_renew,
)
CORRECT = Act(
    name="corriger",
    label="Corriger le solde",
    done="solde corrigé",
    permission=PERMISSION,
    is_possible=lambda plumber: True,
    form=CorrectForm,
    do=_correct,
)
