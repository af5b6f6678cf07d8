"""Lines of the ledger cost less to keep on PostgreSQL: one index is compared byte by byte, one check reads less.

``ledger_source_once`` says the same of the same columns. It began with the component, in the words' order of the
database's language; now what tells lines apart comes first, and texts are compared as bytes. As an index of its own
rather than a constraint's, because those keep the order of the columns' own language.
"""

from typing import Any

from django.db import migrations

from apps.compensation.ledger_references import checks_again

LEDGER, NAME = "compensation_ledgerentry", "ledger_source_once"
ONCE = 'rep_id, starts_on, source_key COLLATE "C", component_key COLLATE "C", ends_on, sequence'
AS_BEFORE = "rep_id, component_key, starts_on, ends_on, source_key, sequence"


def _by_bytes(_apps: Any, schema_editor: Any) -> None:
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute(f"ALTER TABLE {LEDGER} DROP CONSTRAINT {NAME}")
        schema_editor.execute(f"CREATE UNIQUE INDEX {NAME} ON {LEDGER} ({ONCE})")


def _by_words(_apps: Any, schema_editor: Any) -> None:
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute(f"DROP INDEX {NAME}")
        schema_editor.execute(f"ALTER TABLE {LEDGER} ADD CONSTRAINT {NAME} UNIQUE ({AS_BEFORE})")


class Migration(migrations.Migration):
    dependencies = [("compensation", "0013_approval_guards")]

    operations = [migrations.RunPython(_by_bytes, _by_words), checks_again()]
