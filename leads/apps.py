from django.apps import AppConfig


class LeadsConfig(AppConfig):
    name = "leads"
    verbose_name = "Urgences"

    def ready(self) -> None:
        from leads import checks  # noqa: F401 - it registers itself, once models are loaded
