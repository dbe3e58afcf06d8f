"""`gunicorn faults.web`: the product's web application, with kill points."""

from plumbing.wsgi import application

# isort: split
from faults import killpoints  # once Django is set up

killpoints.install()
__all__ = ["application"]
