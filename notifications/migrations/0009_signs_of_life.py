from django.db import migrations, models

from leads.database import DatabaseClock


class Migration(migrations.Migration):
    dependencies = [("notifications", "0008_sending_and_orphans")]

    operations = [
        migrations.CreateModel(
            name="SignOfLife",
            fields=[
                ("id", models.AutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("process", models.CharField(max_length=20, verbose_name="processus")),
                ("host", models.CharField(max_length=100, verbose_name="machine")),
                ("pid", models.IntegerField(verbose_name="numéro")),
                ("started_at", models.DateTimeField(db_default=DatabaseClock(), verbose_name="démarré le")),
                ("seen_at", models.DateTimeField(db_default=DatabaseClock(), verbose_name="vu le")),
            ],
            options={
                "verbose_name": "signe de vie",
                "verbose_name_plural": "signes de vie",
                "ordering": ["process", "host", "pid"],
                "constraints": [models.UniqueConstraint(fields=("process", "host", "pid"), name="sign_of_life_once")],
            },
        ),
    ]
