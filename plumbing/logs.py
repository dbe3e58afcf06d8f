"""The last guard of privacy in logs: whatever was logged, no token and no phone number comes out."""

import logging
import re

_TOKEN = re.compile(r"(/confirm/|/api/confirm\?token=)[^\s'\"]+", re.IGNORECASE)
_ROW = re.compile(r"(Failing row contains|DETAIL:).*")  # PostgreSQL quotes the whole row
_PHONE = re.compile(r"(?<![\w.+-])(?:\+\d[\d .]{6,17}\d|(?:0033|33|0)[1-9](?:[ .-]?\d\d){4})(?![\w-])")


class DiscreetFormatter(logging.Formatter):
    """Formats as usual, tracebacks included, then hides confirmation tokens and phone numbers."""

    def format(self, record: logging.LogRecord) -> str:
        line = _TOKEN.sub(r"\1…", super().format(record))
        return _PHONE.sub("…", _ROW.sub(r"\1 …", line))
