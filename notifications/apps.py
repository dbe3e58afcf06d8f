from django.apps import AppConfig


class NotificationsConfig(AppConfig):
    name = "notifications"
    verbose_name = "Notifications"

    def ready(self) -> None:
        from notifications import checks, signs_of_life, startup  # noqa: F401 - they register themselves, once models are loaded
