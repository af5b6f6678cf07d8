"""What the database itself refuses, whoever asks: the ORM, raw SQL or a superuser.

A closed run changes no more, a state follows only those that it may, nobody approves their own pay, lines and
statements are written only while their run computes, an approved plan version stays as it is, and periods do
not overlap. PostgreSQL and SQLite are told the same in their own words.

SQLite rebuilds a table on most schema changes and drops its triggers with it: a later migration that alters
one of these tables lists ``guards()`` again.
"""

from typing import Any

from django.db import migrations

from apps.core.refusals import Refusal

RUN, STATEMENT = "compensation_payoutrun", "compensation_statement"
LEDGER, VERSION = "compensation_ledgerentry", "compensation_planversion"
ASSIGNMENT = "compensation_planassignment"

# All columns of a run but those that being paid changes.
KEPT_WHEN_LOCKED = (
    "code", "starts_on", "ends_on", "as_of", "computations", "fingerprint", "event_count",
    "sent_back_because", "created_at", "computed_at", "submitted_at", "approved_at", "locked_at",
    "computed_by_id", "submitted_by_id", "approved_by_id", "locked_by_id",
)  # fmt: skip

# The same table as models.runs.FOLLOWS; a test holds them together.
TRANSITIONS = (
    ("computing", "computed"),
    ("computed", "computing"),
    ("computed", "submitted"),
    ("submitted", "computed"),
    ("submitted", "approved"),
    ("approved", "computed"),
    ("approved", "locked"),
    ("locked", "paid"),
)


def _not_computing(run_id: str) -> str:
    return f"(SELECT state FROM {RUN} WHERE id = {run_id}) <> 'computing'"  # noqa: S608 - constants only


def _is_payee(person: str) -> str:
    return (
        f"(NEW.{person} IS NOT NULL AND EXISTS (SELECT 1 FROM {STATEMENT} s "  # noqa: S608 - constants only
        f"JOIN reps_rep r ON r.id = s.rep_id WHERE s.run_id = NEW.id AND r.user_id = NEW.{person}))"
    )


def _refusals() -> list[Refusal]:
    changed = " OR ".join(f"NEW.{column} IS DISTINCT FROM OLD.{column}" for column in KEPT_WHEN_LOCKED)
    allowed = " OR ".join(f"(OLD.state = '{old}' AND NEW.state = '{new}')" for old, new in TRANSITIONS)
    locked = "a locked run is immutable: post the difference in the open run"
    closed = "statements are written only while their run computes"
    approved = "an approved plan version is not changed: write the next version"
    return [
        Refusal(
            "compensation_run_locked",
            RUN,
            "UPDATE",
            f"OLD.state = 'paid' OR (OLD.state = 'locked' AND ({changed}))",
            locked,
        ),
        Refusal("compensation_run_kept", RUN, "DELETE", "OLD.state IN ('locked', 'paid')", locked),
        Refusal(
            "compensation_run_transition",
            RUN,
            "UPDATE",
            f"NEW.state <> OLD.state AND NOT ({allowed})",
            "this state does not follow the present one",
        ),
        Refusal(
            "compensation_run_payee",
            RUN,
            "UPDATE",
            f"{_is_payee('approved_by_id')} OR {_is_payee('locked_by_id')}",
            "nobody approves or locks a run that pays them",
        ),
        Refusal("compensation_statement_new", STATEMENT, "INSERT", _not_computing("NEW.run_id"), closed),
        Refusal(
            "compensation_statement_closed",
            STATEMENT,
            "UPDATE",
            f"{_not_computing('OLD.run_id')} OR NEW.run_id <> OLD.run_id",
            closed,
        ),
        Refusal("compensation_statement_kept", STATEMENT, "DELETE", _not_computing("OLD.run_id"), closed),
        Refusal("compensation_version_closed", VERSION, "UPDATE", "OLD.state = 'approved'", approved),
        Refusal("compensation_version_kept", VERSION, "DELETE", "OLD.state = 'approved'", approved),
        Refusal(
            "compensation_version_submitted",
            VERSION,
            "UPDATE",
            "OLD.state = 'submitted' AND (NEW.document IS DISTINCT FROM OLD.document "
            "OR NEW.effective_on <> OLD.effective_on OR NEW.ends_on IS DISTINCT FROM OLD.ends_on)",
            "a submitted plan version is not changed: send it back first",
        ),
        Refusal(
            "compensation_version_author",
            VERSION,
            "UPDATE",
            "NEW.author_id <> OLD.author_id",
            "the author of a plan version does not change",
        ),
        Refusal(
            "compensation_version_payee",
            VERSION,
            "UPDATE",
            "NEW.state = 'approved' AND EXISTS (SELECT 1 FROM compensation_planassignment a "
            "JOIN reps_rep r ON r.id = a.rep_id "
            "WHERE a.plan_id = NEW.plan_id AND r.user_id = NEW.approver_id)",
            "nobody approves a plan that pays them",
        ),
    ]


