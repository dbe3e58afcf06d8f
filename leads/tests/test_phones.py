"""Numbers as people write them become numbers that can be dialled, or a clear refusal."""

import re

import phonenumbers
import pytest
from hypothesis import given
from hypothesis import strategies as st
from phonenumbers import PhoneNumberType

from leads.phones import UnusableNumber, read, read_whatsapp, spaced, spellings, to_e164


@pytest.mark.parametrize(
    ("written", "e164"),
    [
        ("+33612345678", "+33612345678"),
        ("+33639980001", "+33639980001"),  # no range in use, and yet possible
        ("0612345678", "+33612345678"),
        ("06 12 34 56 78", "+33612345678"),
        ("06.12.34.56.78", "+33612345678"),
        ("06-12-34-56-78", "+33612345678"),
        ("06/12/34/56/78", "+33612345678"),
        ("06,12,34,56,78", "+33612345678"),
        ("06_12_34_56_78", "+33612345678"),
        ("06\u00b712\u00b734\u00b756\u00b778", "+33612345678"),
        ("  06\u00a012\u202f34 56 78\n", "+33612345678"),
        ("\u202a+33 6 12 34 56 78\u202c", "+33612345678"),
        ("٠٦ ١٢ ٣٤ ٥٦ ٧٨", "+33612345678"),
        ("۰۶۱۲۳۴۵۶۷۸", "+33612345678"),
        ("０６１２３４５６７８", "+33612345678"),
        ("0\ufe0f\u20e36\ufe0f\u20e3 12 34 56 78", "+33612345678"),
        ("\U0001f4de 06 12 34 56 78", "+33612345678"),
        ("tel:+33612345678", "+33612345678"),
        ("Tél. : 06 12 34 56 78", "+33612345678"),
        ("« 06:12:34:56:78 » ;", "+33612345678"),
        ("+33 [0] 6 12 34 56 78", "+33612345678"),
        ("06 12 34 56 78 (portable)", "+33612345678"),
        ("0033612345678", "+33612345678"),
        ("00 33 (0)6 12 34 56 78", "+33612345678"),
        ("+33 (0)6 12 34 56 78", "+33612345678"),
        ("33612345678", "+33612345678"),
        ("590690001234", "+590690001234"),
        ("262 692 12 34 56", "+262692123456"),
        ("32470123456", "+32470123456"),
        ("377 93 15 12 34", "+37793151234"),
        ("01 99 00 00 01", "+33199000001"),
        ("07 99 99 99 99", "+33799999999"),
        ("+32 470 12 34 56", "+32470123456"),
        ("+262692123456", "+262692123456"),
    ],
)
def test_number_becomes_e164(written, e164):
    assert to_e164(written) == e164


@pytest.mark.parametrize(
    ("written", "e164"),
    [
        ("0690123456", "+590690123456"),
        ("0691123456", "+590691123456"),
        ("0590123456", "+590590123456"),
        ("0692123456", "+262692123456"),
        ("0693123456", "+262693123456"),
        ("0262123456", "+262262123456"),
        ("0694123456", "+594694123456"),
        ("0594123456", "+594594123456"),
        ("0696123456", "+596696123456"),
        ("0697123456", "+596697123456"),
        ("0596123456", "+596596123456"),
        ("06 39 13 00 01", "+262639130001"),
        ("0269612345", "+262269612345"),
    ],
)
def test_overseas_number_gets_the_code_of_its_region(written, e164):
    assert to_e164(written) == e164


@pytest.mark.parametrize(
    "written",
    [
        "", "   ", "+", "0", "06", "112", "3949", "06123456", "061234567", "06123456789", "0000000000",
        "+33", "+330000000000", "+33061234567", "+336123456789", "+999612345678", "0033", "00000000000000",
        "bonjour", "0612345678a", "06I2345678", "0800 FLEURS", "0612345678\0", "\0", "0612345678 p. 12",
        "0612345678;ext=5", "0612345678x5", "0612345678#5", "0612345678,,5", "06 12 34 56 78 / 06 98 76 54 32",
        "06+12345678", "++33612345678", "tel:", "mailto:0612345678", "whatsapp:+33612345678", "٠٦", "1" * 300,
    ],
)  # fmt: skip
def test_number_that_cannot_be_dialled_is_refused_with_what_to_do_and_without_being_quoted(written):
    with pytest.raises(UnusableNumber) as refusal:
        to_e164(written)

    assert re.search("^(Indiquez|.* : (écrivez(-le|-en)?|vérifiez|indiquez) )|^Écrivez", str(refusal.value))
    assert not re.search(r"\d{3}", str(refusal.value).replace("06 12 34 56 78", ""))


