import django.core.validators
import django.db.models.deletion
from django.db import migrations, models

import leads.database


class Migration(migrations.Migration):
    dependencies = [
        ("leads", "0012_pack_ledger"),
    ]

    operations = [
        migrations.RunSQL("SET LOCAL statement_timeout = 0", migrations.RunSQL.noop),  # large tables take their time
        migrations.CreateModel(
            name="ApiKey",
            fields=[
                ("id", models.AutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("name", models.CharField(max_length=100, unique=True, verbose_name="partenaire")),
                ("digest", models.CharField(editable=False, max_length=64, unique=True)),
                (
                    "per_minute",
                    models.PositiveIntegerField(
                        default=60,
                        validators=[django.core.validators.MinValueValidator(1)],
                        verbose_name="demandes par minute",
                    ),
                ),
                (
                    "created_at",
                    models.DateTimeField(
                        db_default=leads.database.DatabaseClock(), editable=False, verbose_name="créée le"
                    ),
                ),
                ("revoked_at", models.DateTimeField(editable=False, null=True, verbose_name="révoquée le")),
            ],
            options={
                "verbose_name": "clé d'API",
                "verbose_name_plural": "clés d'API",
                "db_table": "api_keys",
            },
        ),
        migrations.AddField(
            model_name="lead",
            name="api_key",
            field=models.ForeignKey(
                db_index=False,
                editable=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="leads.apikey",
                verbose_name="partenaire",
            ),
        ),
        migrations.CreateModel(
            name="ApiCall",
            fields=[
                ("id", models.AutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("key", models.CharField(max_length=64, unique=True)),
                ("body", models.CharField(max_length=64)),
                ("is_own", models.BooleanField()),
                ("created_at", models.DateTimeField()),
                (
                    "lead",
                    models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name="+", to="leads.lead"),
                ),
            ],
            options={
                "db_table": "api_calls",
                "indexes": [models.Index(fields=["created_at"], name="api_calls_created")],
            },
        ),
    ]
