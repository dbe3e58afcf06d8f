from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("leads", "0014_desk_lists"),
        ("notifications", "0013_alerts"),
    ]

    operations = [
        migrations.RunSQL("SET LOCAL statement_timeout = 0", migrations.RunSQL.noop),  # large tables take their time
        migrations.AddIndex(
            model_name="attempt",
            index=models.Index(
                condition=models.Q(("delivery__in", ("", "sent")), ("outcome", "accepted")),
                fields=["finished_at"],
                name="attempt_not_delivered",
            ),
        ),
        migrations.AddIndex(
            model_name="attempt",
            index=models.Index(
                condition=models.Q(
                    ("delivery", ""), ("outcome", "accepted"), models.Q(("provider_state", ""), _negated=True)
                ),
                fields=["finished_at"],
                name="attempt_held",
            ),
        ),
        # A result and a delivery depend on each other; PostgreSQL multiplies their shares unless it is told.
        migrations.RunSQL(
            "CREATE STATISTICS attempt_outcome_and_delivery (mcv) ON outcome, delivery FROM notifications_attempt",
            "DROP STATISTICS attempt_outcome_and_delivery",
        ),
    ]
