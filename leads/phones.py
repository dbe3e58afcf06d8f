"""Telephone numbers: as people write them, as the provider wants them, as a plumber reads them."""

import re

import phonenumbers
from phonenumbers import NumberParseException, ValidationResult

# In the national plan these look like any other French number, but each region has its own country code.
_OVERSEAS = {
    "0590": "GP", "0690": "GP", "0691": "GP",
    "0262": "RE", "0692": "RE", "0693": "RE",
    "0594": "GF", "0694": "GF",
    "0596": "MQ", "0696": "MQ", "0697": "MQ",
    "0269": "YT", "0639": "YT",
}  # fmt: skip
# With the dashes and the invisible marks that come along when a number is pasted from a page or a contact.
_PUNCTUATION = re.compile(r"[\s.()/\u2010-\u2015\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff-]")


class UndiallableNumber(ValueError):
    """Its text is French, for operators, and never quotes the number."""


def to_e164(text: str) -> str:
    """`text` in E.164 form (+33612345678); without a country code it is a French number. Raises UndiallableNumber.

    A number counts when it is long enough, not when its range is known to be in use: the library's
    tables are older than the newest ranges, and a plumber must not lose leads over that.
    """
    digits = _PUNCTUATION.sub("", text)
    if not digits:
        raise UndiallableNumber("Numéro de téléphone vide")
    if not re.fullmatch(r"\+?[0-9]+", digits):  # the library would read letters as keys of a telephone
        raise UndiallableNumber("Numéro de téléphone illisible : caractères inattendus")
    try:
        number = phonenumbers.parse(digits, _OVERSEAS.get(digits[:4], "FR"))
    except NumberParseException as exc:
        raise UndiallableNumber("Numéro de téléphone illisible") from exc
    possible = phonenumbers.is_possible_number_with_reason(number) == ValidationResult.IS_POSSIBLE
    if not possible or phonenumbers.national_significant_number(number).startswith("0"):
        raise UndiallableNumber("Numéro de téléphone impossible")
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def spaced(text: str) -> str:
    """A French number in pairs, to be read aloud and dialled: 06 39 98 00 02. Any other stays as it is."""
    digits = re.sub(r"^(?:\+|00)330?", "0", _PUNCTUATION.sub("", text))
    if re.fullmatch(r"0[0-9]{9}", digits):
        return " ".join(re.findall("..", digits))
    return " ".join("".join(char if char.isprintable() else " " for char in text).split())
