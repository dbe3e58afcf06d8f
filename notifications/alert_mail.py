"""An alert as a mail, by Django's mail settings."""

import smtplib

from django.core.mail import EmailMultiAlternatives

from notifications.alert_texts import bodies, in_words, subject
from notifications.models import AlertMessage


class MailProblem(Exception):
    """The mail server did not take it; its text names no address."""


class AddressRefused(MailProblem):
    """The mail server works, and takes nothing for this address."""


def send(message: AlertMessage) -> None:
    """To the message's one address: one that bounces keeps nobody else's. Raises MailProblem.

    Blocks for at most EMAIL_TIMEOUT seconds (alert_smtp.py).
    """
    texts = in_words(message)
    plain, html = bodies(message, texts)
    mail = EmailMultiAlternatives(subject(message, texts), plain, to=[message.address])
    mail.attach_alternative(html, "text/html")
    try:
        mail.send()
    except smtplib.SMTPRecipientsRefused as exc:
        raise AddressRefused(_problem(exc)) from exc
    except (smtplib.SMTPException, OSError, ValueError) as exc:
        raise MailProblem(_problem(exc)) from exc


def _problem(exc: Exception) -> str:
    """Without the server's words, which quote addresses."""
    codes = [code for code, _ in exc.recipients.values()] if isinstance(exc, smtplib.SMTPRecipientsRefused) else []
    code = codes[0] if codes else getattr(exc, "smtp_code", "")
    return f"serveur de mail : {type(exc).__name__} {code}".strip()
