"""Attempts that the old system counted get a row too (run 0), so that the count always equals the rows."""

from django.db import migrations

OLD_ATTEMPTS = """
INSERT INTO notifications_attempt (id, lead_id, run, number, started_by, backend, started_at, outcome,
                                   error_code, error_text, provider_message_id)
SELECT gen_random_uuid(), leads.id, 0, number, 'ancien système', '', NULL,
       CASE WHEN number < notification_attempts OR notification_status = 'whatsapp_failed' THEN 'failed'
            WHEN notification_status = 'whatsapp_sent' THEN 'accepted'
            ELSE 'unknown' END,
       '', '', ''
FROM leads, generate_series(1, notification_attempts) AS number
"""


class Migration(migrations.Migration):
    dependencies = [("notifications", "0001_initial"), ("leads", "0004_assignment_and_runs")]
    operations = [
        migrations.RunSQL("SET LOCAL statement_timeout = 0", migrations.RunSQL.noop),  # large tables take their time
        migrations.RunSQL(OLD_ATTEMPTS, migrations.RunSQL.noop),
    ]
