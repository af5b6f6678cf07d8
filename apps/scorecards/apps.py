from django.apps import AppConfig


class ScorecardsConfig(AppConfig):
    name = "apps.scorecards"
    label = "scorecards"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from apps.accounts.notification_kinds import register
        from apps.scorecards import receivers  # noqa: F401 - connects them
        from apps.scorecards.notification_kinds import KINDS

        register(KINDS)
