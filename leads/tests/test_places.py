"""Postal codes as people type them, the area that we serve, and zones."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leads import places
from leads.places import UnknownPlace


@pytest.mark.parametrize(
    ("typed", "code"),
    [
        ("75011", "75011"), (" 75 011 ", "75011"), ("01000", "01000"), ("20000", "20000"), ("2A004", "20004"),
        ("2b200", "20200"), ("97110", "97110"), ("97500", "97500"), ("97600", "97600"), ("98000", "98000"),
        ("98600", "98600"), ("98714", "98714"), ("98800", "98800"), ("95880", "95880"), ("75.011", "75011"),
        ("\u202a75011\u202c", "75011"), ("٧٥٠١١", "75011"),
        ("F-75011", "75011"), ("FR-75 011", "75011"), ("75011 Paris", "75011"), ("2a004 Ajaccio", "20004"),
        ("38000 Saint-Martin-d'Hères", "38000"), ("54000 Épinal", "54000"), ("MC-98000 Monaco", "98000"),
        ("\uff17\uff15\uff10\uff11\uff11", "75011"),
    ],
)  # fmt: skip
def test_a_postal_code_is_read_as_typed(typed, code):
    assert places.read(typed) == code


@pytest.mark.parametrize(
    "typed",
    ["", " ", "7501", "750111", "00100", "96000", "97900", "99999", "Paris", "2C004", "75O11", "L-1234",
     "1000 Bruxelles", "75011-1234", "750111 Paris", "\0"],
)  # fmt: skip
def test_what_is_no_postal_code_is_refused_with_what_to_do(typed):
    with pytest.raises(UnknownPlace, match="^(Indiquez|Ce code postal n'existe pas : )"):
        places.read(typed)


@pytest.mark.parametrize(
    ("area", "code", "served"),
    [([], "75011", True), (["75"], "75011", True), (["69", "75011"], "75011", True), (["69"], "75011", False)],
)
def test_the_area_that_we_serve(area, code, served, settings):
    settings.SERVICE_AREA = area

    assert places.is_served(code) is served


def test_zones_are_read_however_they_are_separated():
    assert places.read_zones("75, 92100;13\n 69 75") == ["13", "69", "75", "92100"]
    assert places.read_zones(" ") == []
    assert places.read_zones("2A, 2b004\u00a0１３") == ["13", "200", "20004", "201"]


@pytest.mark.parametrize("typed", ["Paris", "99", "00", "96", "979", "750111", "75O", "2C"])
def test_a_zone_in_which_no_code_can_be_is_refused_and_named(typed):
    with pytest.raises(UnknownPlace, match=f"« {typed} »"):
        places.read_zones(f"75, {typed}")


@given(
    st.from_regex(
        r"0[1-9]\d{3}|[1-8]\d{4}|9[0-5]\d{3}|97[1-8]\d\d|98[046-8]\d\d", fullmatch=True, alphabet="0123456789"
    )
)
def test_every_beginning_of_a_code_is_a_zone_that_holds_it(code):
    assert places.read(code) == code
    assert places.read_zones(" ".join(places.prefixes(code))) == sorted(places.prefixes(code))
