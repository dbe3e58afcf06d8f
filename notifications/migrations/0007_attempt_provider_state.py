from django.db import migrations, models

import leads.database


class Migration(migrations.Migration):
    dependencies = [("notifications", "0006_attempt_without_result")]

    operations = [
        migrations.AddField(
            model_name="attempt",
            name="provider_state",
            field=models.CharField(db_default="", default="", max_length=64, verbose_name="état chez le fournisseur"),
        ),
        migrations.CreateModel(
            name="ProviderNews",
            fields=[
                ("key", models.CharField(max_length=64, primary_key=True, serialize=False)),
                ("provider", models.CharField(max_length=20, verbose_name="fournisseur")),
                ("subject", models.CharField(max_length=100, verbose_name="sujet")),
                (
                    "level",
                    models.CharField(
                        choices=[("info", "information"), ("warning", "avertissement"), ("error", "erreur")],
                        max_length=20,
                        verbose_name="gravité",
                    ),
                ),
                ("word", models.CharField(max_length=64, verbose_name="nouvelle")),
                ("code", models.CharField(max_length=64, verbose_name="code")),
                ("about", models.CharField(max_length=255, verbose_name="objet")),
                ("detail", models.TextField(verbose_name="dans les mots du fournisseur")),
                ("happened_at", models.DateTimeField(null=True, verbose_name="survenue le")),
                (
                    "received_at",
                    models.DateTimeField(db_default=leads.database.DatabaseClock(), verbose_name="reçue le"),
                ),
                (
                    "last_received_at",
                    models.DateTimeField(db_default=leads.database.DatabaseClock(), verbose_name="reçue de nouveau le"),
                ),
                ("times", models.IntegerField(default=0, verbose_name="fois")),
            ],
            options={
                "verbose_name": "nouvelle du fournisseur",
                "verbose_name_plural": "nouvelles des fournisseurs",
                "ordering": ["-last_received_at"],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("level__in", ("info", "warning", "error"))),
                        name="provider_news_level_known",
                    )
                ],
            },
        ),
    ]
