"""Who logs in: every failure is logged, and whoever guesses is locked out for a while."""

import logging

from axes.handlers.database import AxesDatabaseHandler
from django.conf import settings
from django.contrib.auth.models import User
from django.db.models import QuerySet, Sum
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.crypto import salted_hmac

from leads.client_address import client_address, client_network

logger = logging.getLogger("desk")

ADDRESS_LIMIT = 30  # failures from one address, whatever the accounts: a whole office may share it


class LoginGuard(AxesDatabaseHandler):
    """Counts failures in the database: it works without a cache, for all processes together."""

    def get_failures(self, request: HttpRequest, credentials: dict | None = None) -> int:
        """As AXES_FAILURE_LIMIT counts: the worse of the account from this address and of the address alone."""
        of_pair, of_address = map(_failures, self.get_user_attempts(request, credentials))
        return max(of_pair, of_address * settings.AXES_FAILURE_LIMIT // ADDRESS_LIMIT)

    def user_login_failed(
        self, sender: object, credentials: dict, request: HttpRequest | None = None, **kwargs: object
    ) -> None:
        super().user_login_failed(sender, credentials, request, **kwargs)
        if request is None:
            return
        name = credentials.get("username") or ""
        account = f"compte « {name} »" if _exists(name) else "compte inconnu"  # it may be a password
        locked = " : bloqué" if request.axes_locked_out else ""
        logger.warning("Échec de connexion, %s, depuis %s%s", account, client_address(request) or "?", locked)


def _failures(attempts: QuerySet) -> int:
    return attempts.aggregate(total=Sum("failures_since_start"))["total"] or 0


def _exists(name: str) -> bool:
    return User.objects.filter(username=name).exists()


def counted_address(request: HttpRequest) -> str | None:
    return client_network(request) or None


def counted_name(request: HttpRequest, credentials: dict | None) -> str:
    """The account's name; of a name that nobody has, which may be a mistyped password, only a fingerprint."""
    name = (credentials or {}).get("username") or request.POST.get("username", "")
    if "\0" not in name and _exists(name):
        return name
    return f"? {salted_hmac('desk.accounts', name).hexdigest()[:16]}"


def locked_out(request: HttpRequest, *args: object, **kwargs: object) -> HttpResponse:
    minutes = round(settings.AXES_COOLOFF_TIME.total_seconds() / 60)
    page = render(request, "desk/locked_out.html", {"minutes": minutes}, status=429)
    page["Retry-After"] = str(minutes * 60)
    return page
