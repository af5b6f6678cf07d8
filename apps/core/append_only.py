"""Tables that the database itself keeps from being altered, on PostgreSQL and on SQLite.

A migration calls ``append_only("app_table")`` in its ``operations``. Raw SQL, the ORM and an admin
are refused alike: a mistake is corrected by another row, never by changing one. PostgreSQL refuses TRUNCATE as
well, which no row trigger sees; SQLite has none (a DELETE of everything stops at the trigger).
"""

from typing import Any

from django.db import migrations


def trigger_statements(vendor: str, table: str) -> list[str]:
    """The statements that close ``table`` to UPDATE, DELETE and TRUNCATE in a database of ``vendor``."""
    message = f"{table} is append-only: post a reversing row instead"
    if vendor == "postgresql":
        return [
            f"""
            CREATE OR REPLACE FUNCTION {table}_append_only() RETURNS trigger AS $body$
            BEGIN RAISE EXCEPTION '{message}' USING ERRCODE = 'restrict_violation'; END
            $body$ LANGUAGE plpgsql
            """,
            f"""
            CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE ON {table}
            FOR EACH ROW EXECUTE FUNCTION {table}_append_only()
            """,
            truncate_statement(table),
        ]
    if vendor == "sqlite":
        return [
            f"CREATE TRIGGER {table}_no_{verb.lower()} BEFORE {verb} ON {table} "
            f"BEGIN SELECT RAISE(ABORT, '{message}'); END"
            for verb in ("UPDATE", "DELETE")
        ]
    raise NotImplementedError(f"No append-only triggers are written for {vendor}.")


def truncate_statement(table: str) -> str:
    """What closes ``table`` to TRUNCATE on PostgreSQL; the function is that of ``trigger_statements``."""
    return (
        f"CREATE TRIGGER {table}_no_truncate BEFORE TRUNCATE ON {table} "
        f"FOR EACH STATEMENT EXECUTE FUNCTION {table}_append_only()"
    )


def removal_statements(vendor: str, table: str) -> list[str]:
    """The statements that undo ``trigger_statements``."""
    if vendor == "postgresql":
        return [
            f"DROP TRIGGER IF EXISTS {table}_no_truncate ON {table}",
            f"DROP TRIGGER IF EXISTS {table}_append_only ON {table}",
            f"DROP FUNCTION IF EXISTS {table}_append_only()",
        ]
    return [f"DROP TRIGGER IF EXISTS {table}_no_{verb}" for verb in ("update", "delete")]


def append_only(table: str) -> migrations.RunPython:
    """A reversible migration operation that closes ``table`` to UPDATE, DELETE and TRUNCATE.

    SQLite rebuilds a table on most schema changes and drops its triggers with it: a later migration
    that alters the table lists ``append_only`` again (``tests/house`` checks that the triggers are there).
    """

    def run(statements: Any) -> Any:
        def apply(_apps: Any, schema_editor: Any) -> None:
            for statement in removal_statements(schema_editor.connection.vendor, table):
                schema_editor.execute(statement)
            for statement in statements(schema_editor.connection.vendor, table):
                schema_editor.execute(statement)

        return apply

    return migrations.RunPython(run(trigger_statements), run(lambda vendor, table: []))


def close_to_truncate() -> migrations.RunPython:
    """A migration operation for tables that were closed before TRUNCATE was thought of (PostgreSQL)."""

    def apply(_apps: Any, schema_editor: Any) -> None:
        if schema_editor.connection.vendor != "postgresql":
            return
        with schema_editor.connection.cursor() as cursor:
            cursor.execute(
                "SELECT c.relname FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid "
                "WHERE t.tgname = c.relname || '_append_only' ORDER BY 1"
            )
            tables = [name for (name,) in cursor.fetchall()]
        for table in tables:
            schema_editor.execute(f"DROP TRIGGER IF EXISTS {table}_no_truncate ON {table}")
            schema_editor.execute(truncate_statement(table))

    return migrations.RunPython(apply, migrations.RunPython.noop)
