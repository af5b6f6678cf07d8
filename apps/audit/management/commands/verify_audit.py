"""The former name of ``verify_records``, kept for schedules that call it."""

from apps.audit.management.commands import verify_records


class Command(verify_records.Command):
    """As ``verify_records``."""
