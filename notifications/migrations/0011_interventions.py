import django.db.models.deletion
from django.db import migrations, models

import leads.database


class Migration(migrations.Migration):
    dependencies = [
        ("leads", "0012_pack_ledger"),
        ("notifications", "0010_news_by_age"),
    ]

    operations = [
        migrations.CreateModel(
            name="Intervention",
            fields=[
                ("id", models.AutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("run", models.IntegerField(verbose_name="série")),
                (
                    "kind",
                    models.CharField(
                        choices=[("called", "plombier joint par téléphone"), ("closed", "classée")],
                        max_length=20,
                        verbose_name="nature",
                    ),
                ),
                ("solved", models.CharField(db_default="", default="", max_length=20, verbose_name="raison classée")),
                ("words", models.TextField(db_default="", default="", verbose_name="ce qui a été fait")),
                ("operator", models.CharField(max_length=170, verbose_name="par")),
                ("created_at", models.DateTimeField(db_default=leads.database.DatabaseClock(), verbose_name="le")),
                (
                    "lead",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="interventions",
                        to="leads.lead",
                        verbose_name="demande",
                    ),
                ),
            ],
            options={
                "verbose_name": "intervention",
                "ordering": ["-id"],
                "constraints": [
                    models.UniqueConstraint(fields=("lead", "run", "kind", "solved"), name="intervention_once"),
                    models.CheckConstraint(
                        condition=models.Q(("kind__in", ("called", "closed"))), name="intervention_kind_known"
                    ),
                ],
            },
        ),
    ]
