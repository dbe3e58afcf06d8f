"""What is known of an attempt, apart from what it makes of the lead.

Before, `error_text` held our sentence and the provider's words in one; and since when an attempt counts as failed
was to be found on its lead alone.
"""

from django.db import migrations, models

SPLIT_ERROR_TEXTS = r"""
UPDATE notifications_attempt
SET error_text = parts[1], error_detail = parts[2]
FROM (
    SELECT id, regexp_match(error_text, '^(.*?\((?:code [^)]*|HTTP \d+)\)|Échec signalé par \w+, sans cause) : (.*)$')
    FROM notifications_attempt WHERE error_text LIKE '% : %'
) AS found (id, parts)
WHERE notifications_attempt.id = found.id AND parts IS NOT NULL
"""
FAILED_SINCE = """
UPDATE notifications_attempt SET failed_since = coalesce(finished_at, started_at)
WHERE outcome IN ('failed', 'unknown') OR delivery = 'failed'
"""


class Migration(migrations.Migration):
    dependencies = [("notifications", "0004_attempt_message"), ("leads", "0005_notification_facts")]

    operations = [
        migrations.RunSQL("SET LOCAL statement_timeout = 0", migrations.RunSQL.noop),  # large tables take their time
        migrations.AddField(
            model_name="attempt",
            name="channel",
            field=models.CharField(
                choices=[("whatsapp", "WhatsApp")], db_default="whatsapp", default="whatsapp", max_length=20
            ),
        ),
        migrations.AddField(
            model_name="attempt",
            name="error_detail",
            field=models.TextField(db_default="", default="", verbose_name="détail"),
        ),
        migrations.AddField(
            model_name="attempt",
            name="failed_since",
            field=models.DateTimeField(null=True),
        ),
        migrations.RunSQL(SPLIT_ERROR_TEXTS, migrations.RunSQL.noop),
        migrations.RunSQL(FAILED_SINCE, migrations.RunSQL.noop),
    ]
