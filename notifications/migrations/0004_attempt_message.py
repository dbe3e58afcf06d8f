from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("notifications", "0003_receipts")]

    operations = [
        migrations.AddField(
            model_name="attempt",
            name="recipient",
            field=models.CharField(db_default="", default="", max_length=20, verbose_name="destinataire"),
        ),
        migrations.AddField(
            model_name="attempt",
            name="text",
            field=models.TextField(db_default="", default="", verbose_name="message"),
        ),
    ]
