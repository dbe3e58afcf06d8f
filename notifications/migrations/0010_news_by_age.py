from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("notifications", "0009_signs_of_life")]
    operations = [
        migrations.RunSQL("SET LOCAL statement_timeout = 0", migrations.RunSQL.noop),  # large tables take their time
        migrations.AddIndex(
            model_name="providernews",
            index=models.Index(name="provider_news_last", fields=["-last_received_at"]),
        ),
    ]
