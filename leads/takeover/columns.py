"""The columns of the old tables, as they are once taken over."""

from typing import NamedTuple

INSTANT = "timestamp with time zone"
# NULL IN (nothing) is false: the first half is for a database that has no plumbers yet.
KNOWN_PLUMBER = "plumber_id IS NULL OR plumber_id IN (SELECT id FROM plumbers)"

# Types (pg_type.typname) from which the right one can be made without altering a value.
CONVERTIBLE = {
    "integer": ("int2", "int4", "int8"),
    "character varying": ("varchar", "text"),
    "text": ("varchar", "text"),
    INSTANT: ("timestamp", "timestamptz"),
}


class Column(NamedTuple):
    type: str  # as PostgreSQL's format_type() writes it
    required: bool = False  # NOT NULL
    default: str | None = None  # SQL; None: whatever the old system had
    rule: str = ""  # SQL that holds for every good row
    added_later: bool = False  # some old databases do not have it

    @property
    def max_length(self) -> int | None:
        length = self.type.removeprefix("character varying(").removesuffix(")")
        return int(length) if length.isdecimal() else None

    @property
    def nulls_mean_default(self) -> bool:
        return self.added_later and self.required

    def convertible_from(self, typname: str) -> bool:
        return typname in CONVERTIBLE[self.type.split("(")[0]]


def _instant(name: str, **properties: object) -> Column:
    """Python's calendar ends with the year 9999, and a time zone may move an instant by most of a day."""
    return Column(INSTANT, rule=f"{name} >= '0001-01-02' AND {name} < '9999-12-31'", **properties)


PLUMBERS = {
    "id": Column("integer", required=True),
    "phone": Column("character varying(20)", required=True),
    "pack_size": Column("integer", required=True, rule="pack_size IN (5, 10, 15, 20, 25, 30)"),
    "leads_received": Column("integer", required=True, default="0", rule="leads_received BETWEEN 0 AND pack_size"),
    "status": Column(
        "character varying(20)",
        required=True,
        default="'active'",
        rule="status IN ('active', 'exhausted', 'paused')",
    ),
    "created_at": _instant("created_at", default="now()"),
}
LEADS = {
    "id": Column("integer", required=True),
    "phone": Column("character varying(20)", required=True),
    "postal_code": Column("character varying(10)", required=True),
    "emergency_type": Column("text", required=True),
    "status": Column(
        "character varying(20)",
        required=True,
        default="'pending'",
        rule="status IN ('pending', 'confirmed', 'sent')",
    ),
    "confirmation_token": Column("text", required=True),
    "token_expires_at": _instant("token_expires_at", required=True),
    "created_at": _instant("created_at", default="now()"),
    "notification_status": Column(
        "character varying(30)",
        required=True,
        default="'pending'",
        rule="notification_status IN ('pending', 'whatsapp_sent', 'whatsapp_failed')",
        added_later=True,
    ),
    "notification_attempts": Column(
        "integer", required=True, default="0", rule="notification_attempts BETWEEN 0 AND 2", added_later=True
    ),
    "notification_retry_at": _instant("notification_retry_at", added_later=True),
    "plumber_id": Column("integer", rule=KNOWN_PLUMBER, added_later=True),
}
# In the order in which an INSERT of a lead locks them: the lead's table, then, for the foreign key, the plumber's.
TABLES = {"leads": LEADS, "plumbers": PLUMBERS}
