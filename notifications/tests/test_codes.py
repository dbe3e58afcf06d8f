"""What the providers' codes mean: every code has a French sentence that says what happened, and what to do."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notifications.providers import CODES, explain
from notifications.providers.base import Refused, UnknownOutcome
from notifications.providers.causes import Cause, Explanation, Kind

TWILIO = {
    Kind.RECIPIENT: "21211 21217 21266 21401 21610 21614 63003 63014 63024 63031 63032 63033",
    Kind.MESSAGE: "20001 20422 21602 21604 21617 21656 63006 63013 63016 63021 63028 63030 92002 92007",
    Kind.CONFIGURATION: (
        "20003 20004 20005 20006 20008 20010 20011 20012 20403 20404 21212 21408 21603 21606 21608 21609 21654 21655 "
        "21659 21660 21661 21701 21702 21703 21704 21705 30002 63001 63002 63007 63008 63015 63020 63022 63026 63027 "
        "63040 63041 63042 63051 63055 63062 63109 63111 63112 90010 92005 92006"
    ),
    Kind.RATE: "20429 21611 30001 63017 63018 63038",
    Kind.REFUSED: "21612 21910 30500 63005 63009 63010 63011 63012 63023 63029 63049",
    Kind.UNKNOWN: "20500 20503 20504 30410",
}
META = {
    Kind.RECIPIENT: "130403 130472 131021 131026 131050",
    Kind.MESSAGE: (
        "100 131008 131009 131047 131051 131052 131053 131062 132000 132005 132008 132012 132018 132068 "
        "132069 135000 137000"
    ),
    Kind.CONFIGURATION: (
        "0 3 10 33 100/33 102 104 190 200 201 250 299 368 803 130497 131005 131030 131031 131037 131042 131044 131045 "
        "131055 131063 131064 132001 132007 132015 132016 133000 133005 133006 133008 133009 133010 133015 133016 "
        "134011"
    ),
    Kind.RATE: "4 17 32 613 80007 130429 131048 131056 131057",
    Kind.REFUSED: "131049",
    Kind.UNKNOWN: "1 2 131000 131016 133004",
}
# What no code stands for.
OWN = "NEVER_LEFT NO_ANSWER NO_PLUMBER HELD NO_MESSAGE_ID FAILED FAILED_WITHOUT_CAUSE REFUSED"
OWN += " REFUSED_FOR_RATE ACCESS_REFUSED"
EVERY_CODE = [
    (provider, code, kind)
    for provider, table in (("twilio", TWILIO), ("cloud_api", META))
    for kind, codes in table.items()
    for code in codes.split()
]


@pytest.mark.parametrize(("provider", "code", "kind"), EVERY_CODE)
@pytest.mark.parametrize("http_status", [400, 500])
def test_every_documented_code_is_known_at_any_status(provider, code, kind, http_status):
    explanation = explain(provider, code, http_status)

    assert explanation.kind is kind
    assert explanation != explain(provider, "99999", 400)


def test_there_are_no_codes_but_the_documented_ones():
    documented = {(provider, code) for provider, code, _ in EVERY_CODE}
    documented |= {("cloud_api", str(code)) for code in range(200, 300)}

    assert {(provider, code) for provider, codes in CODES.items() for code in codes.causes} == documented


@pytest.mark.parametrize(
    ("provider", "code", "what", "action"),
    [
        ("twilio", "63003", "Ce numéro n'a pas WhatsApp", "numéro n'a pas WhatsApp"),
        ("twilio", "63024", "Le plombier ne peut pas recevoir par WhatsApp", "application trop ancienne"),
        ("cloud_api", "131026", "Le plombier ne peut pas recevoir par WhatsApp", "conditions non acceptées"),
        ("twilio", "63005", "WhatsApp a refusé le message : son contenu, ou un numéro sans WhatsApp", "à vérifier"),
        ("twilio", "63018", "Trop d'envois, ou limite de notre numéro d'envoi atteinte", "attendre ne suffit pas"),
        ("cloud_api", "130497", "WhatsApp ne nous laisse pas écrire dans ce pays", "la fiche de l'entreprise"),
        ("twilio", "63062", "Les conditions des messages publicitaires ne sont pas acceptées", "à accepter chez Meta"),
        ("cloud_api", "132015", "Le modèle de message est suspendu par WhatsApp", "à réactiver ou à remplacer"),
        ("twilio", "63041", "Le modèle de message est suspendu par WhatsApp", "à réactiver ou à remplacer"),
        ("twilio", "63029", "Le téléphone du plombier n'a pas pu charger le modèle de message", "Relancez"),
        ("twilio", "63055", "L'envoi passe par un service réservé à la publicité", "réglage de l'envoi"),
        ("twilio", "21701", "Notre service d'envoi chez Twilio est introuvable, vide ou indisponible", "tout de suite"),
        ("twilio", "21910", "Notre numéro d'envoi ne peut pas écrire au numéro du plombier", "peut-être mal choisi"),
        ("twilio", "21266", "Le numéro du plombier est celui de notre expéditeur", "Corrigez le numéro"),
        ("twilio", "90010", "Notre compte Twilio est bloqué ou n'a pas le droit d'envoyer", "tout de suite"),
        ("cloud_api", "613", "Trop d'envois en peu de temps", "dans quelques minutes"),
        ("cloud_api", "104", "Meta ne reconnaît pas nos identifiants", "tout de suite"),
        (
            "cloud_api",
            "803",
            "Meta ne trouve pas notre numéro d'envoi, ou ne nous y donne pas accès",
            "droits du jeton",
        ),
        ("cloud_api", "100", "Meta n'a pas accepté la demande d'envoi", "à vérifier"),
    ],
)
def test_a_code_is_said_rightly(provider, code, what, action):
    explanation = explain(provider, code, 400)

    assert explanation.what == what
    assert action in explanation.action


@pytest.mark.parametrize(
    ("provider", "code", "what", "action"),
    [
        ("twilio", "63003", "Ce numéro n'a pas WhatsApp", "Appelez le plombier : ce numéro n'a pas WhatsApp."),
        (
            "twilio", "63016", "Message libre refusé : le plombier ne nous a pas écrit depuis 24 heures",
            "Appelez le plombier, puis prévenez l'administrateur : il faut un modèle de message approuvé.",
        ),
        (
            "cloud_api", "190", "Meta ne reconnaît pas nos identifiants",
            "Prévenez l'administrateur tout de suite : d'autres messages échouent. "
            "En attendant, appelez les plombiers.",
        ),
        (
            "twilio", "20500", "Résultat inconnu : erreur chez Twilio",
            "Demandez au plombier s'il a reçu la demande ; sinon, relancez l'envoi.",
        ),
    ],
)  # fmt: skip
def test_a_code_says_what_happened_and_what_to_do(provider, code, what, action):
    explanation = explain(provider, code, 400)

    assert (explanation.what, explanation.action) == (what, action)


@pytest.mark.parametrize(
    ("provider", "code", "http_status", "kind", "what"),
    [
        ("twilio", "29999", 400, Kind.REFUSED, "Refusé par Twilio"),
        ("cloud_api", "139999", 404, Kind.REFUSED, "Refusé par Meta"),
        ("cloud_api", "", 400, Kind.REFUSED, "Refusé par Meta"),
        ("cloud_api", "", 401, Kind.CONFIGURATION, "Accès refusé par Meta"),
        ("twilio", "", 403, Kind.CONFIGURATION, "Accès refusé par Twilio"),
        ("twilio", "", 429, Kind.RATE, "Refusé par Twilio : trop d'envois en peu de temps"),
        ("cloud_api", "139999", 500, Kind.UNKNOWN, "Résultat inconnu : erreur chez Meta"),
        ("twilio", "", 302, Kind.UNKNOWN, "Résultat inconnu : erreur chez Twilio"),
        ("twilio", "", 201, Kind.UNKNOWN, "Résultat inconnu : réponse de Twilio sans identifiant"),
        ("twilio", "InvalidSandboxRequest", None, Kind.REFUSED, "Échec signalé par Twilio, de cause inconnue"),
        ("cloud_api", "", None, Kind.REFUSED, "Échec signalé par Meta, sans cause"),
        ("twilio", "", 408, Kind.UNKNOWN, "Résultat inconnu : erreur chez Twilio"),
        ("twilio", "131026", 400, Kind.REFUSED, "Refusé par Twilio"),
        ("cloud_api", "300", 400, Kind.REFUSED, "Refusé par Meta"),
        ("console", "63024", 400, Kind.REFUSED, "Refusé par le fournisseur"),
    ],
)
def test_what_is_in_no_table_gets_an_honest_default(provider, code, http_status, kind, what):
    explanation = explain(provider, code, http_status)

    assert (explanation.kind, explanation.what) == (kind, what)


@pytest.mark.parametrize("code", ["131000", "131016"])
def test_a_receipt_turns_an_open_outcome_into_a_certain_failure(code):
    assert explain("cloud_api", code, 500).kind is Kind.UNKNOWN
    assert explain("cloud_api", code, None) == Explanation(
        Kind.REFUSED,
        "Panne chez WhatsApp : message non remis",
        "Relancez l'envoi ; si l'échec se répète, appelez le plombier.",
    )


@pytest.mark.parametrize(
    ("code", "http_status", "error", "kept", "reason"),
    [
        (63024, 400, Refused, "63024", "Le plombier ne peut pas recevoir par WhatsApp (code 63024, HTTP 400)"),
        ("63024", 500, Refused, "63024", "Le plombier ne peut pas recevoir par WhatsApp (code 63024, HTTP 500)"),
        (20500, 400, UnknownOutcome, "20500", "Résultat inconnu : erreur chez Twilio (code 20500, HTTP 400)"),
        (None, 400, Refused, "", "Refusé par Twilio (HTTP 400)"),
        (True, 502, UnknownOutcome, "", "Résultat inconnu : erreur chez Twilio (HTTP 502)"),
        (2494100, 400, Refused, "2494100", "Refusé par Twilio (code 2494100, HTTP 400)"),
        (33639980001, 400, Refused, "", "Refusé par Twilio (HTTP 400)"),
        (639980001, 400, Refused, "", "Refusé par Twilio (HTTP 400)"),
        (39980001, 400, Refused, "", "Refusé par Twilio (HTTP 400)"),
        ("+33639980001", 400, Refused, "", "Refusé par Twilio (HTTP 400)"),
    ],
)
def test_an_answer_becomes_an_error_by_its_code_first(code, http_status, error, kept, reason):
    raised = CODES["twilio"].error(code, http_status, "words")

    assert type(raised) is error
    assert (raised.code, raised.http_status, raised.detail) == (kept, http_status, "words")
    assert str(raised) == raised.reason == reason


@pytest.mark.parametrize("cause", Cause, ids=lambda cause: cause.name)
def test_sentences_are_plain_and_short(cause):
    explanation = cause.explained("Twilio")
    assert re.fullmatch(r"[A-ZÀ-Ý].{10,80}[^.!]", explanation.what)
    assert re.fullmatch(r"[A-ZÀ-Ý].{10,125}\.", explanation.action)
    for text in (explanation.what, explanation.action):
        assert not re.search(r"\d{3}|[{}+’]", text)
    for word in ("Appelez", "appelez", "Relancez", "relancez", "Prévenez"):
        if word in explanation.action:
            break
    else:
        pytest.fail("it does not say what to do")


def test_every_cause_has_a_use():
    by_code = {cause for codes in CODES.values() for cause in (*codes.causes.values(), *codes.in_receipts.values())}
    own = {cause for cause in Cause if cause.name in OWN.split()}

    assert by_code | own == set(Cause)


@given(st.text() | st.sampled_from(["twilio", "cloud_api"]), st.text(), st.none() | st.integers())
def test_anything_has_an_explanation(provider, code, http_status):
    explanation = explain(provider, code, http_status)

    assert explanation.what and explanation.action
