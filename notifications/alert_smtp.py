"""Django's SMTP backend, with one limit for a whole conversation.

Its own timeout counts from byte to byte: a server that drips one byte a second holds the sender for hours. And it asks
the DNS for this machine's name, for as long as that takes.
"""

import ipaddress
import smtplib
import socket
import ssl
from urllib.parse import urlsplit

from django.conf import settings
from django.core.mail import DNS_NAME
from django.core.mail.backends import smtp
from django.utils.encoding import punycode
from django.utils.functional import cached_property

from notifications.providers.deadline import TLSSocket, call, connect


class _SMTP(smtplib.SMTP):
    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:
        call.begin(timeout)
        return connect(host, port)


class EmailBackend(smtp.EmailBackend):
    """A connection and all that is said on it, by one thread, end within EMAIL_TIMEOUT seconds."""

    connection_class = _SMTP

    def open(self) -> bool | None:
        DNS_NAME._fqdn = _own_name()  # which Django looks up the first time, for EHLO and in the mails' ids
        return super().open()

    @cached_property
    def ssl_context(self) -> ssl.SSLContext:
        context = super().ssl_context
        context.sslsocket_class = TLSSocket
        return context


def _own_name() -> str:
    """The site's host, as RFC 5321 (4.1.3) writes it."""
    host = urlsplit(settings.SITE_URL).hostname or "localhost"
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return punycode(host)
    return f"[IPv6:{host}]" if address.version == 6 else f"[{host}]"
