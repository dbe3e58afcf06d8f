from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("notifications", "0007_attempt_provider_state")]
    operations = [
        migrations.RunSQL("SET LOCAL statement_timeout = 0", migrations.RunSQL.noop),  # large tables take their time
        migrations.AddIndex(
            model_name="attempt",
            index=models.Index(name="attempt_sending", fields=["started_at"], condition=models.Q(outcome="sending")),
        ),
        migrations.AddIndex(
            model_name="receipt",
            index=models.Index(name="receipt_orphans", fields=["-received_at"], condition=models.Q(attempt=None)),
        ),
    ]
