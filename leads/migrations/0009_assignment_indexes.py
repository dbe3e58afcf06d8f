from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("leads", "0008_readable_instants"),
    ]

    operations = [
        migrations.RunSQL("SET LOCAL statement_timeout = 0", migrations.RunSQL.noop),  # large tables take their time
        migrations.AlterField(
            model_name="lead",
            name="notification_ended_because",
            field=models.CharField(
                choices=[
                    ("too_old", "Trop ancienne pour être encore notifiée sans l'avis d'un opérateur"),
                    ("reached", "Plombier joint par téléphone"),
                    ("cancelled", "Annulée par le client"),
                ],
                db_default="",
                default="",
                editable=False,
                max_length=20,
            ),
        ),
        migrations.AddIndex(
            model_name="lead",
            index=models.Index(
                condition=models.Q(("status", "confirmed")),
                fields=["postal_code"],
                name="leads_waiting_in_zones",
                opclasses=["varchar_pattern_ops"],
            ),
        ),
        migrations.AddIndex(
            model_name="plumber",
            index=models.Index(
                models.F("leads_received"),
                models.OrderBy(models.F("last_lead_at"), nulls_first=True),
                models.F("id"),
                condition=models.Q(("leads_received__lt", models.F("pack_size")), ("status", "active")),
                name="plumbers_fairest_first",
            ),
        ),
    ]
