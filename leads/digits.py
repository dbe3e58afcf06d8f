"""Digits as people type and paste them."""

import unicodedata


def in_ascii(text: str) -> str:
    """`text` with the digits of every script, full-width ones too, as 0 to 9."""
    return "".join(str(unicodedata.decimal(char, char)) for char in unicodedata.normalize("NFKC", text))
