from django.db import migrations, models

from desk.roles import ROLES, grant


def make_groups(apps, schema_editor):
    grant(apps, schema_editor.connection.alias, ROLES)


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("auth", "0012_alter_user_first_name_max_length"),
        ("contenttypes", "0002_remove_content_type_name"),
        ("leads", "0012_pack_ledger"),
        ("notifications", "0011_interventions"),
    ]

    operations = [
        migrations.CreateModel(
            name="Desk",
            fields=[("id", models.AutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID"))],
            options={
                "permissions": [
                    ("export_leads", "Peut exporter la liste des demandes"),
                    ("personal_data", "Peut exporter et effacer les données d'une personne"),
                ],
                "managed": False,
                "default_permissions": (),
            },
        ),
        migrations.RunPython(make_groups, migrations.RunPython.noop),
    ]
