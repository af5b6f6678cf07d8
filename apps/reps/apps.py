from django.apps import AppConfig


class RepsConfig(AppConfig):
    name = "apps.reps"
    label = "reps"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from apps.accounts.notification_kinds import register
        from apps.reps.notification_kinds import KINDS

        register(KINDS)
