"""Telephone numbers: as people write them, as the provider wants them, as a plumber reads them.

What the library knows decides which region a number is of. Its tables are older than the newest ranges, so a number
that is in none of them is refused only when no range of its country could hold it.
"""

import functools
import re
from collections.abc import Iterator
from dataclasses import dataclass, field

import phonenumbers
from phonenumbers import NumberParseException, PhoneNumber, PhoneNumberType, ValidationResult

from leads.digits import in_ascii

# Regions whose national numbers look like any other French one, ten digits with a leading 0.
_LIKE_FRANCE = ("FR", "GP", "MQ", "GF", "RE", "YT", "PM", "BL", "MF")
_OVERSEAS = _LIKE_FRANCE[1:]
_BY_POSTAL_CODE = {
    "971": "GP", "972": "MQ", "973": "GF", "974": "RE", "975": "PM", "976": "YT", "977": "BL", "978": "MF",
    "986": "WF", "987": "PF", "988": "NC", "98000": "MC",
}  # fmt: skip
# Whom we call back: France, its regions, and the countries that share a border with it.
_CALLED_BACK = {33, 262, 508, 590, 594, 596, 681, 687, 689} | {377, 32, 352, 49, 41, 39, 34, 376}
# Kept for films and examples, in the regions' plan too: https://www.arcep.fr, décision n° 2018-0881, annexe 1.
_FICTION = re.compile(r"0(?:19900|26191|35301|46571|53649|63998)\d{4}")
_SAINT_PIERRE = re.compile(r"0508(\d{6})")  # the 0508 is dialled in France only; the number has six digits
_NATIONAL = re.compile(r"0[1-9][0-9]{8}")
_SHORT = re.compile(r"[13][0-9]{1,5}")  # 15, 112, 3949, 118 218
# With the quotes, dashes, signs and invisible marks that come along when a number is pasted from a page or a contact.
_PUNCTUATION = re.compile(
    r"[\s.,:;_()\[\]/'\"\u00ab\u00bb\u2018-\u201f\u2039\u203a\u00b7\u2022\u2010-\u2015\u2212"
    r"\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufe0e\ufe0f\u20e3\ufeff\u00ad"
    r"\u260e\u260f\u2706\U0001f4de\U0001f4f1\U0001f4f2-]"  # telephones
)
_SAID_BEFORE = re.compile(r"\s*(?:t[ée]l(?:[ée]phone)?|mobile|portable|fixe)\b", re.IGNORECASE)  # tel:+33…, Tél. 06 …
_SPECIAL = re.compile(r"08\d*|0700\d*")  # 0700 is of machines, in the same plan
_NOBODY_ANSWERS = (
    PhoneNumberType.PREMIUM_RATE,
    PhoneNumberType.SHARED_COST,
    PhoneNumberType.TOLL_FREE,
    PhoneNumberType.UAN,
    PhoneNumberType.PAGER,
    PhoneNumberType.VOICEMAIL,
)
_EXAMPLE = "par exemple 06 12 34 56 78"
_TOO_LONG = f"Ce numéro a trop de chiffres : écrivez-en un seul, {_EXAMPLE}"


class UnusableNumber(ValueError):
    """Its text is French, says what to do, and never quotes the number."""


@dataclass(frozen=True)
class Number:
    """A number that can be dialled. Its repr holds nothing personal."""

    e164: str = field(repr=False)  # +33612345678

    @property
    def national(self) -> str:
        """What a customer's row holds: ten digits where France writes ten (0612345678), else E.164."""
        parsed = phonenumbers.parse(self.e164)
        digits = phonenumbers.national_significant_number(parsed)
        if parsed.country_code == 508 and len(digits) == 6:
            return "0508" + digits
        return "0" + digits if parsed.country_code in _CODES_LIKE_FRANCE and len(digits) == 9 else self.e164

    @property
    def spaced(self) -> str:
        """For people: 06 12 34 56 78; a foreign one as its country groups it, +32 470 12 34 56."""
        return spaced(self.national)


def read(text: str, *, postal_code: str = "") -> Number:
    """The number of a customer whom we shall call back; `postal_code` says in which region it is typed.

    Raises UnusableNumber for one that is not, or that nobody calls back: short, premium, of a far country.
    """
    number = _parse(text, postal_code)
    if number.country_code not in _CALLED_BACK:
        raise UnusableNumber(
            "Nous rappelons en France, outre-mer et dans les pays voisins seulement : indiquez un autre numéro"
        )
    _refuse_special(number)
    return Number(_e164(number))


