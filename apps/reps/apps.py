from django.apps import AppConfig


class RepsConfig(AppConfig):
    name = "apps.reps"
    label = "reps"
    default_auto_field = "django.db.models.BigAutoField"
