"""What a provider's error code means, and what the operator should do about it, in French.

Codes only: the providers reword their texts at will.
https://www.twilio.com/docs/api/errors
https://developers.facebook.com/documentation/business-messaging/whatsapp/support/error-codes
"""

import enum
import re
from collections.abc import Iterator
from dataclasses import dataclass

from notifications.backends.base import DeliveryError, Refused, UnknownOutcome


class Kind(enum.StrEnum):
    UNREACHABLE = "unreachable"  # the request never left
    REFUSED = "refused"  # certainly not delivered, and none of the causes below
    RECIPIENT = "recipient"  # this plumber, this number
    MESSAGE = "message"  # what we wrote
    CONFIGURATION = "configuration"  # our account, sender or template: other leads fail too
    RATE = "rate"  # too much at once
    UNKNOWN = "unknown"  # perhaps sent


@dataclass(frozen=True)
class Explanation:
    """For operators. Nothing personal in it: it ends up in logs."""

    kind: Kind
    what: str  # a sentence without its full stop: a code may follow
    action: str


GAVE_UP_WAITING = (408, 499)  # HTTP; perhaps after the message had been sent
_NAMES = {"twilio": "Twilio", "cloud_api": "Meta"}
_ANY = "le fournisseur"

_ALARM = "Prévenez l'administrateur tout de suite : d'autres messages échouent. En attendant, appelez les plombiers."
ASK = "Demandez au plombier s'il a reçu la demande ; sinon, relancez l'envoi."
_LATER = "Relancez l'envoi dans quelques minutes ; si c'est urgent, appelez le plombier."
_AGAIN = "Relancez l'envoi ; si l'échec se répète, appelez le plombier."
_CALL = "Appelez le plombier, puis prévenez l'administrateur : "
_CORRECT = "Corrigez le numéro du plombier, puis relancez l'envoi."
_OURSELVES = "Le numéro du plombier est celui de notre expéditeur"
_REPORT = "Appelez le plombier, puis signalez cet échec à l'administrateur."

# Of our own, where no provider has said anything.
NEVER_LEFT, NO_ANSWER, NO_PLUMBER, BAD_NUMBER = "injoignable", "sans_reponse", "sans_plombier", "numero_invalide"
_OURS = {
    NO_ANSWER: Explanation(Kind.UNKNOWN, "Résultat inconnu : pas de réponse du fournisseur", ASK),
    NEVER_LEFT: Explanation(Kind.UNREACHABLE, "Le message n'est pas parti : fournisseur injoignable", _AGAIN),
    NO_PLUMBER: Explanation(
        Kind.RECIPIENT, "Cette demande n'a plus de plombier", "Choisissez un plombier, appelez-le."
    ),
    BAD_NUMBER: Explanation(Kind.RECIPIENT, "Le numéro du plombier n'est pas valable", _CORRECT),
}

Row = tuple[Kind, str, str, str, str]

