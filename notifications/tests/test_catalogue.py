"""The error catalogue: every code of the providers has a French sentence, and says what to do."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notifications.backends import catalogue
from notifications.backends.base import Refused, UnknownOutcome
from notifications.backends.catalogue import Explanation, Kind, explain

TWILIO = {
    Kind.RECIPIENT: "21211 21217 21401 21610 21614 63003 63014 63024 63032 63033",
    Kind.MESSAGE: (
        "20001 20422 21602 21604 21617 21656 63005 63006 63013 63016 63021 63028 63030 63031 92002 92007"
    ),
    Kind.CONFIGURATION: (
        "20003 20004 20005 20006 20008 20011 20403 20404 21212 21408 21603 21606 21608 21609 21654 21655 "
        "21703 21704 21705 30002 63001 63002 63007 63008 63015 63020 63022 63026 63027 63040 63041 63042 "
        "63051 63062 63112"
    ),
    Kind.RATE: "20429 21611 30001 63017 63018 63038",
    Kind.REFUSED: "30500 63009 63010 63011 63012 63023 63049",
    Kind.UNKNOWN: "20500 20503 30410",
}  # fmt: skip
META = {
    Kind.RECIPIENT: "130403 130472 131021 131026 131050",
    Kind.MESSAGE: (
        "100 131008 131009 131047 131051 131052 131053 131062 132000 132005 132008 132012 132018 132068 "
        "132069 135000 137000"
    ),
    Kind.CONFIGURATION: (
        "0 3 10 33 190 200 201 250 299 368 130497 131005 131030 131031 131037 131042 131044 131045 131055 "
        "131063 131064 132001 132007 132015 132016 133000 133005 133006 133008 133009 133010 133015 133016 134011"
    ),
    Kind.RATE: "4 80007 130429 131048 131056 131057",
    Kind.REFUSED: "131049",
    Kind.UNKNOWN: "1 2 131000 131016 133004",
}
EVERY_CODE = [
    (provider, code, kind)
    for provider, table in (("twilio", TWILIO), ("cloud_api", META))
    for kind, codes in table.items()
    for code in codes.split()
]


@pytest.mark.parametrize(("provider", "code", "kind"), EVERY_CODE)
def test_every_documented_code_is_known(provider, code, kind):
    explanation = explain(provider, code, 400)

    assert explanation.kind is kind
    assert explanation != explain(provider, "99999", 400)


def test_no_code_is_listed_twice():
    for column in (3, 4):
        codes = [code for row in catalogue._TABLE for code in catalogue._listed(row[column])]
        assert len(codes) == len(set(codes))


def test_catalogue_holds_nothing_but_the_documented_codes():
    documented = {(provider, code) for provider, code, _ in EVERY_CODE}
    documented |= {("cloud_api", str(code)) for code in range(200, 300)}

    assert set(catalogue._CODES) == documented


@pytest.mark.parametrize(
    ("provider", "code", "what", "action"),
    [
        ("twilio", "63024", "Ce numéro n'a pas WhatsApp", "Appelez le plombier : ce numéro n'a pas WhatsApp."),
        ("cloud_api", "131026", "Ce numéro n'a pas WhatsApp", "Appelez le plombier : ce numéro n'a pas WhatsApp."),
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
        (63024, 400, Refused, "63024", "Ce numéro n'a pas WhatsApp (code 63024, HTTP 400)"),
        ("63024", 500, Refused, "63024", "Ce numéro n'a pas WhatsApp (code 63024, HTTP 500)"),
        (20500, 400, UnknownOutcome, "20500", "Résultat inconnu : erreur chez Twilio (code 20500, HTTP 400)"),
        (None, 400, Refused, "", "Refusé par Twilio (HTTP 400)"),
        (True, 502, UnknownOutcome, "", "Résultat inconnu : erreur chez Twilio (HTTP 502)"),
        (33639980001, 400, Refused, "", "Refusé par Twilio (HTTP 400)"),
        ("+33639980001", 400, Refused, "", "Refusé par Twilio (HTTP 400)"),
    ],
)
def test_an_answer_becomes_an_error_by_its_code_first(code, http_status, error, kept, reason):
    raised = catalogue.error("twilio", code=code, http_status=http_status, detail="words")

    assert type(raised) is error
    assert (raised.code, raised.http_status, raised.detail) == (kept, http_status, "words")
    assert str(raised) == raised.reason == reason


EXPLANATIONS = {*catalogue._CODES.values(), *catalogue._RECEIPTS.values(), *catalogue._OURS.values()}


@pytest.mark.parametrize("explanation", sorted(EXPLANATIONS, key=lambda one: one.what), ids=lambda one: one.what)
def test_sentences_are_plain_and_short(explanation):
    assert re.fullmatch(r"[A-ZÀ-Ý].{10,80}[^.!]", explanation.what)
    assert re.fullmatch(r"[A-ZÀ-Ý].{10,125}\.", explanation.action)
    for text in (explanation.what, explanation.action):
        assert not re.search(r"\d{3}|[{}+’]", text)
    for word in ("Appelez", "appelez", "Relancez", "relancez", "Prévenez"):
        if word in explanation.action:
            break
    else:
        pytest.fail("it does not say what to do")


@given(st.text() | st.sampled_from(["twilio", "cloud_api"]), st.text(), st.none() | st.integers())
def test_anything_has_an_explanation(provider, code, http_status):
    explanation = explain(provider, code, http_status)

    assert explanation.what and explanation.action
