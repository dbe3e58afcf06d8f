"""The two tables as the old system made them: made where missing, left alone where they are.

The state below already has the final types; the database gets them in 0003, on every starting point alike.
"""

from django.db import migrations, models
from django.db.models.functions import Now

import leads.models

OLD_TABLES = """
CREATE TABLE IF NOT EXISTS plumbers (
    id serial PRIMARY KEY,
    phone varchar(20) NOT NULL,
    pack_size integer NOT NULL,
    leads_received integer NOT NULL DEFAULT 0,
    status varchar(20) NOT NULL DEFAULT 'active',
    created_at timestamp DEFAULT now()
);
CREATE TABLE IF NOT EXISTS leads (
    id serial PRIMARY KEY,
    phone varchar(20) NOT NULL,
    postal_code varchar(10) NOT NULL,
    emergency_type text NOT NULL,
    status varchar(20) NOT NULL DEFAULT 'pending',
    confirmation_token text UNIQUE NOT NULL,
    token_expires_at timestamp NOT NULL,
    created_at timestamp DEFAULT now()
);
"""

PACKS = [(size, f"{size} demandes") for size in (5, 10, 15, 20, 25, 30)]
PLUMBER_STATUSES = [("active", "actif"), ("exhausted", "pack épuisé"), ("paused", "en pause")]
LEAD_STATUSES = [("pending", "à confirmer"), ("confirmed", "sans plombier"), ("sent", "attribuée")]


class Migration(migrations.Migration):
    initial = True
    dependencies = []
    operations = [
        migrations.SeparateDatabaseAndState(
            database_operations=[migrations.RunSQL(OLD_TABLES, migrations.RunSQL.noop)],
            state_operations=[
                migrations.CreateModel(
                    name="Plumber",
                    fields=[
                        (
                            "id",
                            models.AutoField(primary_key=True, auto_created=True, serialize=False, verbose_name="ID"),
                        ),
                        ("phone", models.CharField("téléphone WhatsApp", max_length=20)),
                        ("pack_size", models.IntegerField("taille du pack", choices=PACKS)),
                        ("leads_received", models.IntegerField("demandes reçues", default=0, db_default=0)),
                        (
                            "status",
                            models.CharField(
                                "état", max_length=20, choices=PLUMBER_STATUSES, default="active", db_default="active"
                            ),
                        ),
                        (
                            "created_at",
                            models.DateTimeField("inscrit le", null=True, db_default=Now(), editable=False),
                        ),
                    ],
                    options={"db_table": "plumbers", "verbose_name": "plombier"},
                ),
                migrations.CreateModel(
                    name="Lead",
                    fields=[
                        (
                            "id",
                            models.AutoField(primary_key=True, auto_created=True, serialize=False, verbose_name="ID"),
                        ),
                        ("phone", models.CharField("téléphone du client", max_length=20)),
                        ("postal_code", models.CharField("code postal", max_length=10)),
                        ("emergency_type", models.TextField("type d'urgence")),
                        (
                            "status",
                            models.CharField(
                                "état", max_length=20, choices=LEAD_STATUSES, default="pending", db_default="pending"
                            ),
                        ),
                        (
                            "confirmation_token",
                            models.TextField("jeton", unique=True, default=leads.models.new_token, editable=False),
                        ),
                        (
                            "token_expires_at",
                            models.DateTimeField(
                                "lien valable jusqu'au", default=leads.models.token_expiry, editable=False
                            ),
                        ),
                        ("created_at", models.DateTimeField("reçue le", null=True, db_default=Now(), editable=False)),
                    ],
                    options={"db_table": "leads", "verbose_name": "demande"},
                ),
            ],
        )
    ]
