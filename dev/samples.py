"""Something to look at in an empty product: two plumbers, a lead with its link, a login for the admin."""

from dev.ledger import Ledger
from dev.process import NotStarted
from dev.stack import Stack

PLUMBERS = ("+33639980001", "+33639980091")  # the pretend provider refuses every other message to …91
CUSTOMER = "0639980100"


def sample_link(stack: Stack, ledger: Ledger) -> str:
    """The link of a lead that nobody has confirmed yet, good for a day."""
    if not ledger.count("plumbers"):
        for phone in PLUMBERS:
            ledger.add_plumber(phone, pack_size=30)
    token = ledger.renew_link(CUSTOMER)
    if token is None:
        token = ledger.add_lead(CUSTOMER, "75011", "Fuite d'eau sous l'évier", minutes=24 * 60).token
    return f"{stack.url}/confirm/{token}/"


def make_login(stack: Stack, ledger: Ledger) -> None:
    """The user admin, made if missing, with the password in the stack's DJANGO_SUPERUSER_PASSWORD."""
    if ledger.count("auth_user"):
        return
    options = ["--no-input", "--username", "admin", "--email", "admin@example.com"]
    made = stack.manage("createsuperuser", *options)
    if made.returncode != 0:
        raise NotStarted(f"the admin's login could not be made:\n{made.stderr}")
