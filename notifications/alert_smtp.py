"""Django's SMTP backend, with one limit for a whole conversation.

Its own timeout counts from byte to byte: a server that drips one byte a second holds the sender for hours.
"""

import smtplib
import socket
import ssl

from django.core.mail.backends import smtp
from django.utils.functional import cached_property

from notifications.providers.deadline import TLSSocket, call, connect


class _SMTP(smtplib.SMTP):
    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:
        call.begin(timeout)
        return connect(host, port)


class EmailBackend(smtp.EmailBackend):
    """A connection and all that is said on it, by one thread, end within EMAIL_TIMEOUT seconds."""

    connection_class = _SMTP

    @cached_property
    def ssl_context(self) -> ssl.SSLContext:
        context = super().ssl_context
        context.sslsocket_class = TLSSocket
        return context
