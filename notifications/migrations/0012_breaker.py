from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("leads", "0012_pack_ledger"),
        ("notifications", "0011_interventions"),
    ]

    operations = [
        migrations.CreateModel(
            name="Breaker",
            fields=[
                ("id", models.SmallIntegerField(default=1, editable=False, primary_key=True, serialize=False)),
                ("suspected_plumber", models.IntegerField(null=True)),
                ("suspected_at", models.DateTimeField(null=True)),
                ("opened_at", models.DateTimeField(null=True, verbose_name="ouvert depuis")),
                ("by_receipt", models.BooleanField(default=False, verbose_name="refus par accusé")),
                ("reason", models.TextField(default="", verbose_name="cause")),
                ("action", models.TextField(default="", verbose_name="que faire")),
                ("probes", models.IntegerField(default=0, verbose_name="sondes")),
                ("next_probe_at", models.DateTimeField(null=True, verbose_name="sonde suivante")),
                ("probe_answer", models.TextField(default="", verbose_name="dernière réponse")),
                ("answered_well", models.BooleanField(default=False, verbose_name="compte en ordre")),
                ("closed_at", models.DateTimeField(null=True, verbose_name="fermé le")),
                ("closed_by", models.CharField(default="", max_length=170, verbose_name="fermé par")),
            ],
            options={
                "verbose_name": "suspension des envois",
                "verbose_name_plural": "suspension des envois",
            },
        ),
        migrations.RunSQL("SET LOCAL statement_timeout = 0", migrations.RunSQL.noop),  # large tables take their time
        migrations.AddIndex(
            model_name="attempt",
            index=models.Index(
                condition=models.Q(("outcome", "accepted")), fields=["started_at"], name="attempt_accepted"
            ),
        ),
        migrations.AddConstraint(
            model_name="breaker",
            constraint=models.CheckConstraint(condition=models.Q(("id", 1)), name="breaker_one_row"),
        ),
    ]
