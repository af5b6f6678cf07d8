"""What is on record cannot be changed or deleted, by the ORM or by raw SQL, in either database."""

import pytest
from django.apps import apps
from django.db import DatabaseError, connection, transaction

from apps.audit import services as audit
from apps.audit.models import AuditEntry, Seal, SealedEntry
from apps.core.append_only import removal_statements, trigger_statements
from apps.leads.models import (
    Cadence,
    CadenceVersion,
    Enrolment,
    EnrolmentAct,
    EventCredit,
    FunnelEvent,
    Lead,
    Motion,
)
from apps.reps.models import TierChange
from apps.reps.services.tiers import change_tier
from tests.cast import NOW, Cast
from tests.leads.scenes import handed_off

# A column of each table that may be set to a value of its own kind.
COLUMNS = {
    FunnelEvent: ("kind", "won"),
    EventCredit: ("share", 1),
    EnrolmentAct: ("reason", "none"),
    AuditEntry: ("verb", "nothing"),
    Seal: ("entry_count", 0),
    SealedEntry: ("seal_id", 999),
    TierChange: ("reason", "none"),
}


@pytest.fixture
def record(cast: Cast) -> Cast:
    """Something in each of the tables."""
    handed_off(cast)
    rep = cast.rep(cast.second_ae)
    change_tier(
        rep=rep,
        tier_before=2,
        tier_after=1,
        effective_on=NOW.date(),
        reason="1.24",
        at=NOW,
        actor=cast.revops,
    )
    cadence = Cadence.objects.create(name="Inbound", motion=Motion.INBOUND)
    version = CadenceVersion.objects.create(cadence=cadence, number=1, steps=[], created_at=NOW)
    enrolment = Enrolment.objects.create(lead=Lead.objects.get(), version=version, enrolled_at=NOW)
    EnrolmentAct.objects.create(enrolment=enrolment, kind=EnrolmentAct.Kind.ENROLLED, step=1, at=NOW)
    audit.seal_entries(at=NOW)
    return cast


@pytest.mark.parametrize("model", COLUMNS, ids=lambda model: model.__name__)
class TestAppendOnlyTable:
    def refused(self, act) -> None:
        with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
            act()

    def test_declares_itself(self, model):
        assert model.append_only is True

    def test_refuses_an_update_by_the_orm(self, record, model):
        column, value = COLUMNS[model]
        self.refused(lambda: model.objects.update(**{column: value}))

    def test_refuses_to_save_a_changed_row(self, record, model):
        column, value = COLUMNS[model]
        row = model.objects.first()
        setattr(row, column, value)
        self.refused(row.save)

    def test_refuses_a_delete_by_the_orm(self, record, model):
        rows = model.objects.all()
        self.refused(lambda: rows._raw_delete(rows.db))

    def test_refuses_an_update_by_raw_sql(self, record, model):
        column, value = COLUMNS[model]

        def act():
            with connection.cursor() as cursor:
                cursor.execute(f"UPDATE {model._meta.db_table} SET {column} = %s", [value])

        self.refused(act)

    def test_refuses_a_delete_by_raw_sql(self, record, model):
        def act():
            with connection.cursor() as cursor:
                cursor.execute(f"DELETE FROM {model._meta.db_table}")

        self.refused(act)

    def test_is_as_it_was(self, record, model):
        before = list(model.objects.order_by("pk").values())
        column, value = COLUMNS[model]
        self.refused(lambda: model.objects.update(**{column: value}))
        assert list(model.objects.order_by("pk").values()) == before


class TestEachAppendOnlyModel:
    def test_of_the_record_is_looked_at_here(self):
        declared = {
            model
            for label in ("audit", "reps", "leads")
            for model in apps.get_app_config(label).get_models()
            if getattr(model, "append_only", False)
        }
        assert declared == set(COLUMNS)


class TestTriggerStatements:
    def test_can_be_taken_away_and_put_back(self, record):
        table = FunnelEvent._meta.db_table
        with connection.cursor() as cursor:
            for statement in removal_statements(connection.vendor, table):
                cursor.execute(statement)
            FunnelEvent.objects.filter(kind="touched").update(source="demo")
            for statement in trigger_statements(connection.vendor, table):
                cursor.execute(statement)
        with pytest.raises(DatabaseError), transaction.atomic():
            FunnelEvent.objects.update(source="page")
        assert FunnelEvent.objects.filter(source="demo").exists()

    def test_are_not_guessed_for_another_database(self):
        with pytest.raises(NotImplementedError):
            trigger_statements("oracle", "t")
