"""Inserting and updating many rows: the same as one by one, on either database."""

from datetime import UTC, datetime, timedelta

import pytest
from django.db import IntegrityError, transaction

from apps.core import bulk
from apps.core.bulk import insert_rows, update_rows
from apps.leads.models import Lead, LeadStage

AT = datetime(2026, 3, 1, 9, 0, 0, 123456, tzinfo=UTC)


def _leads(count: int, first: int = 0) -> list[Lead]:
    return [
        Lead(
            name=f"Zoë {number}\t\\n",
            title="Owner\nand more",
            stage=LeadStage.WORKING,
            employees=number or None,
            is_inbound=number % 2 == 0,
            score_reasons=[["fit", "ü", number]],
            created_at=AT + timedelta(seconds=number),
            source_system="test",
            external_id=str(first + number),
        )
        for number in range(count)
    ]


@pytest.mark.django_db
@pytest.mark.parametrize("count", [3, bulk.FEW + 1])
def test_writes_what_bulk_create_writes(count: int) -> None:
    wanted = Lead.objects.bulk_create(_leads(count, first=10_000))
    rows = _leads(count)
    insert_rows(rows)
    columns = [
        field.attname for field in Lead._meta.concrete_fields if field.attname not in ("id", "external_id")
    ]
    ids = [row.pk for row in rows]
    assert len(set(ids)) == count
    assert [row.external_id for row in Lead.objects.filter(pk__in=ids).order_by("pk")] == [
        row.external_id for row in rows
    ]
    ours = list(Lead.objects.filter(pk__in=ids).order_by("pk").values_list(*columns))
    theirs = list(Lead.objects.filter(pk__in=[one.pk for one in wanted]).order_by("pk").values_list(*columns))
    assert ours == theirs


@pytest.mark.django_db
def test_rows_can_be_saved_afterwards_and_others_follow() -> None:
    rows = _leads(bulk.FEW)
    insert_rows(rows)
    rows[0].title = "Changed"
    rows[0].save()
    assert Lead.objects.get(pk=rows[0].pk).title == "Changed"
    assert Lead.objects.create(created_at=AT).pk > max(row.pk for row in rows)


@pytest.mark.django_db
def test_constraints_hold() -> None:
    insert_rows(_leads(bulk.FEW))
    with pytest.raises(IntegrityError), transaction.atomic():
        insert_rows(_leads(bulk.FEW))


@pytest.mark.django_db(transaction=True)
def test_needs_a_transaction() -> None:
    with pytest.raises(RuntimeError, match="transaction"):
        insert_rows(_leads(bulk.FEW))
    assert not Lead.objects.exists()


def test_nothing_is_no_work() -> None:
    insert_rows([])


@pytest.mark.django_db
def test_updates_what_saving_each_would() -> None:
    """The named fields alone, though a unique name stands in the row, and values of every kind."""
    rows = _leads(3)
    insert_rows(rows)
    for number, row in enumerate(rows):
        row.title = f"Title {number}"
        row.do_not_contact = number == 1
        row.last_touch_at = AT + timedelta(minutes=number) if number else None
        row.reentry_on = AT.date() if number else None
        row.score_reasons = [["fit", "Größe", number]]
        row.name = "Not to be written"
    update_rows(
        rows[:2], ("title", "do_not_contact", "last_touch_at", "reentry_on", "score_reasons", "stage")
    )
    first, second, third = Lead.objects.filter(pk__in=[row.pk for row in rows]).order_by("pk")
    assert (first.title, first.do_not_contact, first.last_touch_at) == ("Title 0", False, None)
    assert (second.title, second.do_not_contact) == ("Title 1", True)
    assert (second.last_touch_at, second.reentry_on) == (AT + timedelta(minutes=1), AT.date())
    assert second.score_reasons == [["fit", "Größe", 1]]
    assert third.title == "Owner\nand more"
    assert not Lead.objects.filter(name="Not to be written").exists()
