from django.db import migrations

from desk.roles import LOOK_AT_LOG, OPERATORS, READERS, grant


def let_them_look(apps, schema_editor):
    grant(apps, schema_editor.connection.alias, dict.fromkeys((READERS, OPERATORS), LOOK_AT_LOG))


class Migration(migrations.Migration):
    dependencies = [("desk", "0002_alert_roles"), ("admin", "0003_logentry_add_action_flag_choices")]

    operations = [migrations.RunPython(let_them_look, migrations.RunPython.noop)]
