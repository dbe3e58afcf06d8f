from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("leads", "0013_api_keys_and_calls"),
    ]

    operations = [
        migrations.RunSQL("SET LOCAL statement_timeout = 0", migrations.RunSQL.noop),  # large tables take their time
        migrations.AddIndex(
            model_name="lead",
            index=models.Index(
                condition=models.Q(("notification_status", "whatsapp_failed")),
                fields=["created_at", "id"],
                name="leads_failed",
                include=["notification_run", "confirmed_at", "cancelled_at", "status"],
            ),
        ),
        migrations.AddIndex(
            model_name="lead",
            index=models.Index(
                condition=models.Q(("cancelled_at__isnull", False), ("status", "sent")),
                fields=["created_at", "id"],
                name="leads_cancelled",
                include=["notification_run", "confirmed_at"],
            ),
        ),
        migrations.AddIndex(
            model_name="lead",
            index=models.Index(
                condition=models.Q(
                    ("notification_retry_at", None), ("notification_status", "pending"), ("status", "sent")
                ),
                fields=["created_at", "id"],
                name="leads_untracked",
            ),
        ),
    ]
