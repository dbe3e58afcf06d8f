from django.apps import AppConfig


class LeadsConfig(AppConfig):
    name = "leads"
    verbose_name = "Urgences"

    def ready(self) -> None:
        from leads import brand, checks  # noqa: F401 - their checks register themselves, once models are loaded
