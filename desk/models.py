from django.db import models


class Desk(models.Model):
    """No table: what may be done here that belongs to no single model."""

    class Meta:
        managed = False
        default_permissions = ()
        permissions = [
            ("export_leads", "Peut exporter la liste des demandes"),
            ("personal_data", "Peut exporter et effacer les données d'une personne"),
        ]

    def __str__(self) -> str:
        return "Exploitation"
