from django.apps import AppConfig
from django.db.backends.signals import connection_created


class CoreConfig(AppConfig):
    name = "apps.core"
    label = "core"

    def ready(self) -> None:
        from apps.core import kept_plans

        connection_created.connect(kept_plans.on_connected, dispatch_uid="core.kept_plans")
