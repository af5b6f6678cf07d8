"""Somebody who can write to the database, took the triggers away, and changes what is on record."""

from django.db import connection

from apps.core.append_only import removal_statements

CLOSED = (
    "audit_auditentry", "audit_seal", "audit_sealedentry", "audit_sealedrows", "audit_verification",
    "leads_funnelevent", "leads_eventcredit", "compensation_ledgerentry",
)  # fmt: skip


def altered_behind_our_back(statement: str, *values: object) -> None:
    """Raw SQL past the triggers that close the chained tables."""
    with connection.cursor() as cursor:
        for table in CLOSED:
            for removal in removal_statements(connection.vendor, table):
                cursor.execute(removal)
        cursor.execute("DROP TRIGGER IF EXISTS compensation_ledger_open" + _on("compensation_ledgerentry"))
        cursor.execute(statement, values)


def _on(table: str) -> str:
    return f" ON {table}" if connection.vendor == "postgresql" else ""
