"""The notification columns, as the old system added them to some of its databases."""

import django.db.models.deletion
from django.db import migrations, models

OLD_COLUMNS = """
ALTER TABLE leads ADD COLUMN IF NOT EXISTS notification_status varchar(30) DEFAULT 'pending';
ALTER TABLE leads ADD COLUMN IF NOT EXISTS notification_attempts integer DEFAULT 0;
ALTER TABLE leads ADD COLUMN IF NOT EXISTS notification_retry_at timestamp NULL;
ALTER TABLE leads ADD COLUMN IF NOT EXISTS plumber_id integer NULL REFERENCES plumbers (id);
"""

STATUSES = [("pending", "en cours"), ("whatsapp_sent", "envoyée"), ("whatsapp_failed", "échec")]


class Migration(migrations.Migration):
    dependencies = [("leads", "0001_initial")]
    operations = [
        migrations.SeparateDatabaseAndState(
            database_operations=[migrations.RunSQL(OLD_COLUMNS, migrations.RunSQL.noop)],
            state_operations=[
                migrations.AddField(
                    "lead",
                    "notification_status",
                    models.CharField(
                        "notification", max_length=30, choices=STATUSES, default="pending", db_default="pending"
                    ),
                ),
                migrations.AddField(
                    "lead", "notification_attempts", models.IntegerField("tentatives", default=0, db_default=0)
                ),
                migrations.AddField(
                    "lead",
                    "notification_retry_at",
                    models.DateTimeField("prochaine tentative", null=True, editable=False),
                ),
                migrations.AddField(
                    "lead",
                    "plumber",
                    models.ForeignKey(
                        to="leads.plumber",
                        verbose_name="plombier",
                        null=True,
                        blank=True,
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="leads",
                    ),
                ),
            ],
        )
    ]
