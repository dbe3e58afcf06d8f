"""Enqueues as the product does."""

from bench import in_the_product  # noqa: F401 (first: the models want Django set up)
from notifications.tasks import enqueue  # noqa: F401
