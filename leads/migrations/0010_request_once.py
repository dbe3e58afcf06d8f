from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("leads", "0009_assignment_indexes"),
    ]

    operations = [
        migrations.RunSQL("SET LOCAL statement_timeout = 0", migrations.RunSQL.noop),  # large tables take their time
        migrations.AddField(
            model_name="lead",
            name="request_key",
            field=models.CharField(db_default="", default="", editable=False, max_length=64),
        ),
        migrations.AddIndex(
            model_name="lead",
            index=models.Index(fields=["phone", "-created_at"], name="leads_phone_recent"),
        ),
        migrations.AddConstraint(
            model_name="lead",
            constraint=models.UniqueConstraint(
                condition=models.Q(("request_key", ""), _negated=True),
                fields=("request_key",),
                name="leads_request_once",
            ),
        ),
    ]