def test_refusal_is_a_value_error():
    with pytest.raises(ValueError, match="^Indiquez un numéro de téléphone$"):
        to_e164("")


@pytest.mark.parametrize("region", ["FR", "GP", "MQ", "GF", "RE", "YT", "BL", "MF"])
def test_every_range_that_the_library_knows_is_of_its_region(region):
    """Its example numbers, as France writes them and with each spelling of a country code."""
    for kind in (PhoneNumberType.MOBILE, PhoneNumberType.FIXED_LINE):
        number = phonenumbers.example_number_for_type(region, kind)
        e164 = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
        national = "0" + str(number.national_number)
        if region == "FR" and kind == PhoneNumberType.FIXED_LINE:
            continue  # 01 23 45 67 89
        for spelling in (national, e164, "00" + e164[1:], "+33" + national[1:], national[1:]):
            assert to_e164(spelling) == e164, spelling
        assert read(national).national == national


@pytest.mark.parametrize(
    ("written", "postal_code", "e164"),
    [
        ("0709 00 12 34", "", "+590709001234"),
        ("0508 41 00 00", "", "+508410000"),
        ("+33692112233", "", "+262692112233"),
        ("06 39 98 00 01", "", "+33639980001"),  # kept for films, like all of ours
        ("06 39 98 00 01", "97600", "+33639980001"),
        ("06 12 34 56 78", "97110", "+33612345678"),  # a visitor's
        ("09 76 12 34 56", "75011", "+33976123456"),
        ("09 76 12 34 56", "97110", "+590976123456"),
        ("87 12 34 56", "98714", "+68987123456"),
        ("75 12 34", "98800", "+687751234"),
        ("41 12 34", "97500", "+508411234"),
        ("041 12 34", "97500", "+508411234"),
        ("75 12 34", " 98 800 ", "+687751234"),
        ("82 12 34", "98600", "+681821234"),
        ("639980100", "75011", "+33639980100"),
        ("33639980100", "75011", "+33639980100"),
        ("+32 (0)470 12 34 56", "59000", "+32470123456"),
        ("+39 06 1234 5678", "06000", "+390612345678"),
        ("+377 6 12 34 56 78", "98000", "+377612345678"),
        ("０６ 12 34 56 78", "", "+33612345678"),
    ],
)
def test_a_customer_is_called_back_where_he_is(written, postal_code, e164):
    assert read(written, postal_code=postal_code).e164 == e164


@pytest.mark.parametrize(
    ("written", "national", "shown"),
    [
        ("+33 6 12 34 56 78", "0612345678", "06 12 34 56 78"),
        ("+590690001234", "0690001234", "06 90 00 12 34"),
        ("+508410000", "0508410000", "05 08 41 00 00"),
        ("+32470123456", "+32470123456", "+32 470 12 34 56"),
    ],
)
def test_a_customers_row_holds_ten_digits_where_france_writes_ten(written, national, shown):
    assert (read(written).national, read(written).spaced) == (national, shown)
    assert read(national).e164 == read(written).e164


@pytest.mark.parametrize(
    ("written", "what_to_do"),
    [
        ("0899 12 34 56", "en 08"), ("0800 12 34 56", "en 08"), ("0806 12 34 56", "en 08"), ("0836 12 34 56", "en 08"),
        ("3949", "numéro court"), ("112", "numéro court"), ("15", "numéro court"),
        ("+44 7400 123456", "pays voisins"), ("+1 201 555 0123", "pays voisins"), ("+212 650 123456", "pays voisins"),
        ("06 12 34 56", "manque des chiffres"), ("06 12 34 56 78 9", "trop de chiffres"),
        ("06 12 34 56 7", "manque des chiffres"), ("+33 6 12 34 5", "manque des chiffres"),
        ("0262", "manque des chiffres"), ("118 218", "numéro court"), ("41 12 34", "manque des chiffres"),
        ("", "Indiquez"), ("six", "en chiffres"), ("O6 12 34 56 78", "au lieu des lettres"),
        ("06 l2 34 56 78", "au lieu des lettres"), ("07 00 12 34 56", "ou 0700"),
        ("0700 1234 5678 90", "trop de chiffres"),
        ("33 6 12 34 56", "manque des chiffres"), ("06 12 34 56 78 ou 07 12 34 56 78", "en chiffres"),
        ("06 12 34 56 78 / 07 12 34 56 78", "trop de chiffres"), ("01 42 34 56 78 poste 12", "en chiffres"),
        ("01 42 34 56 78 # 12", "en chiffres"), ("+881 612 345 678", "pays voisins"),
        ("+800 1234 5678", "pays voisins"),
        ("00 00 00 00 00", "vérifiez"),
    ],
)  # fmt: skip
def test_a_number_that_nobody_calls_back_is_refused_with_what_to_do(written, what_to_do):
    with pytest.raises(UnusableNumber, match=what_to_do):
        read(written)