LEDGER_MESSAGE = "lines are posted only while their run computes"


def _ledger_statements(vendor: str) -> list[str]:
    """Checked once a statement on PostgreSQL: a run posts a million lines."""
    if vendor == "sqlite":
        return Refusal(
            "compensation_ledger_open", LEDGER, "INSERT", _not_computing("NEW.run_id"), LEDGER_MESSAGE
        ).create(vendor)
    return [
        f"""
        CREATE OR REPLACE FUNCTION compensation_ledger_open() RETURNS trigger AS $body$
        BEGIN
            IF EXISTS (SELECT 1 FROM {RUN} WHERE state <> 'computing'
                       AND id IN (SELECT DISTINCT run_id FROM fresh)) THEN
                RAISE EXCEPTION '{LEDGER_MESSAGE}' USING ERRCODE = 'restrict_violation';
            END IF;
            RETURN NULL;
        END
        $body$ LANGUAGE plpgsql
        """,  # noqa: S608 - constants only
        (
            f"CREATE TRIGGER compensation_ledger_open AFTER INSERT ON {LEDGER} "
            "REFERENCING NEW TABLE AS fresh FOR EACH STATEMENT EXECUTE FUNCTION compensation_ledger_open()"
        ),
    ]


def _overlap_statements(vendor: str) -> list[str]:
    """No two runs share a day, and no rep is on two plans on one day, also when two people try at once."""
    if vendor == "postgresql":
        # A range of one number stands for equality, which spares the btree_gist extension.
        return [
            (
                f"ALTER TABLE {RUN} ADD CONSTRAINT run_periods_do_not_overlap "
                "EXCLUDE USING gist (daterange(starts_on, ends_on) WITH &&)"
            ),
            (
                f"ALTER TABLE {ASSIGNMENT} ADD CONSTRAINT plan_assignments_do_not_overlap "
                "EXCLUDE USING gist (int8range(rep_id, rep_id, '[]') WITH &&, "
                "daterange(starts_on, ends_on) WITH &&)"
            ),
        ]
    far = "'9999-12-31'"
    cases = (
        ("run_overlap", RUN, "", "two runs never share a day"),
        ("assignment_overlap", ASSIGNMENT, "o.rep_id = NEW.rep_id AND ", "a rep is on one plan at a time"),
    )
    return [
        statement
        for name, table, same, message in cases
        for verb in ("INSERT", "UPDATE")
        for statement in Refusal(
            f"compensation_{name}_{verb.lower()}",
            table,
            verb,
            f"EXISTS (SELECT 1 FROM {table} o WHERE {same}o.id IS DISTINCT FROM NEW.id "  # noqa: S608
            f"AND o.starts_on < COALESCE(NEW.ends_on, {far}) AND NEW.starts_on < COALESCE(o.ends_on, {far}))",
            message,
        ).create(vendor)
    ]


def _removals(vendor: str) -> list[str]:
    statements = [statement for refusal in _refusals() for statement in refusal.drop(vendor)]
    ledger = Refusal("compensation_ledger_open", LEDGER, "INSERT", "", "")
    statements += ledger.drop(vendor)
    if vendor == "postgresql":
        return [
            *statements,
            f"ALTER TABLE {RUN} DROP CONSTRAINT IF EXISTS run_periods_do_not_overlap",
            f"ALTER TABLE {ASSIGNMENT} DROP CONSTRAINT IF EXISTS plan_assignments_do_not_overlap",
        ]
    names = ("run_overlap", "assignment_overlap")
    return statements + [
        f"DROP TRIGGER IF EXISTS compensation_{name}_{verb}"
        for name in names
        for verb in ("insert", "update")
    ]


def _apply(_apps: Any, schema_editor: Any) -> None:
    vendor = schema_editor.connection.vendor
    _remove(_apps, schema_editor)
    for refusal in _refusals():
        for statement in refusal.create(vendor):
            schema_editor.execute(statement)
    for statement in [*_ledger_statements(vendor), *_overlap_statements(vendor)]:
        schema_editor.execute(statement)


def _remove(_apps: Any, schema_editor: Any) -> None:
    for statement in _removals(schema_editor.connection.vendor):
        schema_editor.execute(statement)


def guards() -> migrations.RunPython:
    """A reversible migration operation that puts all guards of this app in place."""
    return migrations.RunPython(_apply, _remove)