# Kind, what happened ({} is the provider), what to do, Twilio's codes, Meta's codes.
_TABLE: list[Row] = [
    (
        Kind.RECIPIENT, "Ce numéro n'a pas WhatsApp",
        "Appelez le plombier : ce numéro n'a pas WhatsApp.",
        "63003 63024", "131026",
    ),
    (
        Kind.RECIPIENT, "Le numéro du plombier n'est pas valable", _CORRECT,
        "21211 21217 21401 21614", "",
    ),
    (
        Kind.RECIPIENT, "Le plombier a bloqué ou refusé nos messages",
        "Appelez le plombier et demandez-lui de nous accepter de nouveau dans WhatsApp.",
        "21610 63014 63033", "131050",
    ),
    (
        Kind.RECIPIENT, "Nous avons nous-mêmes bloqué ce plombier dans WhatsApp",
        _CALL + "son numéro est à débloquer.",
        "", "130403",
    ),
    (
        Kind.RECIPIENT, "WhatsApp ne remet pas ce genre de message à ce plombier",
        "Appelez le plombier : une relance ne passera pas non plus.",
        "63032", "130472",
    ),
    (
        Kind.RECIPIENT, _OURSELVES, _CORRECT,
        "", "131021",
    ),
    (
        Kind.MESSAGE, _OURSELVES, _CORRECT,
        "63031", "",
    ),
    (
        Kind.MESSAGE, "Message libre refusé : le plombier ne nous a pas écrit depuis 24 heures",
        _CALL + "il faut un modèle de message approuvé.",
        "63016", "131047",
    ),
    (
        Kind.MESSAGE, "Le modèle de message approuvé n'attend pas les valeurs envoyées",
        _CALL + "le modèle est à corriger.",
        "63028 63030", "132000 132008 132012",
    ),
    (
        Kind.MESSAGE, "{} n'a pas accepté la demande d'envoi",
        _CALL + "le message et le numéro d'envoi sont à vérifier.",
        "20001 20422", "100 135000",
    ),
    (
        Kind.MESSAGE, "{} a refusé une valeur du message",
        "Vérifiez le numéro du plombier et la demande, puis relancez l'envoi.",
        "", "131009",
    ),
    (
        Kind.MESSAGE, "Le contenu du message a été refusé",
        _CALL + "le message est à corriger.",
        "21602 21604 21617 21656 63005 63006 63013 63021 92002 92007",
        "131008 131051 131052 131053 131062 132005 132018 132068 132069 137000",
    ),
    (
        Kind.CONFIGURATION, "{} ne reconnaît pas nos identifiants", _ALARM,
        "20003 20404", "0 190",
    ),
    (
        Kind.CONFIGURATION, "Notre compte {} est bloqué ou n'a pas le droit d'envoyer", _ALARM,
        "20004 20005 20006 20008 20403 30002", "3 10 200-299 368 131005 131031",
    ),
    (
        Kind.CONFIGURATION, "Notre numéro d'envoi WhatsApp est mal configuré ou bloqué", _ALARM,
        "21212 21603 21606 21703 21704 21705 63001 63002 63007 63008 63020 63022 63051 63112",
        "33 131037 131045 133000 133005 133006 133008 133009 133010 133015 133016",
    ),
    (
        Kind.CONFIGURATION, "Le paiement de notre compte WhatsApp pose problème", _ALARM,
        "", "131042 131044 134011",
    ),
    (
        Kind.CONFIGURATION, "{} refuse la connexion : notre serveur est trop ancien", _ALARM,
        "20011", "",
    ),
    (
        Kind.CONFIGURATION, "L'adresse de suivi des messages est refusée",
        "Prévenez l'administrateur tout de suite : l'adresse publique du site est à corriger (SITE_URL).",
        "21609", "",
    ),
    (
        Kind.CONFIGURATION, "Le modèle de message est introuvable",
        _CALL + "le nom et la langue du modèle sont à vérifier.",
        "21654 21655 63027", "132001",
    ),
    (
        Kind.CONFIGURATION, "Le modèle de message est refusé ou suspendu par WhatsApp",
        _CALL + "il faut un autre modèle.",
        "63040 63041 63042", "132007 132015 132016",
    ),
    (
        Kind.CONFIGURATION, "WhatsApp classe nos messages comme publicité",
        _CALL + "le modèle est à revoir.",
        "63062", "131055 131063 131064",
    ),
    (
        Kind.CONFIGURATION, "WhatsApp prend nos messages pour des indésirables",
        _CALL + "le modèle est à revoir.",
        "63026", "",
    ),
    (
        Kind.CONFIGURATION, "L'envoi vers ce pays n'est pas autorisé",
        _CALL + "ce pays est à activer.",
        "21408", "130497",
    ),
    (
        Kind.CONFIGURATION, "Le compte d'essai n'écrit qu'aux numéros inscrits",
        _CALL + "le numéro du plombier est à inscrire.",
        "21608 63015", "131030",
    ),
    (
        Kind.REFUSED, "WhatsApp a retenu ce message, pris pour de la publicité",
        _CALL + "le modèle est à revoir.",
        "63049", "131049",
    ),
    (
        Kind.REFUSED, "Panne chez WhatsApp ou chez {} : message non remis", _AGAIN,
        "30500 63009 63010 63011 63012 63023", "",
    ),
    (
        Kind.RATE, "Trop d'envois en peu de temps", _LATER,
        "20429 21611 63017 63018", "4 80007 130429 131056",
    ),
    (
        Kind.RATE, "Notre numéro d'envoi est en maintenance chez {}", _LATER,
        "", "131057",
    ),
    (
        Kind.RATE, "Le message a attendu trop longtemps chez {}",
        "Appelez le plombier, ou relancez l'envoi.",
        "30001", "",
    ),
    (
        Kind.RATE, "La limite d'envois du jour est atteinte",
        "Appelez les plombiers jusqu'à demain, et prévenez l'administrateur.",
        "63038", "",
    ),
    (
        Kind.RATE, "WhatsApp freine notre numéro d'envoi, signalé comme indésirable",
        "Appelez les plombiers pendant quelques heures, et prévenez l'administrateur.",
        "", "131048",
    ),
    (
        Kind.UNKNOWN, "Résultat inconnu : erreur chez {}", ASK,
        "20500 20503", "1 2 131000 131016 133004",
    ),
    (
        Kind.UNKNOWN, "Résultat inconnu : WhatsApp n'a pas répondu à {} à temps", ASK,
        "30410", "",
    ),
]  # fmt: skip

