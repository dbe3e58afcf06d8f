import django.db.models.deletion
from django.db import migrations, models
from django.db.models import Q

import leads.database

# Who changes a row or empties the table, superuser or not, is refused. A mistake is mended by a correction.
APPEND_ONLY = """
CREATE FUNCTION pack_ledger_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'pack_ledger is append-only: book a correction instead';
END $$;
CREATE TRIGGER pack_ledger_no_change BEFORE UPDATE OR DELETE ON pack_ledger
FOR EACH ROW EXECUTE FUNCTION pack_ledger_append_only();
CREATE TRIGGER pack_ledger_no_truncate BEFORE TRUNCATE ON pack_ledger
FOR EACH STATEMENT EXECUTE FUNCTION pack_ledger_append_only();
"""

# Whoever adds a plumber, the old system too, opens his account. The trigger holds off all writers of the table, so that
# none comes between it and the balances of those who are there.
OPENING = """
CREATE FUNCTION pack_ledger_opening() RETURNS trigger LANGUAGE plpgsql
SECURITY DEFINER SET search_path FROM CURRENT AS $$  -- the old system may have a role of its own
BEGIN
    INSERT INTO pack_ledger (plumber_id, kind, amount, received, size, actor)
    VALUES (new.id, 'opening', new.pack_size - new.leads_received, new.leads_received, new.pack_size, 'inscription');
    RETURN NULL;
END $$;
CREATE TRIGGER pack_ledger_opening AFTER INSERT ON plumbers
FOR EACH ROW EXECUTE FUNCTION pack_ledger_opening();
INSERT INTO pack_ledger (plumber_id, kind, amount, received, size, actor)
SELECT id, 'opening', pack_size - leads_received, leads_received, pack_size, 'reprise' FROM plumbers ORDER BY id;
"""

BACK = """
DROP TRIGGER pack_ledger_opening ON plumbers;
DROP FUNCTION pack_ledger_opening;
DROP TRIGGER pack_ledger_no_change ON pack_ledger;
DROP TRIGGER pack_ledger_no_truncate ON pack_ledger;
DROP FUNCTION pack_ledger_append_only;
"""


class Migration(migrations.Migration):
    dependencies = [
        ("leads", "0011_search_by_number"),
    ]

    operations = [
        migrations.RunSQL("SET LOCAL statement_timeout = 0", migrations.RunSQL.noop),  # large tables take their time
        migrations.CreateModel(
            name="PackEntry",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("opening", "solde d'ouverture"),
                            ("purchase", "achat"),
                            ("start", "début de ce qui attendait"),
                            ("lead", "demande"),
                            ("credit", "avoir"),
                            ("correction", "correction"),
                        ],
                        max_length=20,
                        verbose_name="nature",
                    ),
                ),
                ("amount", models.IntegerField(verbose_name="places")),
                ("received", models.IntegerField(db_default=0, default=0, verbose_name="demandes reçues")),
                ("size", models.IntegerField(db_default=0, default=0, verbose_name="taille du pack")),
                ("reference", models.CharField(db_default="", default="", max_length=100, verbose_name="référence")),
                ("reason", models.TextField(db_default="", default="", verbose_name="motif")),
                ("actor", models.CharField(max_length=170, verbose_name="par")),
                ("created_at", models.DateTimeField(db_default=leads.database.DatabaseClock(), verbose_name="le")),
                (
                    "closes",
                    models.OneToOneField(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="closed_by",
                        to="leads.packentry",
                    ),
                ),
                (
                    "lead",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="leads.lead",
                        verbose_name="demande",
                    ),
                ),
                (
                    "plumber",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="pack_entries",
                        to="leads.plumber",
                        verbose_name="plombier",
                    ),
                ),
            ],
            options={
                "verbose_name": "mouvement de pack",
                "verbose_name_plural": "mouvements des packs",
                "db_table": "pack_ledger",
                "ordering": ["-id"],
                "constraints": [
                    models.CheckConstraint(
                        condition=Q(kind__in=("opening", "purchase", "start", "lead", "credit", "correction")),
                        name="pack_ledger_kind_known",
                    ),
                    models.CheckConstraint(
                        condition=~Q(kind__in=("lead", "credit")) | Q(lead__isnull=False),
                        name="pack_ledger_lead_named",
                    ),
                    models.UniqueConstraint(
                        condition=~Q(reference=""), fields=("reference",), name="pack_ledger_booked_once"
                    ),
                    models.UniqueConstraint(
                        condition=Q(kind="credit", closes__isnull=True),
                        fields=("lead",),
                        name="pack_ledger_old_lead_credited_once",
                    ),
                ],
            },
        ),
        migrations.RunSQL(APPEND_ONLY + OPENING, BACK),
    ]
