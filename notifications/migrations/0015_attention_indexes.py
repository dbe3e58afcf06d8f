from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("notifications", "0014_desk_lists"),
    ]

    operations = [
        migrations.RunSQL("SET LOCAL statement_timeout = 0", migrations.RunSQL.noop),  # large tables take their time
        migrations.RemoveIndex(model_name="attempt", name="attempt_not_delivered"),
        migrations.AddIndex(
            model_name="attempt",
            index=models.Index(
                condition=models.Q(("delivery__in", ("", "sent")), ("outcome", "accepted")),
                fields=["finished_at", "lead"],
                include=["run"],
                name="attempt_not_delivered",
            ),
        ),
        migrations.RemoveIndex(model_name="attempt", name="attempt_held"),
        migrations.AddIndex(
            model_name="attempt",
            index=models.Index(
                condition=models.Q(
                    ("delivery", ""), ("outcome", "accepted"), models.Q(("provider_state", ""), _negated=True)
                ),
                fields=["finished_at", "lead"],
                include=["run"],
                name="attempt_held",
            ),
        ),
        # 0014 made statistics, which are empty until then.
        migrations.RunSQL("ANALYZE notifications_attempt", migrations.RunSQL.noop),
    ]
