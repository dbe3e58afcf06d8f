from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("leads", "0015_attention_indexes"),
    ]

    operations = [
        migrations.RunSQL("SET LOCAL statement_timeout = 0", migrations.RunSQL.noop),  # large tables take their time
        migrations.AddIndex(
            model_name="packentry",
            index=models.Index(
                condition=models.Q(("kind", "lead"), _negated=True),
                fields=["plumber"],
                name="pack_ledger_but_leads",
            ),
        ),
    ]
