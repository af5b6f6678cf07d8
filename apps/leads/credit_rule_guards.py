"""What the database refuses of rules that share credit: an approved one is not changed, it is only ended, once."""

from typing import Any

from django.db import migrations

TABLE = "leads_creditrule"
MESSAGE = "an approved rule of credit is not changed: end it and write the next"
_KEPT = (
    "name", "capacity", "kinds", "conditions", "shares", "position", "starts_on", "note", "author_id",
    "written_at", "approver_id", "approved_at",
)  # fmt: skip
_VERBS = ("UPDATE", "DELETE")


def _condition(verb: str, vendor: str) -> str:
    if verb == "DELETE":
        return "OLD.approved_at IS NOT NULL"
    # JSON has no equality on PostgreSQL's plain type; as text it has.
    text = "::text" if vendor == "postgresql" else ""
    differs = "IS DISTINCT FROM" if vendor == "postgresql" else "IS NOT"
    changed = " OR ".join(f"NEW.{column}{text} {differs} OLD.{column}{text}" for column in _KEPT)
    return f"OLD.approved_at IS NOT NULL AND (OLD.ended_by_id IS NOT NULL OR {changed})"


def _statements(vendor: str) -> list[str]:
    if vendor == "sqlite":
        return [
            f"CREATE TRIGGER {TABLE}_kept_{verb.lower()} BEFORE {verb} ON {TABLE} "
            f"WHEN {_condition(verb, vendor)} BEGIN SELECT RAISE(ABORT, '{MESSAGE}'); END"
            for verb in _VERBS
        ]
    return [
        statement
        for verb in _VERBS
        for statement in (
            f"""
            CREATE OR REPLACE FUNCTION {TABLE}_kept_{verb.lower()}() RETURNS trigger AS $body$
            BEGIN
                IF {_condition(verb, vendor)} THEN
                    RAISE EXCEPTION '{MESSAGE}' USING ERRCODE = 'restrict_violation';
                END IF;
                RETURN {"OLD" if verb == "DELETE" else "NEW"};
            END
            $body$ LANGUAGE plpgsql
            """,
            (
                f"CREATE TRIGGER {TABLE}_kept_{verb.lower()} BEFORE {verb} ON {TABLE} "
                f"FOR EACH ROW EXECUTE FUNCTION {TABLE}_kept_{verb.lower()}()"
            ),
        )
    ]


def _removals(vendor: str) -> list[str]:
    names = [f"{TABLE}_kept_{verb.lower()}" for verb in _VERBS]
    if vendor == "sqlite":
        return [f"DROP TRIGGER IF EXISTS {name}" for name in names]
    return [
        statement
        for name in names
        for statement in (f"DROP TRIGGER IF EXISTS {name} ON {TABLE}", f"DROP FUNCTION IF EXISTS {name}()")
    ]


def _apply(_apps: Any, schema_editor: Any) -> None:
    vendor = schema_editor.connection.vendor
    for statement in [*_removals(vendor), *_statements(vendor)]:
        schema_editor.execute(statement)


def _remove(_apps: Any, schema_editor: Any) -> None:
    for statement in _removals(schema_editor.connection.vendor):
        schema_editor.execute(statement)


def guards() -> migrations.RunPython:
    """A reversible migration operation that puts them in place; again after the table was altered."""
    return migrations.RunPython(_apply, _remove)
