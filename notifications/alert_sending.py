"""Sending what `alerts.compose` wrote: on threads of its own, with tries and limits of its own.

The mails have one thread and the webhook another: a server that hangs keeps neither the other nor any notification.
A message is claimed, with the instant of its next try, before it is sent; one whose process dies is sent again then.
"""

import datetime
import logging
import threading

from django.db import Error, connection, transaction
from django.db.models import Q

from leads.database import DatabaseClock, database_time
from notifications import alert_mail, alert_webhook, alerts
from notifications.alert_mail import AddressRefused, MailProblem
from notifications.alert_webhook import WebhookProblem
from notifications.models import Alert, AlertMessage

logger = logging.getLogger("notifications")

FIRST_PAUSE, LONGEST_PAUSE = 15, 600  # seconds until the next try; twice as long each time
LIMIT = datetime.timedelta(days=1)  # then it is given up
AT_ONCE = 50  # messages in one go

OF_WEBHOOK = Q(address=alerts.WEBHOOK)


class AlertSenders:
    """The threads of one sweeper."""

    def __init__(self) -> None:
        self._threads: dict[str, threading.Thread] = {}

    def start(self) -> None:
        """Return at once; each thread that has ended begins again if something is due."""
        for name, which in (("alert-mail", ~OF_WEBHOOK), ("alert-webhook", OF_WEBHOOK)):
            running = self._threads.get(name)
            if (running is None or not running.is_alive()) and _due(which).exists():
                self._threads[name] = threading.Thread(target=_run, args=(which,), name=name, daemon=True)
                self._threads[name].start()

    def wait(self) -> None:
        """Return when they have ended."""
        for thread in self._threads.values():
            thread.join()


def send_due(which: Q) -> None:
    """Send the messages of these addresses that are due, until their server fails: the rest waits for the next go."""
    for _ in range(AT_ONCE):
        if (message := _claim(which)) is None:
            return
        if not _is_worth_sending(message):
            _finish(message, problem="abandonné")
        elif not _try(message):
            return


def deliver(message: AlertMessage) -> None:
    """Raises MailProblem or WebhookProblem."""
    send = alert_webhook.send if message.address == alerts.WEBHOOK else alert_mail.send
    send(message)


def _run(which: Q) -> None:
    try:
        send_due(which)
    except Error as error:
        logger.warning("Alertes : base de données indisponible (%s)", type(error).__name__)
    except Exception:
        logger.exception("Alertes : erreur inattendue")
    finally:
        connection.close()


def _due(which: Q) -> object:
    return AlertMessage.objects.filter(which, due_at__lte=DatabaseClock())


@transaction.atomic
def _claim(which: Q) -> AlertMessage | None:
    message = _due(which).select_for_update(skip_locked=True).order_by("due_at").first()
    if message is not None:
        pause = min(FIRST_PAUSE * 2 ** min(message.attempts, 10), LONGEST_PAUSE)
        message.attempts += 1
        message.due_at = DatabaseClock() + datetime.timedelta(seconds=pause)
        message.save(update_fields=["attempts", "due_at"])
    return message


def _is_worth_sending(message: AlertMessage) -> bool:
    """Not to an address that the settings name no more, nor a reminder whose turn is over or that is answered."""
    age = database_time() - message.created_at
    if message.kind == AlertMessage.Kind.GOES_ON:
        is_open = message.alerts.filter(ended_at=None).exists()
        return age < alerts.REPEATED_EVERY and is_open and message.address in alerts.addresses()
    return age < LIMIT and message.address in alerts.addresses()


def _try(message: AlertMessage) -> bool:
    """Whether the server works."""
    try:
        deliver(message)
    except (MailProblem, WebhookProblem) as problem:
        logger.warning("Alerte non transmise (essai %d) : %s", message.attempts, problem)
        AlertMessage.objects.filter(pk=message.pk).update(problem=str(problem)[:200])
        return isinstance(problem, AddressRefused)
    Alert.objects.filter(messages=message, sent_at=None).update(sent_at=DatabaseClock())
    _finish(message, sent_at=DatabaseClock(), problem="")
    return True


def _finish(message: AlertMessage, **noted: object) -> None:
    AlertMessage.objects.filter(pk=message.pk).update(due_at=None, **noted)
