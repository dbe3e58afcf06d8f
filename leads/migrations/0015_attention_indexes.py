from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("leads", "0014_desk_lists"),
    ]

    operations = [
        migrations.RunSQL("SET LOCAL statement_timeout = 0", migrations.RunSQL.noop),  # large tables take their time
        migrations.RemoveIndex(model_name="lead", name="leads_cancelled"),
        migrations.AddIndex(
            model_name="lead",
            index=models.Index(
                condition=models.Q(("cancelled_at__isnull", False), ("status", "sent")),
                fields=["created_at", "id"],
                name="leads_cancelled",
                include=["notification_run", "confirmed_at", "status"],
            ),
        ),
        migrations.RemoveIndex(model_name="lead", name="leads_untracked"),
        migrations.AddIndex(
            model_name="lead",
            index=models.Index(
                condition=models.Q(
                    ("notification_retry_at", None), ("notification_status", "pending"), ("status", "sent")
                ),
                fields=["created_at", "id"],
                name="leads_untracked",
                include=["notification_run", "confirmed_at", "status", "notification_ended_because"],
            ),
        ),
    ]
