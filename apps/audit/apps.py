from django.apps import AppConfig


class AuditConfig(AppConfig):
    name = "apps.audit"
    label = "audit"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from apps.audit import chained

        chained.chain(
            "audit.AuditEntry",
            "Audit entries",
            ("id", "at", "actor_id", "verb", "subject_type", "subject_id", "data", "origin"),
        )