def read_whatsapp(text: str) -> Number:
    """The number on which a plumber has WhatsApp, of any country. Raises UnusableNumber, for a premium one too."""
    number = _parse(text)
    _refuse_special(number)
    return Number(_e164(number))


@functools.lru_cache(maxsize=1024)  # each message asks for one of few plumbers; the desk's first page refreshes itself
def to_e164(text: str) -> str:
    """`text` in E.164 form (+33612345678); without a country code it is a French number. Raises UnusableNumber."""
    return _e164(_parse(text))


def is_landline(e164: str) -> bool:
    """As far as the library knows."""
    return phonenumbers.number_type(phonenumbers.parse(e164)) == PhoneNumberType.FIXED_LINE


def spellings(text: str) -> set[str]:
    """Every usual way to write this number, without punctuation; none of them is read as another number.

    Raises UnusableNumber.
    """
    number = Number(to_e164(text))
    parsed = phonenumbers.parse(number.e164)
    digits = phonenumbers.national_significant_number(parsed)
    codes = {str(parsed.country_code), "33"}  # old rows, and people, write +33 before numbers of the regions too
    usual = {before + code + zero + digits for before in ("+", "00", "") for code in codes for zero in ("", "0")}
    usual |= {number.national.removeprefix("0")}
    return {number.national} | {spelling for spelling in usual if _is_read_as(spelling, number.e164)}


def plain(text: str) -> str:
    """What was typed without what is no part of a number: its digits and its +, where it is one."""
    return _PUNCTUATION.sub("", _SAID_BEFORE.sub("", in_ascii(text), count=1))


def dialled(text: str) -> str:
    """What a tel: link calls, in E.164; "" where nobody can dial it."""
    try:
        return to_e164(text)
    except UnusableNumber:
        return ""


def spaced(text: str) -> str:
    """To be read aloud and dialled: a French number in pairs (06 39 98 00 02), a foreign one as its country groups it.

    What is no number stays as it is.
    """
    digits = re.sub(r"^(?:\+|00)330?", "0", _PUNCTUATION.sub("", text))
    if _NATIONAL.fullmatch(digits):
        return " ".join(re.findall("..", digits))
    if re.fullmatch(r"\+[0-9]+", digits):
        try:
            return phonenumbers.format_number(_library(digits, None), phonenumbers.PhoneNumberFormat.INTERNATIONAL)
        except UnusableNumber:
            pass
    return " ".join("".join(char if char.isprintable() else " " for char in text).split())


def _is_read_as(text: str, e164: str) -> bool:
    try:
        return to_e164(text) == e164
    except UnusableNumber:
        return False


def _refuse_special(number: PhoneNumber) -> None:
    special = number.country_code == 33 and _SPECIAL.fullmatch(f"0{number.national_number}")
    if special or phonenumbers.number_type(number) in _NOBODY_ANSWERS:
        raise UnusableNumber(
            "Les numéros spéciaux, comme ceux en 08 ou 0700, ne se rappellent pas : indiquez un mobile ou un fixe"
        )


def _parse(text: str, postal_code: str = "") -> PhoneNumber:
    digits = plain(text)
    if not digits:
        raise UnusableNumber("Indiquez un numéro de téléphone")
    if not re.fullmatch(r"\+?[0-9]+", digits):  # the library would read letters as keys of a telephone
        if re.fullmatch(r"\+?[0-9OoIl]{8,}", digits):
            raise UnusableNumber(f"Écrivez des chiffres 0 et 1 au lieu des lettres O, I et l, {_EXAMPLE}")
        raise UnusableNumber(f"Écrivez le numéro en chiffres seulement, {_EXAMPLE}")
    number = _international(digits) if digits.startswith(("+", "00")) else _national(digits, postal_code)
    _check_length(number)
    return number


def _international(digits: str) -> PhoneNumber:
    number = _library("+" + digits.removeprefix("+").removeprefix("00"), None)
    french = "0" + phonenumbers.national_significant_number(number)
    # Old rows, and people, write +33 before numbers of the regions too.
    return _national(french, "") if number.country_code == 33 and _NATIONAL.fullmatch(french) else number


