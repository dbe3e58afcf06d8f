from django.db import migrations, models
from django.db.models.functions import Coalesce


class Migration(migrations.Migration):
    dependencies = [("leads", "0005_notification_facts")]
    operations = [
        migrations.RunSQL("SET LOCAL statement_timeout = 0", migrations.RunSQL.noop),  # large tables take their time
        migrations.RemoveIndex(model_name="lead", name="leads_waiting"),
        migrations.AddIndex(
            model_name="lead",
            index=models.Index(
                Coalesce("confirmed_at", "created_at"),
                "id",
                name="leads_waiting_in_order",
                condition=models.Q(status="confirmed"),
            ),
        ),
    ]
