"""Keys of partners: 256 random bits, so a plain SHA-256 is enough, and finds the row by an index."""

import hashlib

from django.utils import timezone

from leads import database
from leads.models import ApiKey, new_token

PATIENCE = 1  # seconds that a partner waits for a database that cannot serve
_PREFIX = "plombier_"  # so that people, and programs that look for leaked secrets, see what it is


def make(key: ApiKey) -> str:
    """Store `key` with a secret of its own, which is returned and never shown again."""
    secret = _PREFIX + new_token()
    key.digest = _digest(secret)
    key.save()
    return secret


def find(secret: str) -> ApiKey | None:
    """The key that may be used with this secret. Raises an Error of the database that cannot serve for PATIENCE."""
    return database.repeat(_find, _digest(secret), patience=PATIENCE)


def revoke(key: ApiKey) -> bool:
    """From now on it opens nothing. Whether it did until now."""
    return bool(ApiKey.objects.filter(pk=key.pk, revoked_at=None).update(revoked_at=timezone.now()))


def _find(digest: str) -> ApiKey | None:
    return ApiKey.objects.filter(digest=digest, revoked_at=None).first()


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode(errors="replace")).hexdigest()
