"""`python -m bench.on_celery` enqueues what is due as the product does."""

from bench import in_the_product  # noqa: F401 (first: the models want Django set up)
from bench.enqueue import all_due
from notifications import tasks

if __name__ == "__main__":
    all_due(tasks.enqueue)
