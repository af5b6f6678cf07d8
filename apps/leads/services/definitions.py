"""Draft a version of what MQL or SQL means, change or withdraw the draft, and sign it.

Marketing and sales both sign, two people, or it stays a draft; what is signed is never changed again.
"""

from datetime import date, datetime
from enum import StrEnum
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import Max

from apps.audit import services as audit
from apps.core.errors import DomainError, InvalidInput
from apps.leads.models import Definition
from apps.leads.rules import agreements, frameworks
from apps.leads.rules.agreements import Terms
from apps.leads.rules.frameworks import FRAMEWORKS, Criterion
from apps.leads.rules.points import PointTable, TableInvalid
from apps.leads.services.scoring import table_of


class UnableToSign(DomainError):
    """That side has signed already, the same person signed for the other side, or the words changed."""

    code = "unable_to_sign"


class UnableToDraft(DomainError):
    """Somebody drafted a version at the same moment, or this one is no draft to be changed any more."""

    code = "unable_to_draft"


class Side(StrEnum):
    """Who agrees with whom (PRODUCT section 3)."""

    MARKETING = "marketing"
    SALES = "sales"

    @property
    def other(self) -> "Side":
        return Side.SALES if self is Side.MARKETING else Side.MARKETING


def terms_of(definition: Definition) -> Terms:
    """What a version says, as the rules compare and sign it."""
    if definition.kind == Definition.Kind.MQL:
        return Terms(definition.name, definition.needed, table=table_of(definition))
    criteria = tuple(Criterion(one["name"], one.get("asks", "")) for one in definition.criteria)
    least, most = definition.expected_from_percent, definition.expected_to_percent
    return Terms(
        name=definition.name,
        needed=definition.needed,
        framework=definition.framework or frameworks.framework_of(one.key for one in criteria).key,
        criteria=criteria,
        expected=(least, most) if least is not None and most is not None else None,
    )


