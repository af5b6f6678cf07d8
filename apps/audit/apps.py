from django.apps import AppConfig


class AuditConfig(AppConfig):
    name = "apps.audit"
    label = "audit"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from apps.audit import chained, refused
        from apps.audit import receivers as _receivers  # noqa: F401 - connects them
        from apps.core.errors import tell_of_refusals

        tell_of_refusals(refused.told_of)
        chained.chain(
            "audit.AuditEntry",
            "Audit entries",
            ("id", "at", "actor_id", "verb", "subject_type", "subject_id", "data", "origin"),
        )
