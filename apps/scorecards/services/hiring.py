"""Save hiring scenarios, change them, drop them. What a scenario says is worked out by ``rules.hiring``."""

from datetime import datetime
from typing import Any

from django.db import IntegrityError, transaction

from apps.audit import services as audit
from apps.core.errors import DomainError
from apps.scorecards.models import HiringScenario
from apps.scorecards.rules.hiring_draft import Draft, checked, document_of, read_draft


class UnableToSaveScenario(DomainError):
    """Another one has this name, or somebody else changed it meanwhile."""

    code = "unable_to_save_scenario"


@transaction.atomic
def save_scenario(*, draft: Draft, at: datetime, actor: Any) -> HiringScenario:
    """Keep a new scenario. Raises ``InvalidInput`` naming the field, ``UnableToSaveScenario`` for a taken name."""
    checked(draft)
    try:
        with transaction.atomic():
            made = HiringScenario.objects.create(
                name=draft.name.strip(), owner=actor, document=document_of(draft), saved_at=at
            )
    except IntegrityError:
        raise _taken(draft.name) from None
    audit.record(
        verb="scorecards.hiring_scenario.saved", subject=made, at=at, actor=actor, data={"name": made.name}
    )
    return made


@transaction.atomic
def change_scenario(
    *, scenario: HiringScenario, draft: Draft, seen_version: int, at: datetime, actor: Any
) -> HiringScenario:
    """Write ``draft`` in place of what it says. Raises as ``save_scenario``, also for one that was changed since."""
    checked(draft)
    try:
        with transaction.atomic():
            changed = HiringScenario.objects.filter(
                pk=scenario.pk, version=seen_version, dropped_at__isnull=True
            ).update(
                name=draft.name.strip(), document=document_of(draft), version=seen_version + 1, saved_at=at
            )
    except IntegrityError:
        raise _taken(draft.name) from None
    if not changed:
        raise UnableToSaveScenario("Somebody has changed or dropped it meanwhile: open it again.")
    scenario.refresh_from_db()
    audit.record(
        verb="scorecards.hiring_scenario.changed",
        subject=scenario,
        at=at,
        actor=actor,
        data={"name": scenario.name, "version": scenario.version},
    )
    return scenario


@transaction.atomic
def drop_scenario(*, scenario: HiringScenario, at: datetime, actor: Any) -> bool:
    """List it no more; whether this call did it."""
    dropped = HiringScenario.objects.filter(pk=scenario.pk, dropped_at__isnull=True).update(dropped_at=at)
    if dropped:
        audit.record(verb="scorecards.hiring_scenario.dropped", subject=scenario, at=at, actor=actor, data={})
    return bool(dropped)


def _taken(name: str) -> UnableToSaveScenario:
    return UnableToSaveScenario(
        f"You have a scenario called {name.strip()!r} already: choose another name.", field="name"
    )


def draft_of(scenario: HiringScenario) -> Draft:
    """What a kept scenario says."""
    return read_draft(scenario.name, scenario.document)
