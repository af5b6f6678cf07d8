"""Draft a version of what MQL or SQL means, and sign it: marketing and sales both, or it stays a draft."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import Max

from apps.audit import services as audit
from apps.core.errors import DomainError, InvalidInput
from apps.leads.models import Definition


class UnableToSign(DomainError):
    """That side has signed already, or the same person signed for the other side."""

    code = "unable_to_sign"


class UnableToDraft(DomainError):
    """Somebody drafted a version at the same moment."""

    code = "unable_to_draft"


class Side(StrEnum):
    """Who agrees with whom (PRODUCT section 3)."""

    MARKETING = "marketing"
    SALES = "sales"


@dataclass(frozen=True)
class Criterion:
    """One question of the definition."""

    name: str
    asks: str = ""

    @property
    def key(self) -> str:
        """The name as a word for the database: "Decision maker" is ``decision_maker``."""
        return re.sub(r"[^a-z0-9]+", "_", self.name.lower()).strip("_")[:20]


@transaction.atomic
def draft_definition(
    *,
    kind: Definition.Kind,
    name: str,
    criteria: Sequence[Criterion],
    needed: int,
    effective_on: date,
    at: datetime,
    actor: Any = None,
) -> Definition:
    """The next version of ``kind``, not yet signed by anybody.

    Raises ``InvalidInput`` for an SQL definition without criteria, with two of one name, or that needs
    more than there are.
    """
    keys = [criterion.key for criterion in criteria]
    if not all(keys) or len(set(keys)) != len(keys):
        raise InvalidInput("Give each criterion a name of its own.", field="criteria")
    if not criteria:
        raise InvalidInput("Name at least one criterion.", field="criteria")
    if kind == Definition.Kind.SQL and not 1 <= needed <= len(criteria):
        raise InvalidInput(f"Between 1 and {len(criteria)} of the criteria can be needed.", field="needed")
    last = Definition.objects.filter(kind=kind).aggregate(last=Max("version"))["last"] or 0
    try:
        with transaction.atomic():
            drafted = Definition.objects.create(
                kind=kind,
                version=last + 1,
                name=name.strip(),
                criteria=[{"key": one.key, "name": one.name, "asks": one.asks} for one in criteria],
                needed=needed,
                effective_on=effective_on,
            )
    except IntegrityError as error:
        raise UnableToDraft("Somebody drafted this version a moment ago: look at it first.") from error
    audit.record(
        verb="leads.definition.drafted",
        subject=drafted,
        at=at,
        actor=actor,
        data={"kind": kind, "version": drafted.version},
    )
    return drafted


@transaction.atomic
def sign_definition(
    *, definition: Definition, side: Side, today: date, at: datetime, actor: Any
) -> Definition:
    """Sign for one side. With the second signature it takes effect: never before ``today``.

    ``today`` is the company's calendar day: a version whose day passed unsigned begins on the day it
    was agreed, or leads that were judged by the older one would seem misjudged. Raises ``UnableToSign``.
    """
    definition = Definition.objects.select_for_update().get(pk=definition.pk)
    other = Side.SALES if side is Side.MARKETING else Side.MARKETING
    if getattr(definition, f"{side}_signed_by_id") is not None:
        raise UnableToSign(f"{side.capitalize()} has signed {definition} already.")
    if getattr(definition, f"{other}_signed_by_id") == actor.pk:
        raise UnableToSign("One person cannot sign for both sides: an agreement needs two.")
    setattr(definition, f"{side}_signed_by", actor)
    setattr(definition, f"{side}_signed_at", at)
    if definition.is_signed and definition.effective_on < today:
        definition.effective_on = today
    definition.save()
    audit.record(
        verb="leads.definition.signed",
        subject=definition,
        at=at,
        actor=actor,
        data={"side": str(side), "in_force": definition.is_signed},
    )
    return definition
