"""What PostgreSQL answers, without the rows that it quotes."""

from django.db import DatabaseError

REFUSED = "password authentication failed"
WAY_OUT = ' With the data of an older docker-compose.yml: docs/operations.md, "Upgrading".'


def answer(exc: DatabaseError) -> str:
    """The message alone: the details may hold a customer's telephone number."""
    diagnosis = getattr(exc.__cause__, "diag", None)
    said = (diagnosis and diagnosis.message_primary) or " ".join(str(exc).split())
    return f"PostgreSQL answered: {said}.{WAY_OUT if REFUSED in said else ''}"
