"""Postal codes, and who serves them."""


def prefixes(postal_code: str) -> list[str]:
    """Every zone that holds this code, the widest first: "75011" is in 7, 75, 750, 7501 and 75011."""
    code = postal_code.strip()
    return [code[:length] for length in range(1, len(code) + 1)]
