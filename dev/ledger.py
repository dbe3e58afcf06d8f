"""What the database says, read without the product's code; and the rows that the old system would write."""

import contextlib
import secrets

import psycopg2
from psycopg2.extras import RealDictCursor


class Ledger:
    """Every method has a connection of its own (a test may have ended the last one) and raises psycopg2.Error."""

    def __init__(self, database_url: str) -> None:
        self.url = database_url

    def rows(self, sql: str, *values: object) -> list[dict]:
        """What a statement returns, instants in UTC; it is committed at once."""
        with contextlib.closing(psycopg2.connect(self.url, cursor_factory=RealDictCursor)) as connection:
            connection.autocommit = True
            with connection.cursor() as cursor:
                cursor.execute("SET TIME ZONE 'UTC'")
                cursor.execute(sql, values or None)
                return [dict(row) for row in cursor.fetchall()] if cursor.description else []

    def add_plumber(self, phone: str, pack_size: int = 5) -> int:
        """His id."""
        sql = "INSERT INTO plumbers (phone, pack_size) VALUES (%s, %s) RETURNING id"
        return self.rows(sql, phone, pack_size)[0]["id"]

    def add_lead(
        self, phone: str, emergency: str = "Fuite d'eau", *, token: str | None = None, minutes: int = 30
    ) -> dict:
        """Its id and its token, with which its link works for `minutes`."""
        sql = (
            "INSERT INTO leads (phone, postal_code, emergency_type, confirmation_token, token_expires_at)"
            " VALUES (%s, '75011', %s, %s, now() + %s * interval '1 minute') RETURNING id, confirmation_token AS token"
        )
        return self.rows(sql, phone, emergency, token or secrets.token_urlsafe(32), minutes)[0]

    def lead(self, lead_id: int) -> dict:
        return self.rows("SELECT * FROM leads WHERE id = %s", lead_id)[0]

    def lead_of(self, link: str) -> dict:
        """The lead that a confirmation link leads to. Raises ValueError for an address that leads to none."""
        token = link.rpartition("/confirm/")[2].strip("/")
        if found := self.rows("SELECT * FROM leads WHERE confirmation_token = %s", token):
            return found[0]
        raise ValueError(f"no lead behind {link}")

    def attempts(self, lead_id: int) -> list[dict]:
        """The attempt log of a lead, oldest first."""
        return self.rows("SELECT * FROM notifications_attempt WHERE lead_id = %s ORDER BY run, number", lead_id)
