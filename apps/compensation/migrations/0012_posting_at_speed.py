"""What a statement's lines follow from is kept with it; indexes of the ledger become fewer and cheaper to keep.

Nothing is found by a line's plan version or event. A run's lines lie together, since lines are only ever added: on
PostgreSQL ranges of blocks find them.
"""

from typing import Any

import django.db.models.deletion
from django.db import migrations, models

from apps.core.add_column import AddColumn

LEDGER, COLUMNS = "compensation_ledgerentry", ("plan_version_id", "event_id")


def _drop_indexes(_apps: Any, schema_editor: Any) -> None:
    """By name, so that SQLite does not make the table anew and lose its triggers."""
    with schema_editor.connection.cursor() as cursor:
        found = schema_editor.connection.introspection.get_constraints(cursor, LEDGER)
    for name, one in found.items():
        if one["index"] and not one["unique"] and one["columns"] in [[column] for column in COLUMNS]:
            schema_editor.execute(f"DROP INDEX {schema_editor.quote_name(name)}")


def _make_indexes(_apps: Any, schema_editor: Any) -> None:
    for column in COLUMNS:
        schema_editor.execute(f"CREATE INDEX ledger_by_{column} ON {LEDGER} ({column})")


def _run_by(kind: str) -> Any:
    def make(_apps: Any, schema_editor: Any) -> None:
        if schema_editor.connection.vendor == "postgresql":
            schema_editor.execute("DROP INDEX ledger_by_run")
            schema_editor.execute(f"CREATE INDEX ledger_by_run ON {LEDGER} USING {kind}")

    return make


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
            database_operations=[
                migrations.RunPython(_drop_indexes, _make_indexes),
                migrations.RunPython(
                    _run_by("brin (run_id) WITH (pages_per_range = 32, autosummarize = on)"),
                    _run_by("btree (run_id)"),
                ),
            ],
            state_operations=[
                migrations.AlterField(
                    model_name="ledgerentry",
                    name="event",
                    field=models.ForeignKey(
                        blank=True,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="ledger_entries",
                        to="leads.funnelevent",
                    ),
                ),
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
