from django.apps import AppConfig


class CompensationConfig(AppConfig):
    name = "apps.compensation"
    label = "compensation"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from apps.accounts.notification_kinds import register
        from apps.compensation import receivers  # noqa: F401 - connects them
        from apps.compensation.chained import put_under_the_chain
        from apps.compensation.notification_kinds import KINDS

        register(KINDS)
        put_under_the_chain()
