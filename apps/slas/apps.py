from typing import Any

from django.apps import AppConfig
from django.db import connections
from django.db.models.signals import post_migrate


class SlasConfig(AppConfig):
    name = "apps.slas"
    label = "slas"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from apps.accounts.notification_kinds import register
        from apps.leads.selectors import what_follows
        from apps.slas import receivers  # noqa: F401 - connects them
        from apps.slas.notification_kinds import KINDS
        from apps.slas.selectors.following import following

        register(KINDS)
        what_follows.register(following)
        post_migrate.connect(_put_default_policies, sender=self, dispatch_uid="slas.defaults")


def _put_default_policies(using: str, **_: Any) -> None:
    """A company promises something from its first day on; RevOps changes it."""
    from apps.slas.services.policies import put_defaults

    if "slas_policy" in connections[using].introspection.table_names():
        put_defaults()