def _national(digits: str, postal_code: str) -> PhoneNumber:
    if re.fullmatch(r"330?[1-9]\d{8}", digits) or _has_code(digits):
        return _international("+" + digits)
    here = _region(postal_code)
    if here and (len(digits) < 9 or here not in _LIKE_FRANCE) and _is_of(digits, here):
        return _library(digits, here)
    if re.fullmatch(r"33[67]\d{6}", digits):  # +33 6 12 34 56: rather that than 03 36 12 34 56
        raise UnusableNumber(f"Il manque des chiffres à ce numéro : écrivez-le en entier, {_EXAMPLE}")
    if re.fullmatch(r"[1-9]\d{8}", digits):  # typed without its 0
        digits = "0" + digits
    if saint_pierre := _SAINT_PIERRE.fullmatch(digits):
        return _library("+508" + saint_pierre[1], None)
    if _FICTION.fullmatch(digits):
        return _library(digits, "FR")
    return _library(digits, next(_regions(digits, here), "FR"))


def _has_code(digits: str) -> bool:
    """Whether only the + is missing before the code of a country where we call back."""
    if digits.startswith("0") or len(digits) < 11:
        return False
    try:
        number = _library("+" + digits, None)
    except UnusableNumber:
        return False
    return number.country_code in _CALLED_BACK and phonenumbers.is_valid_number(number)


def _regions(digits: str, here: str | None) -> Iterator[str]:
    """Those that can have this national number, the likeliest first."""
    if here in _LIKE_FRANCE and _is_valid(digits, here):
        yield here
    if re.match("0[89]", digits) or _is_valid(digits, "FR", PhoneNumberType.MOBILE):
        return
    yield from (region for region in _OVERSEAS if _is_valid(digits, region))
    # A range that is newer than the tables, or that they give to France as well: of whoever has its neighbours.
    if region := _owner(digits[:5]) or _owner(digits[:4]):
        yield region


@functools.cache
def _owner(start: str) -> str | None:
    """The region overseas that has numbers beginning so; None if there is none."""
    for region in _OVERSEAS:
        rest = "0" + str(phonenumbers.example_number_for_type(region, PhoneNumberType.MOBILE).national_number)
        if any(_is_valid(f"{start}{block:02}{rest[len(start) + 2 :]}", region) for block in range(100)):
            return region
    return None


def _is_valid(digits: str, region: str, kind: int | None = None) -> bool:
    return bool(_NATIONAL.fullmatch(digits)) and _is_of(digits, region, kind)


def _is_of(digits: str, region: str, kind: int | None = None) -> bool:
    """Whether the library knows these digits as a number of `region`, typed there."""
    try:
        number = phonenumbers.parse(digits, region)
    except NumberParseException:
        return False
    valid = phonenumbers.is_valid_number_for_region(number, region)
    return valid and kind in (None, phonenumbers.number_type(number))


def _region(postal_code: str) -> str | None:
    code = re.sub(r"\D", "", in_ascii(postal_code))
    return _BY_POSTAL_CODE.get(code) or _BY_POSTAL_CODE.get(code[:3])


def _library(digits: str, region: str | None) -> PhoneNumber:
    try:
        return phonenumbers.parse(digits, region)
    except NumberParseException as exc:
        if exc.error_type == NumberParseException.INVALID_COUNTRY_CODE:
            raise UnusableNumber("Aucun pays n'a cet indicatif : vérifiez les chiffres après le +") from exc
        if exc.error_type == NumberParseException.TOO_LONG:
            raise UnusableNumber(_TOO_LONG) from exc
        raise UnusableNumber(f"Ce numéro est trop court : vérifiez les chiffres, {_EXAMPLE}") from exc


def _check_length(number: PhoneNumber) -> None:
    significant = phonenumbers.national_significant_number(number)
    french = number.country_code == 33
    if french and _SHORT.fullmatch(significant):
        raise UnusableNumber(f"Un numéro court ne se rappelle pas : indiquez les dix chiffres, {_EXAMPLE}")
    length = phonenumbers.is_possible_number_with_reason(number)
    too_short = french and len(significant.lstrip("0")) < 9 and significant.strip("0")
    if too_short or length in (ValidationResult.TOO_SHORT, ValidationResult.IS_POSSIBLE_LOCAL_ONLY):
        raise UnusableNumber(f"Il manque des chiffres à ce numéro : écrivez-le en entier, {_EXAMPLE}")
    if length == ValidationResult.TOO_LONG:
        raise UnusableNumber(_TOO_LONG)
    if length != ValidationResult.IS_POSSIBLE or significant.startswith("0") and number.country_code != 39:
        raise UnusableNumber(f"Ce numéro ne peut pas exister : vérifiez les chiffres, {_EXAMPLE}")


def _e164(number: PhoneNumber) -> str:
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


_CODES_LIKE_FRANCE = {phonenumbers.country_code_for_region(region) for region in _LIKE_FRANCE}
