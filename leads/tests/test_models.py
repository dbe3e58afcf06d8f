"""What the querysets promise."""

import pytest
from django.db import connection

from leads.models import Lead


@pytest.mark.django_db(transaction=True)
def test_what_is_due_is_found_by_its_index(make_plumber, make_lead):
    """The sweeper looks every few seconds, whatever the table has grown to."""
    lead = make_lead(status="sent", plumber=make_plumber(), notification_status="whatsapp_sent")
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO leads (phone, postal_code, emergency_type, status, notification_status, confirmation_token,"
            " token_expires_at) SELECT '1', '1', 'x', 'sent', 'whatsapp_sent', 'bulk' || n, now()"
            " FROM generate_series(1, 20000) n"
        )
        cursor.execute("ANALYZE leads")

    plan = Lead.objects.notification_due().explain()

    assert "leads_notification_due" in plan
    assert lead not in Lead.objects.notification_due()
