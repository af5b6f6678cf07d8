"""Write a rule that shares credit, approve it with four eyes, end it. What is recorded from then on follows it."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from django.db import transaction

from apps.audit import services as audit
from apps.core.errors import DomainError, InvalidInput
from apps.leads.models import Capacity, CreditRule
from apps.leads.rules.conditions import ConditionsInvalid, parse_conditions
from apps.leads.rules.credit_rules import KINDS, parse_shares
from apps.reps.models import Rep


class UnableToChangeRule(DomainError):
    """It is approved, or it is not, or its author would approve it."""

    code = "unable_to_change_rule"


@dataclass(frozen=True)
class RuleTerms:
    """What a rule says; ``conditions`` and ``shares`` as ``rules.conditions`` and ``rules.credit_rules`` keep them."""

    name: str
    capacity: Capacity
    kinds: Sequence[str]
    shares: Sequence[dict[str, Any]]
    starts_on: date
    conditions: Sequence[dict[str, Any]] = field(default=())
    ends_on: date | None = None
    position: int = 10
    note: str = ""


def _checked(terms: RuleTerms) -> dict[str, Any]:
    """The columns of a rule. Raises ``InvalidInput`` that names the field."""
    name = terms.name.strip()
    if not 0 < len(name) <= 80:
        raise InvalidInput(
            "Give it a name of at most 80 characters: it stands beside every credit it shares.", field="name"
        )
    kinds = [kind for kind in KINDS if kind in set(terms.kinds)]
    if not kinds or len(kinds) < len(set(terms.kinds)):
        raise InvalidInput(f"Choose among {', '.join(KINDS)}.", field="kinds")
    if terms.capacity not in Capacity.values:
        raise InvalidInput("Choose what is shared: sourcing or owning.", field="capacity")
    shares = parse_shares(terms.shares)
    named = {one.rep_id for one in shares if one.rep_id is not None}
    missing = named - set(Rep.objects.filter(pk__in=named).values_list("pk", flat=True))
    if missing:
        raise InvalidInput(f"There is no rep {min(missing)}.", field="shares")
    try:
        conditions = parse_conditions(list(terms.conditions))
    except ConditionsInvalid as error:
        raise InvalidInput(str(error), field="conditions") from error
    if terms.ends_on is not None and terms.ends_on <= terms.starts_on:
        raise InvalidInput("It ends after it begins.", field="ends_on")
    if not 1 <= terms.position <= 999:
        raise InvalidInput("Give a place from 1 to 999.", field="position")
    if len(terms.note) > 300:
        raise InvalidInput("Keep the note to 300 characters.", field="note")
    return {
        "name": name,
        "capacity": terms.capacity,
        "kinds": kinds,
        "conditions": [one.as_dict() for one in conditions],
        "shares": [one.as_dict() for one in shares],
        "position": terms.position,
        "starts_on": terms.starts_on,
        "ends_on": terms.ends_on,
        "note": terms.note.strip(),
    }


@transaction.atomic
def draft_rule(*, terms: RuleTerms, at: datetime, actor: Any) -> CreditRule:
    """Write a rule down; it counts once somebody else approved it. Raises ``InvalidInput``."""
    rule = CreditRule.objects.create(**_checked(terms), author=actor, written_at=at)
    audit.record(verb="leads.credit_rule.drafted", subject=rule, at=at, actor=actor)
    return rule


@transaction.atomic
def change_draft(*, rule: CreditRule, terms: RuleTerms, at: datetime, actor: Any) -> CreditRule:
    """Write a draft anew; who changes it is its author now. Raises ``InvalidInput``, ``UnableToChangeRule``."""
    rule = _held(rule)
    if rule.is_approved:
        raise UnableToChangeRule("An approved rule is not changed: end it and write the next.")
    for name, value in _checked(terms).items():
        setattr(rule, name, value)
    rule.author, rule.written_at = actor, at
    rule.save()
    audit.record(verb="leads.credit_rule.changed", subject=rule, at=at, actor=actor)
    return rule


@transaction.atomic
def approve_rule(*, rule: CreditRule, at: datetime, actor: Any) -> CreditRule:
    """Put a draft in force. Raises ``UnableToChangeRule`` for its author, and when it is approved."""
    rule = _held(rule)
    if rule.is_approved:
        raise UnableToChangeRule("This rule is approved already.")
    if rule.author_id == actor.pk:
        raise UnableToChangeRule("Who wrote a rule does not approve it.")
    if any(rep.user_id == actor.pk for rep in _named(rule)):
        raise UnableToChangeRule("Who gets a share by name does not approve it.")
    rule.approver, rule.approved_at = actor, at
    rule.save(update_fields=["approver", "approved_at"])
    audit.record(verb="leads.credit_rule.approved", subject=rule, at=at, actor=actor)
    return rule


@transaction.atomic
def end_rule(*, rule: CreditRule, ends_on: date, today: date, at: datetime, actor: Any) -> CreditRule:
    """From ``ends_on`` it shares nothing more. Raises ``InvalidInput``, ``UnableToChangeRule``."""
    rule = _held(rule)
    if not rule.is_approved:
        raise UnableToChangeRule("A draft shares nothing yet: change it, or leave it.")
    if rule.ended_by_id is not None:
        raise UnableToChangeRule("This rule was ended before.")
    if ends_on < max(today, rule.starts_on) or (rule.ends_on is not None and ends_on > rule.ends_on):
        raise InvalidInput("Choose a day from today on, before it ends by itself.", field="ends_on")
    rule.ends_on, rule.ended_by = ends_on, actor
    rule.save(update_fields=["ends_on", "ended_by"])
    audit.record(
        verb="leads.credit_rule.ended",
        subject=rule,
        at=at,
        actor=actor,
        data={"ends_on": ends_on.isoformat()},
    )
    return rule


def _held(rule: CreditRule) -> CreditRule:
    return CreditRule.objects.select_for_update(of=("self",)).get(pk=rule.pk)


def _named(rule: CreditRule) -> list[Rep]:
    ids = [one.rep_id for one in parse_shares(rule.shares) if one.rep_id is not None]
    return list(Rep.objects.filter(pk__in=ids))
