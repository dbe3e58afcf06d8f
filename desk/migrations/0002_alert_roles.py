from django.db import migrations

from desk.roles import LOOK_AT_ALERTS, OPERATORS, READERS, grant


def let_them_look(apps, schema_editor):
    roles = dict.fromkeys((READERS, OPERATORS), LOOK_AT_ALERTS)
    grant(apps, schema_editor.connection.alias, roles)


class Migration(migrations.Migration):
    dependencies = [("desk", "0001_roles"), ("notifications", "0013_alerts")]

    operations = [migrations.RunPython(let_them_look, migrations.RunPython.noop)]
