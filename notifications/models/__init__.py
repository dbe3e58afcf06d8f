from notifications.models.alerts import Alert, AlertMessage
from notifications.models.attempts import Attempt, AttemptQuerySet, Intervention
from notifications.models.breaker import Breaker
from notifications.models.receipts import ProviderNews, Receipt
from notifications.models.signs_of_life import FORGOTTEN, SILENT, SignOfLife

__all__ = [
    "FORGOTTEN",
    "SILENT",
    "Alert",
    "AlertMessage",
    "Attempt",
    "AttemptQuerySet",
    "Breaker",
    "Intervention",
    "ProviderNews",
    "Receipt",
    "SignOfLife",
]