@transaction.atomic
def draft_definition(
    *,
    kind: Definition.Kind,
    terms: Terms,
    effective_on: date,
    at: datetime,
    actor: Any = None,
    note: str = "",
) -> Definition:
    """The next version of ``kind``, not yet signed by anybody. ``note`` says why there is a new one.

    Raises ``InvalidInput`` with the field that is wrong, ``UnableToDraft`` when somebody was quicker.
    """
    fields = _fields(kind, terms, effective_on, note)
    last = Definition.objects.filter(kind=kind).aggregate(last=Max("version"))["last"] or 0
    try:
        with transaction.atomic():
            drafted = Definition.objects.create(
                kind=kind,
                version=last + 1,
                drafted_by=actor if getattr(actor, "pk", None) else None,
                drafted_at=at,
                **fields,
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
def change_draft(
    *,
    definition: Definition,
    terms: Terms,
    effective_on: date,
    at: datetime,
    actor: Any = None,
    note: str = "",
) -> Definition:
    """Put a draft that nobody has signed in other words. The same again changes nothing.

    Raises ``UnableToDraft`` once it is signed by one side or withdrawn, ``InvalidInput`` with the field.
    """
    definition = _locked_draft(definition)
    if definition.marketing_signed_by_id or definition.sales_signed_by_id:
        raise UnableToDraft("One side has signed these words: withdraw this draft and draft another one.")
    fields = _fields(Definition.Kind(definition.kind), terms, effective_on, note)
    if all(getattr(definition, name) == value for name, value in fields.items()):
        return definition
    before = terms_of(definition)
    for name, value in fields.items():
        setattr(definition, name, value)
    definition.save(update_fields=list(fields))
    audit.record(
        verb="leads.definition.changed",
        subject=definition,
        at=at,
        actor=actor,
        data={"changes": [change.words for change in agreements.changes(before, terms)]},
    )
    return definition


@transaction.atomic
def withdraw_draft(*, definition: Definition, at: datetime, actor: Any = None) -> Definition:
    """Give a draft up: it stays in the history and is never signed. Twice is once.

    Raises ``UnableToDraft`` when both sides have signed it.
    """
    definition = Definition.objects.select_for_update().get(pk=definition.pk)
    if definition.is_signed:
        raise UnableToDraft("Both sides have signed it. Draft a new version that replaces it.")
    if definition.withdrawn_at is not None:
        return definition
    definition.withdrawn_at = at
    definition.save(update_fields=["withdrawn_at"])
    audit.record(verb="leads.definition.withdrawn", subject=definition, at=at, actor=actor)
    return definition


@transaction.atomic
def sign_definition(
    *, definition: Definition, side: Side, today: date, at: datetime, actor: Any, read: str = ""
) -> Definition:
    """Sign for one side. With the second signature it takes effect: never before ``today``.

    ``today`` is the company's calendar day: a version whose day passed unsigned begins on the day it
    was agreed, or leads that were judged by the older one would seem misjudged. ``read`` is the
    fingerprint of the words that the signatory had before them. Raises ``UnableToSign``.
    """
    definition = Definition.objects.select_for_update().get(pk=definition.pk)
    if getattr(definition, f"{side}_signed_by_id") is not None:
        raise UnableToSign(f"{side.capitalize()} has signed {definition} already.")
    if definition.withdrawn_at is not None:
        raise UnableToSign(f"{definition} was withdrawn: it cannot be signed.")
    if getattr(definition, f"{side.other}_signed_by_id") == actor.pk:
        raise UnableToSign("One person cannot sign for both sides: an agreement needs two.")
    if read and read != terms_of(definition).fingerprint:
        raise UnableToSign("The draft was changed since you opened it: read it again, then sign.")
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


def _locked_draft(definition: Definition) -> Definition:
    found = Definition.objects.select_for_update().get(pk=definition.pk)
    if found.withdrawn_at is not None:
        raise UnableToDraft(f"{found} was withdrawn: draft another one.")
    if found.is_signed:
        raise UnableToDraft("Both sides have signed it. Draft a new version that replaces it.")
    return found


def _fields(kind: Definition.Kind, terms: Terms, effective_on: date, note: str) -> dict[str, Any]:
    """The columns of checked terms."""
    name = terms.name.strip()
    if not 0 < len(name) <= 80:
        raise InvalidInput("Name this version in at most 80 letters.", field="name")
    if len(note.strip()) > 500:
        raise InvalidInput("Keep the reason to 500 letters.", field="note")
    if kind == Definition.Kind.MQL:
        _check_points(terms)
        assert terms.table is not None
        points = terms.table.dump()
    else:
        _check_criteria(terms)
        points = {}
    least, most = terms.expected if kind == Definition.Kind.SQL and terms.expected else (None, None)
    return {
        "name": name,
        "note": note.strip(),
        "framework": terms.framework if kind == Definition.Kind.SQL else "",
        "criteria": [{"key": one.key, "name": one.name, "asks": one.asks} for one in terms.criteria],
        "points": points,
        "needed": terms.needed,
        "expected_from_percent": least,
        "expected_to_percent": most,
        "effective_on": effective_on,
    }


def _check_points(terms: Terms) -> None:
    if terms.table is None:
        raise InvalidInput("An MQL definition needs its table of points.", field="points")
    try:
        PointTable.parse(terms.table.dump())
    except TableInvalid as error:
        raise InvalidInput(str(error), field=error.part) from error
    most = terms.table.most_points
    if terms.needed < 1:
        raise InvalidInput("Give the points from which a lead is an MQL: 1 or more.", field="needed")
    if terms.needed > most:
        message = f"No lead can reach {terms.needed} points: this table gives at most {most}."
        raise InvalidInput(message, field="needed")


def _check_criteria(terms: Terms) -> None:
    criteria = terms.criteria
    keys = [criterion.key for criterion in criteria]
    if not all(keys) or len(set(keys)) != len(keys):
        raise InvalidInput("Give each criterion a name of its own.", field="criteria")
    if not 1 <= len(criteria) <= frameworks.MOST_CRITERIA:
        raise InvalidInput(f"Name between 1 and {frameworks.MOST_CRITERIA} criteria.", field="criteria")
    for one in criteria:
        if len(one.name) > frameworks.LONGEST_NAME or len(one.asks) > frameworks.LONGEST_QUESTION:
            raise InvalidInput(
                f"{one.name[:40]}: keep the name to {frameworks.LONGEST_NAME} letters and the question to "
                f"{frameworks.LONGEST_QUESTION}.",
                field="criteria",
            )
    if terms.framework not in FRAMEWORKS:
        raise InvalidInput("Choose BANT, AN, ANUM or your own framework.", field="framework")
    if wrong := frameworks.mismatch(FRAMEWORKS[terms.framework], criteria):
        raise InvalidInput(wrong, field="framework")
    if not 1 <= terms.needed <= len(criteria):
        raise InvalidInput(f"Between 1 and {len(criteria)} of the criteria can be needed.", field="needed")
    if terms.expected is not None:
        least, most = terms.expected
        if not 0 <= least <= most <= 100:
            raise InvalidInput(
                "Give the expected close rate as two per cents in order, from 0 to 100.",
                field="expected_from",
            )
