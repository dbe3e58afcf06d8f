from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("leads", "0004_assignment_and_runs")]

    operations = [
        migrations.RenameField(model_name="lead", old_name="notification_rung_at", new_name="notification_enqueued_at"),
        migrations.AddField(
            model_name="lead",
            name="notification_ended_because",
            field=models.CharField(
                choices=[
                    ("too_old", "Trop ancienne pour être encore notifiée sans l'avis d'un opérateur"),
                    ("reached", "Plombier joint par téléphone"),
                ],
                db_default="",
                default="",
                editable=False,
                max_length=20,
            ),
        ),
    ]
