from django.apps import AppConfig


class LeadsConfig(AppConfig):
    name = "apps.leads"
    label = "leads"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from apps.accounts.notification_kinds import register
        from apps.leads import receivers  # noqa: F401
        from apps.leads.chained import put_under_the_chain
        from apps.leads.notification_kinds import KINDS

        register(KINDS)
        put_under_the_chain()
