"""What the database itself refuses, whoever asks: a trigger with a condition, on PostgreSQL and on SQLite.

For rows that are closed from a moment on; tables that are closed wholly are ``core.append_only``'s. SQLite rebuilds
a table on most schema changes and drops its triggers with it: a later migration that alters one of these tables
lists the operation again.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.db import migrations


@dataclass(frozen=True)
class Refusal:
    """Refuse ``verb`` on a row of ``table`` where ``condition`` holds (over OLD and NEW)."""

    name: str
    table: str
    verb: str
    condition: str
    message: str

    def create(self, vendor: str) -> list[str]:
        if vendor == "sqlite":
            # IS NOT compares nulls as well; SQLite knows the standard's words for it only since 3.39.
            condition = self.condition.replace("IS DISTINCT FROM", "IS NOT")
            return [
                (
                    f"CREATE TRIGGER {self.name} BEFORE {self.verb} ON {self.table} WHEN {condition} "
                    f"BEGIN SELECT RAISE(ABORT, '{self.message}'); END"
                )
            ]
        row = "OLD" if self.verb == "DELETE" else "NEW"
        return [
            f"""
            CREATE OR REPLACE FUNCTION {self.name}() RETURNS trigger AS $body$
            BEGIN
                IF {self.condition} THEN
                    RAISE EXCEPTION '{self.message}' USING ERRCODE = 'restrict_violation';
                END IF;
                RETURN {row};
            END
            $body$ LANGUAGE plpgsql
            """,
            (
                f"CREATE TRIGGER {self.name} BEFORE {self.verb} ON {self.table} "
                f"FOR EACH ROW EXECUTE FUNCTION {self.name}()"
            ),
        ]

    def drop(self, vendor: str) -> list[str]:
        if vendor == "sqlite":
            return [f"DROP TRIGGER IF EXISTS {self.name}"]
        return [
            f"DROP TRIGGER IF EXISTS {self.name} ON {self.table}",
            f"DROP FUNCTION IF EXISTS {self.name}()",
        ]


def refusing(refusals: Sequence[Refusal]) -> migrations.RunPython:
    """A reversible migration operation that puts these in place, also where they stand already."""

    def apply(_apps: Any, schema_editor: Any) -> None:
        remove(_apps, schema_editor)
        for one in refusals:
            for statement in one.create(schema_editor.connection.vendor):
                schema_editor.execute(statement)

    def remove(_apps: Any, schema_editor: Any) -> None:
        for one in refusals:
            for statement in one.drop(schema_editor.connection.vendor):
                schema_editor.execute(statement)

    return migrations.RunPython(apply, remove)
