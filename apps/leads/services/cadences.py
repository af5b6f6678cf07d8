"""Cadences: make one, change it, retire it, take it up again.

Steps are versioned: whoever is enrolled goes on with the version enrolled in, so a change never moves a step
that is planned already.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.db import IntegrityError, transaction

from apps.audit import services as audit
from apps.core.errors import DomainError, InvalidInput
from apps.leads.models import Cadence, CadenceVersion, Motion
from apps.leads.rules import cadences as rules
from apps.leads.rules import conditions as condition_rules


class NameTaken(InvalidInput):
    """Another cadence has this name."""

    code = "name_taken"


class InvalidSteps(InvalidInput):
    """A step that cannot be used: ``index`` counts from 0, ``step_field`` is its key."""

    code = "invalid_steps"

    def __init__(self, error: rules.StepsInvalid) -> None:
        super().__init__(str(error), field="steps")
        self.index, self.step_field, self.step_message = error.index, error.field, error.message


class InvalidConditions(InvalidInput):
    """A condition that cannot be used: ``index`` counts from 0, ``condition_field`` is its key."""

    code = "invalid_conditions"

    def __init__(self, error: condition_rules.ConditionsInvalid) -> None:
        super().__init__(str(error), field="conditions")
        self.index, self.condition_field, self.condition_message = error.index, error.field, error.message


class CadenceMovedOn(DomainError):
    """Somebody else changed the cadence at the same instant."""

    code = "cadence_moved_on"


@transaction.atomic
def create_cadence(
    *,
    name: str,
    motion: str,
    conditions: Sequence[dict[str, Any]],
    position: int,
    enrols_by_itself: bool,
    steps: Sequence[dict[str, Any]],
    at: datetime,
    actor: Any,
) -> Cadence:
    """A new cadence with the first version of its steps.

    Raises ``NameTaken``, ``InvalidSteps`` and ``InvalidConditions`` naming row and field, ``InvalidInput``.
    """
    cadence = Cadence()
    _describe(cadence, name, motion, conditions, position, enrols_by_itself)
    parsed = _steps(steps)
    _save(cadence)
    _add_version(cadence, 1, parsed, at, actor)
    audit.record(
        verb="leads.cadence.created", subject=cadence, at=at, actor=actor, data={"steps": len(parsed)}
    )
    return cadence


@transaction.atomic
def change_cadence(
    *,
    cadence: Cadence,
    name: str,
    motion: str,
    conditions: Sequence[dict[str, Any]],
    position: int,
    enrols_by_itself: bool,
    steps: Sequence[dict[str, Any]],
    at: datetime,
    actor: Any,
) -> Cadence:
    """Change it; a new version only if the steps differ. Raises what ``create_cadence`` raises."""
    cadence = Cadence.objects.select_for_update().get(pk=cadence.pk)
    _describe(cadence, name, motion, conditions, position, enrols_by_itself)
    parsed = _steps(steps)
    _save(cadence)
    newest = current_version(cadence)
    if newest is None or rules.parse_steps(newest.steps) != parsed:
        _add_version(cadence, newest.number + 1 if newest else 1, parsed, at, actor)
    newest = current_version(cadence)
    audit.record(
        verb="leads.cadence.changed",
        subject=cadence,
        at=at,
        actor=actor,
        data={"version": newest.number if newest else 0, "position": position, "by_itself": enrols_by_itself},
    )
    return cadence


@transaction.atomic
def retire(*, cadence: Cadence, at: datetime, actor: Any) -> Cadence:
    """Enrol nobody any more; who is in it goes on to its end."""
    return _switch(cadence, False, "leads.cadence.retired", at, actor)


@transaction.atomic
def activate(*, cadence: Cadence, at: datetime, actor: Any) -> Cadence:
    """Enrol again."""
    return _switch(cadence, True, "leads.cadence.activated", at, actor)


def current_version(cadence: Cadence) -> CadenceVersion | None:
    """The version that whoever is enrolled now gets."""
    return cadence.versions.order_by("-number").first()


def _switch(cadence: Cadence, is_active: bool, verb: str, at: datetime, actor: Any) -> Cadence:
    # Compare and swap: a second click records nothing twice.
    if Cadence.objects.filter(pk=cadence.pk).exclude(is_active=is_active).update(is_active=is_active):
        audit.record(verb=verb, subject=cadence, at=at, actor=actor)
    cadence.refresh_from_db()
    return cadence


def _describe(
    cadence: Cadence,
    name: str,
    motion: str,
    conditions: Sequence[dict[str, Any]],
    position: int,
    enrols_by_itself: bool,
) -> None:
    name = name.strip()
    if not 1 <= len(name) <= 80:
        raise InvalidInput("Give the cadence a name of 80 characters at most.", field="name")
    if motion not in Motion.values:
        raise InvalidInput("Choose inbound, outbound or back from nurture.", field="motion")
    if not 0 <= position <= 32_767:
        raise InvalidInput("The position is a whole number from 0 on.", field="position")
    try:
        parsed = condition_rules.parse_conditions(conditions)
    except condition_rules.ConditionsInvalid as error:
        raise InvalidConditions(error) from None
    cadence.name, cadence.motion, cadence.position = name, motion, position
    cadence.conditions = [one.as_dict() for one in parsed]
    cadence.enrols_by_itself = enrols_by_itself


def _steps(raw: Sequence[dict[str, Any]]) -> tuple[rules.Step, ...]:
    try:
        return rules.parse_steps(raw)
    except rules.StepsInvalid as error:
        raise InvalidSteps(error) from None


def _save(cadence: Cadence) -> None:
    if Cadence.objects.filter(name=cadence.name).exclude(pk=cadence.pk).exists():
        raise NameTaken("Another cadence has this name.", field="name")
    try:
        with transaction.atomic():
            cadence.save()
    except IntegrityError:
        raise NameTaken("Another cadence has this name.", field="name") from None


def _add_version(
    cadence: Cadence, number: int, steps: tuple[rules.Step, ...], at: datetime, actor: Any
) -> None:
    try:
        with transaction.atomic():
            CadenceVersion.objects.create(
                cadence=cadence,
                number=number,
                steps=[step.as_dict() for step in steps],
                created_at=at,
                created_by=actor if getattr(actor, "pk", None) else None,
            )
    except IntegrityError:
        raise CadenceMovedOn("Somebody else just changed this cadence: look at it first.") from None
