from django.apps import AppConfig


class CustomersConfig(AppConfig):
    name = "apps.customers"
    label = "customers"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from apps.accounts.notification_kinds import register
        from apps.customers import receivers  # noqa: F401 - connects them
        from apps.customers.notification_kinds import KINDS

        register(KINDS)
