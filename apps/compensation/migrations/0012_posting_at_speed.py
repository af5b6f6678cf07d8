"""What a statement's lines follow from is kept with it; the ledger loses an index that nothing is found by."""

from typing import Any

import django.db.models.deletion
from django.db import migrations, models

from apps.core.add_column import AddColumn

LEDGER, COLUMN = "compensation_ledgerentry", "plan_version_id"


def _drop_index(_apps: Any, schema_editor: Any) -> None:
    """By name, so that SQLite does not make the table anew and lose its triggers."""
    with schema_editor.connection.cursor() as cursor:
        found = schema_editor.connection.introspection.get_constraints(cursor, LEDGER)
    for name, one in found.items():
        if one["index"] and not one["unique"] and one["columns"] == [COLUMN]:
            schema_editor.execute(f"DROP INDEX {schema_editor.quote_name(name)}")


def _make_index(_apps: Any, schema_editor: Any) -> None:
    schema_editor.execute(f"CREATE INDEX ledger_by_plan_version ON {LEDGER} ({COLUMN})")


class Migration(migrations.Migration):
    dependencies = [("compensation", "0011_finance_files")]

    operations = [
        AddColumn(
            model_name="statement",
            name="inputs",
            field=models.CharField(
                blank=True,
                default="",
                help_text="hash of all that its lines follow from, credits too; empty where that is not known",
                max_length=64,
            ),
        ),
        migrations.SeparateDatabaseAndState(
            database_operations=[migrations.RunPython(_drop_index, _make_index)],
            state_operations=[
                migrations.AlterField(
                    model_name="ledgerentry",
                    name="plan_version",
                    field=models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="ledger_entries",
                        to="compensation.planversion",
                    ),
                ),
            ],
        ),
    ]
