import uuid

import django.db.models.deletion
from django.db import migrations, models

import leads.database


class Migration(migrations.Migration):
    dependencies = [
        ("leads", "0012_pack_ledger"),
        ("notifications", "0012_breaker"),
    ]

    operations = [
        migrations.CreateModel(
            name="Alert",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                (
                    "reason",
                    models.CharField(
                        choices=[
                            ("failed", "plombier non prévenu"),
                            ("waiting", "sans plombier depuis une minute"),
                            ("suspended", "envois suspendus"),
                            ("pack_low", "pack presque épuisé"),
                            ("pack_used_up", "pack épuisé"),
                        ],
                        max_length=20,
                        verbose_name="raison",
                    ),
                ),
                ("run", models.IntegerField(default=0, verbose_name="série")),
                ("began_at", models.DateTimeField(db_default=leads.database.DatabaseClock(), verbose_name="depuis")),
                ("ended_at", models.DateTimeField(null=True, verbose_name="terminée le")),
                ("told_at", models.DateTimeField(null=True, verbose_name="annoncée le")),
                ("end_told_at", models.DateTimeField(null=True, verbose_name="fin annoncée le")),
                ("sent_at", models.DateTimeField(null=True, verbose_name="reçue le")),
                (
                    "lead",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="alerts",
                        to="leads.lead",
                        verbose_name="demande",
                    ),
                ),
                (
                    "plumber",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="leads.plumber",
                        verbose_name="plombier",
                    ),
                ),
            ],
            options={
                "verbose_name": "alerte",
                "ordering": ["-id"],
            },
        ),
        migrations.CreateModel(
            name="AlertMessage",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("began", "nouvelle alerte"),
                            ("goes_on", "rappel"),
                            ("ended", "fin d'alerte"),
                            ("test", "essai"),
                        ],
                        max_length=20,
                        verbose_name="nature",
                    ),
                ),
                ("address", models.CharField(max_length=255, verbose_name="adresse")),
                ("created_at", models.DateTimeField(db_default=leads.database.DatabaseClock(), verbose_name="créé le")),
                ("attempts", models.IntegerField(default=0, verbose_name="essais")),
                (
                    "due_at",
                    models.DateTimeField(
                        db_default=leads.database.DatabaseClock(), null=True, verbose_name="essai suivant"
                    ),
                ),
                ("sent_at", models.DateTimeField(null=True, verbose_name="envoyé le")),
                ("problem", models.CharField(default="", max_length=200, verbose_name="dernier problème")),
                (
                    "alerts",
                    models.ManyToManyField(related_name="messages", to="notifications.alert", verbose_name="alertes"),
                ),
            ],
            options={
                "verbose_name": "message d'alerte",
                "verbose_name_plural": "messages d'alerte",
                "ordering": ["-created_at"],
            },
        ),
        migrations.AddIndex(
            model_name="alert",
            index=models.Index(condition=models.Q(("end_told_at", None)), fields=["began_at"], name="alert_open"),
        ),
        migrations.AddConstraint(
            model_name="alert",
            constraint=models.UniqueConstraint(
                condition=models.Q(("lead__isnull", False)), fields=("lead", "run", "reason"), name="alert_once_per_run"
            ),
        ),
        migrations.AddConstraint(
            model_name="alert",
            constraint=models.UniqueConstraint(
                condition=models.Q(("ended_at__isnull", True), ("plumber__isnull", False)),
                fields=("plumber",),
                name="alert_pack_once",
            ),
        ),
        migrations.AddConstraint(
            model_name="alert",
            constraint=models.UniqueConstraint(
                condition=models.Q(("ended_at__isnull", True), ("reason", "suspended")),
                fields=("reason",),
                name="alert_suspended_once",
            ),
        ),
        migrations.AddConstraint(
            model_name="alert",
            constraint=models.CheckConstraint(
                condition=models.Q(("reason__in", ("failed", "waiting", "suspended", "pack_low", "pack_used_up"))),
                name="alert_reason_known",
            ),
        ),
        migrations.AddIndex(
            model_name="alertmessage",
            index=models.Index(fields=["-created_at"], name="alert_message_created"),
        ),
        migrations.AddIndex(
            model_name="alertmessage",
            index=models.Index(
                condition=models.Q(("due_at__isnull", False)), fields=["due_at"], name="alert_message_due"
            ),
        ),
        migrations.AddConstraint(
            model_name="alertmessage",
            constraint=models.CheckConstraint(
                condition=models.Q(("kind__in", ("began", "goes_on", "ended", "test"))), name="alert_message_kind_known"
            ),
        ),
    ]
