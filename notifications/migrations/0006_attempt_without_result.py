from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("notifications", "0005_attempt_facts")]

    operations = [
        migrations.RunSQL("SET LOCAL statement_timeout = 0", migrations.RunSQL.noop),  # large tables take their time
        migrations.AddIndex(
            model_name="attempt",
            index=models.Index(
                condition=models.Q(("outcome__in", ("sending", "unknown")), ("provider_message_id", "")),
                fields=["started_at"],
                name="attempt_without_result",
            ),
        ),
    ]