def test_a_plumbers_whatsapp_may_be_of_any_country_but_not_premium():
    assert read_whatsapp("+351 912 345 678").e164 == "+351912345678"
    with pytest.raises(UnusableNumber, match="en 08"):
        read_whatsapp("0892 12 34 56")


NEIGHBOURS = ["BE", "LU", "DE", "CH", "IT", "ES", "AD", "MC", "WF", "PF", "NC", "PM"]


@pytest.mark.parametrize("region", NEIGHBOURS)
def test_a_neighbours_number_is_read_by_its_country_code(region):
    for kind in (PhoneNumberType.MOBILE, PhoneNumberType.FIXED_LINE, PhoneNumberType.VOIP):
        number = phonenumbers.example_number_for_type(region, kind)
        e164 = number and phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
        for spelling in (e164, "00" + e164[1:], spaced(e164)) if number else ():
            assert read(spelling, postal_code="59000").e164 == e164, spelling


@pytest.mark.parametrize("region", NEIGHBOURS)
def test_a_neighbours_special_number_is_refused(region):
    for kind in (PhoneNumberType.PREMIUM_RATE, PhoneNumberType.SHARED_COST):
        if number := phonenumbers.example_number_for_type(region, kind):
            with pytest.raises(UnusableNumber, match="spéciaux"):
                read(phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164))


@pytest.mark.parametrize(
    ("written", "spelled"),
    [
        ("06 12 34 56 78", {"0612345678", "612345678", "+33612345678", "0033612345678", "+330612345678"}),
        ("0690001234", {"0690001234", "+590690001234", "+33690001234"}),
        ("+508410000", {"0508410000", "+508410000"}),
        ("+687751234", {"+687751234", "00687751234"}),
    ],
)
def test_a_number_is_looked_for_in_each_usual_spelling(written, spelled):
    assert spelled <= spellings(written)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("0791234567", "+41791234567"),  # the same last nine digits
        ("0470123456", "+32470123456"),
        ("0687751234", "+687751234"),  # the same digits but for a 0 and a +
        ("0376312345", "+376312345"),
    ],
)
def test_numbers_that_look_alike_share_no_spelling(one, other):
    assert not spellings(one) & spellings(other)


def test_nothing_of_a_number_is_in_its_repr():
    assert "612345678" not in repr(read("0612345678"))


@given(st.text())
def test_any_text_is_a_number_or_is_refused(text):
    try:
        number = read(text)
    except UnusableNumber:
        return
    assert read(number.e164) == number
    assert read(number.national).e164 == number.e164
    assert {number.e164, number.national} <= spellings(text)


@given(st.from_regex(r"0[1-79][0-9]{8}", fullmatch=True))
def test_ten_digits_are_read_alike_however_they_are_written(digits):
    pairs = re.findall("..", digits)
    try:
        number = read(digits)
    except UnusableNumber:
        return
    assert {read(gap.join(pairs)).e164 for gap in (" ", ".", "-", "\u00a0", "/")} == {number.e164}
    assert re.fullmatch(r"\+(33|262|508|590|594|596)\d{6,9}", number.e164)


@pytest.mark.parametrize(
    ("stored", "shown"),
    [
        ("0639980002", "06 39 98 00 02"),
        ("06.39.98.00.02", "06 39 98 00 02"),
        ("+33639980002", "06 39 98 00 02"),
        ("+33 (0)6 39 98 00 02", "06 39 98 00 02"),
        ("0033639980002", "06 39 98 00 02"),
        ("0690123456", "06 90 12 34 56"),
        ("+590690123456", "+590 690 12 34 56"),
        ("+32470123456", "+32 470 12 34 56"),
        ("+32 470\t12  34 56 ", "+32 470 12 34 56"),
        ("+999", "+999"),
        ("pas de\ntéléphone\0", "pas de téléphone"),
        ("", ""),
    ],
)
def test_number_is_shown_as_its_country_groups_it_or_left_as_it_is(stored, shown):
    assert spaced(stored) == shown
