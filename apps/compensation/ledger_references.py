"""What a ledger line refers to is there, and stays: checked by PostgreSQL once a statement, not once a line.

A foreign key is looked up for every line and every key, which takes three quarters of the time in which a payout run
writes its million lines. In their place: what is inserted by one statement is held against the tables together, and
rather more strictly. A line is of its statement's run, rep and currency (and a statement has foreign keys to both);
its plan version is approved, and approved versions are kept; its events are in the record, which is append-only; a
statement that has lines is not deleted.

SQLite looks keys up for next to nothing, so there they stay as they are.
"""

from typing import Any

from django.db import migrations

LEDGER, STATEMENT, VERSION = (
    "compensation_ledgerentry",
    "compensation_statement",
    "compensation_planversion",
)
EVENT = "leads_funnelevent"
WRONG = "a line names a statement, plan version or event that is not its own"

# Loops over the indexes: what is inserted is few beside the tables that it is looked up in.
_CHECK = f"""
CREATE OR REPLACE FUNCTION compensation_ledger_refers() RETURNS trigger AS $body$
BEGIN
    IF EXISTS (
        SELECT 1 FROM (SELECT DISTINCT statement_id, run_id, rep_id, currency, plan_version_id FROM fresh) line
        WHERE NOT EXISTS (
            SELECT 1 FROM {STATEMENT} s WHERE s.id = line.statement_id AND s.run_id = line.run_id
            AND s.rep_id = line.rep_id AND s.currency = line.currency
        ) OR NOT EXISTS (
            SELECT 1 FROM {VERSION} v WHERE v.id = line.plan_version_id AND v.state = 'approved'
        )
    ) OR EXISTS (
        SELECT 1 FROM fresh line WHERE line.event_id IS NOT NULL
        AND NOT EXISTS (SELECT 1 FROM {EVENT} e WHERE e.id = line.event_id)
    ) OR EXISTS (
        SELECT 1 FROM fresh line WHERE line.cause_event_id IS NOT NULL
        AND NOT EXISTS (SELECT 1 FROM {EVENT} e WHERE e.id = line.cause_event_id)
    ) THEN
        RAISE EXCEPTION '{WRONG}' USING ERRCODE = 'foreign_key_violation';
    END IF;
    RETURN NULL;
END
$body$ LANGUAGE plpgsql SET enable_hashjoin = off SET enable_mergejoin = off
"""  # noqa: S608 - constants only

_KEPT = f"""
CREATE OR REPLACE FUNCTION compensation_statement_has_lines() RETURNS trigger AS $body$
BEGIN
    IF EXISTS (SELECT 1 FROM {LEDGER} WHERE statement_id = OLD.id) THEN
        RAISE EXCEPTION 'a statement that has lines is not deleted' USING ERRCODE = 'foreign_key_violation';
    END IF;
    RETURN OLD;
END
$body$ LANGUAGE plpgsql
"""  # noqa: S608 - constants only

_PUT_IN_PLACE = (
    _CHECK,
    (
        f"CREATE TRIGGER compensation_ledger_refers AFTER INSERT ON {LEDGER} "
        "REFERENCING NEW TABLE AS fresh FOR EACH STATEMENT EXECUTE FUNCTION compensation_ledger_refers()"
    ),
    _KEPT,
    (
        f"CREATE TRIGGER compensation_statement_has_lines BEFORE DELETE ON {STATEMENT} "
        "FOR EACH ROW EXECUTE FUNCTION compensation_statement_has_lines()"
    ),
)
_TAKE_AWAY = (
    f"DROP TRIGGER IF EXISTS compensation_ledger_refers ON {LEDGER}",
    "DROP FUNCTION IF EXISTS compensation_ledger_refers()",
    f"DROP TRIGGER IF EXISTS compensation_statement_has_lines ON {STATEMENT}",
    "DROP FUNCTION IF EXISTS compensation_statement_has_lines()",
)
_KEYS = {
    "run_id": "compensation_payoutrun",
    "statement_id": STATEMENT,
    "rep_id": "reps_rep",
    "plan_version_id": VERSION,
    "event_id": EVENT,
    "cause_event_id": EVENT,
}


def _foreign_keys(schema_editor: Any) -> list[str]:
    with schema_editor.connection.cursor() as cursor:
        cursor.execute(
            "SELECT conname FROM pg_constraint WHERE conrelid = %s::regclass AND contype = 'f'", [LEDGER]
        )
        return [name for (name,) in cursor.fetchall()]


def _apply(_apps: Any, schema_editor: Any) -> None:
    if schema_editor.connection.vendor != "postgresql":
        return
    for name in _foreign_keys(schema_editor):
        schema_editor.execute(f"ALTER TABLE {LEDGER} DROP CONSTRAINT {schema_editor.quote_name(name)}")
    for statement in (*_TAKE_AWAY, *_PUT_IN_PLACE):
        schema_editor.execute(statement)


def _remove(_apps: Any, schema_editor: Any) -> None:
    if schema_editor.connection.vendor != "postgresql":
        return
    for statement in _TAKE_AWAY:
        schema_editor.execute(statement)
    for column, table in _KEYS.items():
        schema_editor.execute(
            f"ALTER TABLE {LEDGER} ADD CONSTRAINT ledger_{column}_fk FOREIGN KEY ({column}) "
            f"REFERENCES {table} (id) DEFERRABLE INITIALLY DEFERRED"
        )


def references() -> migrations.RunPython:
    """A reversible migration operation that puts the check in the place of the ledger's foreign keys."""
    return migrations.RunPython(_apply, _remove)


def _check_again(_apps: Any, schema_editor: Any) -> None:
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute(_CHECK)


def checks_again() -> migrations.RunPython:
    """An operation that gives the check that is there its present words; they say what the earlier ones said."""
    return migrations.RunPython(_check_again, migrations.RunPython.noop)
