from leads.models.api import ApiCall, ApiKey
from leads.models.leads import Lead, LeadQuerySet, new_token, token_expiry
from leads.models.numbers import ERASED, phone_ends_with, phone_is
from leads.models.packs import PackEntry
from leads.models.plumbers import Plumber

__all__ = [
    "ERASED",
    "ApiCall",
    "ApiKey",
    "Lead",
    "LeadQuerySet",
    "PackEntry",
    "Plumber",
    "new_token",
    "phone_ends_with",
    "phone_is",
    "token_expiry",
]
