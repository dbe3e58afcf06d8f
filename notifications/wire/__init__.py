"""What the providers send to us: who signed it, and what it says. Pure functions; nothing here knows the database."""

from notifications.wire.receipts import ReceiptEvent, Unreadable, parse_meta, parse_twilio
from notifications.wire.signatures import meta_is_signed, twilio_is_signed

__all__ = ["ReceiptEvent", "Unreadable", "meta_is_signed", "parse_meta", "parse_twilio", "twilio_is_signed"]
