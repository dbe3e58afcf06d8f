"""Instants in the admin: short, and with seconds, since attempts are 30 s apart."""

DATETIME_FORMAT = "j/m/Y H:i:s"