# As the answer to a send they leave the outcome open; in a receipt they announce a failure.
_IN_A_RECEIPT: list[Row] = [
    (Kind.REFUSED, "Panne chez WhatsApp : message non remis", _AGAIN, "", "131000 131016"),
]


def explain(provider: str, code: str, http_status: int | None) -> Explanation:
    """What `code` means. `http_status` is that of the answer that held the code, None for a receipt.

    `provider` is a WHATSAPP_BACKEND; of another one than Twilio or Meta, and of a code that is not in the
    table, it says only what is certain.
    """
    if code in _OURS:
        return _OURS[code]
    if http_status is None and (announced := _RECEIPTS.get((provider, code))):
        return announced
    return _CODES.get((provider, code)) or _default(_NAMES.get(provider, _ANY), code, http_status)


def error(provider: str, *, code: object, http_status: int, detail: str) -> DeliveryError:
    """What to raise for an answer to a send that is no success: by its code or, without one that we know, its status.

    `code` is as the provider gave it; only a short number is one, as anything longer might be personal.
    """
    code = str(code) if re.fullmatch(r"[0-9]{1,6}", str(code)) else ""
    explanation = explain(provider, code, http_status)
    shown = f"code {code}, HTTP {http_status}" if code else f"HTTP {http_status}"
    known = UnknownOutcome if explanation.kind is Kind.UNKNOWN else Refused
    return known(f"{explanation.what} ({shown})", code=code, http_status=http_status, detail=detail)


def _default(name: str, code: str, http_status: int | None) -> Explanation:
    match http_status:
        case None if code:
            return Explanation(Kind.REFUSED, f"Échec signalé par {name}, de cause inconnue", _REPORT)
        case None:
            return Explanation(Kind.REFUSED, f"Échec signalé par {name}, sans cause", _REPORT)
        case 429:
            return Explanation(Kind.RATE, f"Refusé par {name} : trop d'envois en peu de temps", _LATER)
        case 401 | 403:
            return Explanation(Kind.CONFIGURATION, f"Accès refusé par {name}", _ALARM)
        case status if 400 <= status < 500 and status not in GAVE_UP_WAITING:
            return Explanation(Kind.REFUSED, f"Refusé par {name}", _REPORT)
        case status if 200 <= status < 300:
            return Explanation(Kind.UNKNOWN, f"Résultat inconnu : réponse de {name} sans identifiant", ASK)
    # A redirect too: some servers send one (303, often 302) after they have done what was asked.
    return Explanation(Kind.UNKNOWN, f"Résultat inconnu : erreur chez {name}", ASK)


def _by_code(table: list[Row]) -> dict[tuple[str, str], Explanation]:
    return {
        (provider, code): Explanation(kind, what.format(_NAMES[provider]), action)
        for kind, what, action, twilio, meta in table
        for provider, codes in (("twilio", twilio), ("cloud_api", meta))
        for code in _listed(codes)
    }


def _listed(codes: str) -> Iterator[str]:
    """The codes of a table's cell; "200-299" stands for each of them."""
    for word in codes.split():
        first, _, last = word.partition("-")
        yield from map(str, range(int(first), int(last or first) + 1))


_CODES = _by_code(_TABLE)
_RECEIPTS = _by_code(_IN_A_RECEIPT)
