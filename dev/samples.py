"""Something to look at in an empty product: two plumbers, a lead with its link, a login for the admin."""

from dev.process import NotStarted
from dev.stack import Stack

PLUMBERS = ("+33639980001", "+33639980091")  # the sandbox refuses every other message to …91
CUSTOMER = "0639980100"
RENEW_LINK = (
    "UPDATE leads SET token_expires_at = now() + interval '1 day'"
    " WHERE phone = %s AND status = 'pending' RETURNING confirmation_token AS token"
)


def sample_link(stack: Stack) -> str:
    """The link of a lead that nobody has confirmed yet, good for a day."""
    ledger = stack.ledger
    if not ledger.rows("SELECT 1 FROM plumbers LIMIT 1"):
        for phone in PLUMBERS:
            ledger.add_plumber(phone, pack_size=30)
    waiting = ledger.rows(RENEW_LINK, CUSTOMER)
    lead = waiting[0] if waiting else ledger.add_lead(CUSTOMER, "Fuite d'eau sous l'évier", minutes=24 * 60)
    return f"{stack.url}/confirm/{lead['token']}/"


def make_login(stack: Stack) -> None:
    """The user admin, made if missing, with the password in the stack's DJANGO_SUPERUSER_PASSWORD."""
    if stack.ledger.rows("SELECT 1 FROM auth_user LIMIT 1"):
        return
    made = stack.manage("createsuperuser", "--no-input", "--username", "admin", "--email", "admin@example.com")
    if made.returncode != 0:
        raise NotStarted(f"the admin's login could not be made:\n{made.stderr}")
