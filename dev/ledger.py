"""What the database says, read without the product's code; and the rows that the old system would write."""

import secrets
from typing import NamedTuple

import psycopg2
from psycopg2.extras import NamedTupleCursor


class NewLead(NamedTuple):
    id: int
    token: str


class Ledger:
    def __init__(self, database_url: str) -> None:
        self._connection = psycopg2.connect(database_url, cursor_factory=NamedTupleCursor)
        self._connection.autocommit = True

    def __enter__(self) -> "Ledger":
        return self

    def __exit__(self, *exc_info: object) -> None:
        self._connection.close()

    def add_plumber(self, phone: str, pack_size: int = 5) -> int:
        return self._rows("INSERT INTO plumbers (phone, pack_size) VALUES (%s, %s) RETURNING id", phone, pack_size)[
            0
        ].id

    def add_lead(self, phone: str, postal_code: str, emergency_type: str, minutes: int = 30) -> NewLead:
        """Its link works for `minutes`."""
        return NewLead(
            *self._rows(
                "INSERT INTO leads (phone, postal_code, emergency_type, confirmation_token, token_expires_at)"
                " VALUES (%s, %s, %s, %s, now() + %s * interval '1 minute') RETURNING id, confirmation_token",
                *(phone, postal_code, emergency_type, secrets.token_urlsafe(32), minutes),
            )[0]
        )

    def renew_link(self, phone: str) -> str | None:
        """The token of this customer's lead that waits to be confirmed, now good for a day."""
        rows = self._rows(
            "UPDATE leads SET token_expires_at = now() + interval '1 day'"
            " WHERE phone = %s AND status = 'pending' RETURNING confirmation_token",
            phone,
        )
        return rows[0].confirmation_token if rows else None

    def count(self, table: str) -> int:
        return self._rows(f"SELECT count(*) AS rows FROM {table}")[0].rows

    def lead(self, lead_id: int) -> NamedTuple:
        return self._rows("SELECT * FROM leads WHERE id = %s", lead_id)[0]

    def plumber(self, plumber_id: int) -> NamedTuple:
        return self._rows("SELECT * FROM plumbers WHERE id = %s", plumber_id)[0]

    def attempts(self, lead_id: int) -> list[NamedTuple]:
        """The attempt log of a lead, oldest first."""
        return self._rows("SELECT * FROM notifications_attempt WHERE lead_id = %s ORDER BY run, number", lead_id)

    def _rows(self, query: str, *values: object) -> list[NamedTuple]:
        with self._connection.cursor() as cursor:
            cursor.execute(query, values)
            return cursor.fetchall()
