"""Privacy in logs: no token, phone number, message text or credential, whoever logs it and however it is printed."""

import logging
import logging.config
import re
import sys
import threading
from types import TracebackType

from plumbing import env

_SLASH, _EQUALS, _PLUS = r"(?:/|%(?:25)*2F)", r"(?:=|%(?:25)*3D)", r"(?:\+|%(?:25)*2B|\\u002B|&#43;|&#x2B;)"
_GAP = r"(?:[ ._/()+\u00a0\u202f-]|%20|%C2%A0|\\xa0|\\u202f){0,3}"
_START = r"(?:(?<![\w.+-])|(?<=%[0-9A-F][0-9A-F])|(?<=\\[nrt]))"
_AFTER = r"\n+(?:The above exception|During handling|Traceback|  File|CONTEXT:|HINT:|[\w.]*(?:Error|Exception)\b)"
# A pattern, what of it is kept, and words of which one stands in every text that it fits, as casefold() writes them.
# Most lines have none, and to look for a word takes a fiftieth of the pattern's time.
_HIDDEN = [
    (re.compile(pattern, re.IGNORECASE | re.MULTILINE), rf"{kept}…", words)
    for pattern, kept, words in (
        # Old tokens hold spaces, too.
        (rf"({_SLASH}(?:confirm|api{_SLASH}lead){_SLASH})(?:(?! HTTP/\d).)+", r"\1", ("confirm", "lead")),
        (
            rf"((?:token|password|secret|signature){_EQUALS})[^\s'\"&]+",
            r"\1",
            ("token", "password", "secret", "signature"),
        ),
        (r"(\b(?:Basic|Bearer)\s+)[\w.~+/=-]{8,}", r"\1", ("basic", "bearer")),
        (r"(://[^\s:/@]*:)[^\s/@]+(?=@)", r"\1", ("://",)),
        # What PostgreSQL quotes: the whole row, the statement with its values, a value.
        (rf"(Failing row contains|DETAIL:)(?s:(?!{_AFTER}).)*", r"\1 ", ("failing row", "detail:")),
        (
            r"(^LINE \d+:|QUERY:|STATEMENT:|invalid input syntax for [^:]*:).*",
            r"\1 ",
            ("line ", "query:", "statement:", "invalid input"),
        ),
        (r"(wamid\.)[\w+/=-]+", r"\1", ("wamid.",)),  # Meta's message ids hold the number, in base64
        (rf"{_PLUS}{_GAP}\d(?:{_GAP}\d){{7,14}}", "", ("",)),  # in every text: numbers have no word
        (rf"{_START}(?:(?:00)?33 ?|0)[1-9](?:{_GAP}\d\d){{4}}(?![\w-])", "", ("",)),
        (rf"{_START}(?:00)?(?:262|590|594|596)[1-9]\d{{8}}(?![\w-])", "", ("262", "590", "594", "596")),
    )
]


def hide(text: str) -> str:
    """The text without what nobody may read in a log."""
    for secret in env.secrets:
        text = text.replace(secret, "…")
    folded = text.casefold()
    for pattern, kept, words in _HIDDEN:
        if any(word in folded for word in words):
            text = pattern.sub(kept, text)
    return text


def configure(config: dict) -> None:
    """Set up logging as LOGGING says, and let nothing pass it by: warnings, uncaught exceptions, others' handlers."""
    logging.setLogRecordFactory(discreet_record)
    logging.config.dictConfig(config)
    logging.captureWarnings(True)
    sys.excepthook = _log_uncaught
    threading.excepthook = _log_uncaught_in_thread
    sys.unraisablehook = _log_unraisable


def discreet_record(*args: object, **kwargs: object) -> logging.LogRecord:
    """A record with its secrets hidden before any handler sees it, whosesoever (Python's last resort is one)."""
    record = logging.LogRecord(*args, **kwargs)
    try:
        message = record.getMessage()
    except (TypeError, ValueError, KeyError):  # Python would print message and arguments itself
        message = f"{record.msg} (whose arguments do not fit)"
    record.msg, record.args, record.is_discreet = hide(message), (), True
    if record.exc_info:
        record.exc_text, record.exc_info = hide(logging.Formatter().formatException(record.exc_info)), None
    if record.stack_info:
        record.stack_info = hide(record.stack_info)
    return record


class DiscreetFormatter(logging.Formatter):
    """For records that were made by another factory, too."""

    def format(self, record: logging.LogRecord) -> str:
        line = super().format(record)
        return line if getattr(record, "is_discreet", False) else hide(line)


class Short(logging.Filter):
    """What a stranger sent wrong is a line, not the twenty lines of where we noticed."""

    def filter(self, record: logging.LogRecord) -> bool:
        if getattr(record, "status_code", 500) < 500:
            record.exc_info = record.exc_text = None
        return True


def _log_uncaught(kind: type[BaseException], exc: BaseException, traceback: TracebackType | None) -> None:
    if issubclass(kind, KeyboardInterrupt):
        return
    logging.getLogger("plumbing").critical("Uncaught exception", exc_info=(kind, exc, traceback))


def _log_uncaught_in_thread(uncaught: threading.ExceptHookArgs) -> None:
    if uncaught.exc_type is SystemExit:
        return
    exc_info = (uncaught.exc_type, uncaught.exc_value, uncaught.exc_traceback)
    logging.getLogger("plumbing").error("Uncaught exception in a thread", exc_info=exc_info)


def _log_unraisable(ignored: "sys.UnraisableHookArgs") -> None:
    exc_info = (ignored.exc_type, ignored.exc_value, ignored.exc_traceback)
    logging.getLogger("plumbing").error("%s", ignored.err_msg or "Exception ignored", exc_info=exc_info)
