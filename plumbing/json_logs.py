"""LOG_FORMAT=json: each line an object, for machines; with no more in it than the lines for people have."""

import datetime
import logging
import re

from pythonjsonlogger.json import JsonFormatter

from plumbing.logs import hide

_LEAD = re.compile(r"\bLead (\d+)")
_ATTEMPT = re.compile(r"\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b")


class DiscreetJson(JsonFormatter):
    """Of a record's attributes only these: what a library adds of its own may be anything."""

    def __init__(self) -> None:
        super().__init__(json_ensure_ascii=False)

    def process_log_record(self, log_data: dict) -> dict:
        return {name: hide(value) if isinstance(value, str) else value for name, value in log_data.items()}

    def add_fields(self, log_data: dict, record: logging.LogRecord, message_dict: dict) -> None:
        message = record.getMessage()
        log_data |= {
            "time": self.formatTime(record),
            "level": record.levelname,
            "logger": record.name,
            "message": message,
            "process": record.process,
        }
        if lead := _LEAD.search(message):
            log_data["lead"] = int(lead[1])
        if attempt := getattr(record, "attempt", None) or _ATTEMPT.search(message):
            log_data["attempt"] = attempt if isinstance(attempt, str) else attempt[0]
        if exception := record.exc_text or (record.exc_info and self.formatException(record.exc_info)):
            log_data["exception"] = exception

    def formatTime(self, record: logging.LogRecord, datefmt: str | None = None) -> str:  # noqa: N802 - logging's name
        """ISO 8601 in UTC, to the millisecond."""
        moment = datetime.datetime.fromtimestamp(record.created, tz=datetime.UTC)
        return moment.isoformat(timespec="milliseconds")
