from django.contrib.postgres.indexes import OpClass
from django.db import migrations, models

from leads.database import Backwards


class Migration(migrations.Migration):
    dependencies = [("leads", "0010_request_once")]
    operations = [
        migrations.RunSQL("SET LOCAL statement_timeout = 0", migrations.RunSQL.noop),  # large tables take their time
        migrations.AddIndex(
            model_name="lead",
            index=models.Index(OpClass(Backwards("phone"), "text_pattern_ops"), name="leads_phone_backwards"),
        ),
        migrations.AddIndex(model_name="lead", index=models.Index(fields=["postal_code"], name="leads_postal_code")),
    ]
