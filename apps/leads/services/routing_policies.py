"""Routing policies: write a draft, change its rules and their order, switch it on from a moment, put it away, end it.

A version that was switched on never changes: what a kept decision was made by can be read for ever. A change is a
new version, begun as a copy.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import Max, Q

from apps.audit import services as audit
from apps.core import locks
from apps.core.errors import DomainError, InvalidInput
from apps.leads.models import RoutingPolicy, RoutingRule
from apps.leads.rules.routing.policies import MOST_RULES, RuleInvalid, parse_rule, terms_of
from apps.leads.selectors.routing import rule_of
from apps.reps.models import Rep, Team


class PolicyMovedOn(DomainError):
    """Somebody else changed the draft since it was read."""

    code = "policy_moved_on"


class NotADraft(DomainError):
    """The version was switched on or put away: it does not change any more."""

    code = "not_a_draft"


class InvalidRule(InvalidInput):
    """A rule that cannot be so: ``field`` is the part, ``index`` its row from 0, ``row_field`` the row's field."""

    code = "invalid_rule"

    def __init__(self, error: RuleInvalid) -> None:
        super().__init__(error.message, field=error.part)
        self.index, self.row_field = error.index, error.field


# --- Drafts -----------------------------------------------------------------------------------------


@transaction.atomic
def create_policy(
    *, name: str, note: str = "", like: RoutingPolicy | None = None, at: datetime, actor: Any = None
) -> RoutingPolicy:
    """A new version as a draft, with the rules of ``like`` where given. Raises ``InvalidInput``."""
    locks.hold(["routing:policies"])
    number = (RoutingPolicy.objects.aggregate(last=Max("number"))["last"] or 0) + 1
    policy = RoutingPolicy(number=number, written_at=at, written_by=_person(actor))
    _describe(policy, name, note, at)
    policy.save()
    rules = list(like.rules.all()) if like else []
    RoutingRule.objects.bulk_create(
        [
            RoutingRule(
                policy=policy,
                position=position,
                name=one.name,
                method=one.method,
                conditions=one.conditions,
                terms=one.terms,
            )
            for position, one in enumerate(rules, 1)
        ]
    )
    _record("created", policy, at, actor, {"number": number, "like": like.number if like else None})
    return policy


@transaction.atomic
def describe_policy(
    *, policy: RoutingPolicy, name: str, note: str, at: datetime, actor: Any = None
) -> RoutingPolicy:
    """Name a draft, and say why it is written. Raises ``NotADraft``, ``InvalidInput``."""
    policy = _draft(policy)
    before = (policy.name, policy.note)
    _describe(policy, name, note, at)
    if before != (policy.name, policy.note):
        policy.save()
        _record("described", policy, at, actor, {"name": policy.name})
    return policy


def _describe(policy: RoutingPolicy, name: str, note: str, at: datetime) -> None:
    name, note = " ".join(name.split()), note.strip()
    if not 1 <= len(name) <= 80:
        raise InvalidInput("Give the policy a name of 80 characters at most.", field="name")
    if len(note) > 300:
        raise InvalidInput("Keep the note to 300 characters.", field="note")
    policy.name, policy.note, policy.changed_at = name, note, at


@transaction.atomic
def put_away(*, policy: RoutingPolicy, at: datetime, actor: Any = None) -> RoutingPolicy:
    """Give a draft up. A second click does nothing more. Raises ``NotADraft`` for one that was switched on."""
    policy = RoutingPolicy.objects.select_for_update().get(pk=policy.pk)
    if policy.state == RoutingPolicy.State.PUT_AWAY:
        return policy
    policy = _draft(policy)
    policy.state = RoutingPolicy.State.PUT_AWAY
    policy.save(update_fields=["state"])
    _record("put_away", policy, at, actor)
    return policy


# --- Rules of a draft -------------------------------------------------------------------------------


@transaction.atomic
def add_rule(
    *,
    policy: RoutingPolicy,
    name: str,
    method: str,
    conditions: Sequence[Any] = (),
    terms: Mapping[str, Any] | None = None,
    at: datetime,
    actor: Any = None,
) -> RoutingRule:
    """A further rule, asked last. Raises ``InvalidRule`` naming row and field, ``NotADraft``."""
    policy = _draft(policy)
    if policy.rules.count() >= MOST_RULES:
        raise InvalidInput(f"Keep to {MOST_RULES} rules at most.")
    rule = RoutingRule(policy=policy, position=policy.rules.count() + 1)
    _write(rule, name, method, conditions, terms or {})
    _touch(policy, at)
    _record("rule_added", policy, at, actor, {"rule": rule.name, "method": rule.method})
    return rule


@transaction.atomic
def change_rule(
    *,
    rule: RoutingRule,
    name: str,
    method: str,
    conditions: Sequence[Any],
    terms: Mapping[str, Any],
    seen: datetime,
    at: datetime,
    actor: Any = None,
) -> RoutingRule:
    """Let a rule say something else. ``seen`` is the draft's ``changed_at`` when it was read.

    Raises ``PolicyMovedOn`` when it was changed since, else what ``add_rule`` raises.
    """
    policy = _draft(rule.policy)
    if policy.changed_at != seen:
        raise PolicyMovedOn("Somebody else changed this draft meanwhile. Open it again to see what it says.")
    rule = RoutingRule.objects.get(pk=rule.pk)
    _write(rule, name, method, conditions, terms)
    _touch(policy, at)
    _record("rule_changed", policy, at, actor, {"rule": rule.name, "method": rule.method})
    return rule


@transaction.atomic
def move_rule(*, rule: RoutingRule, place: int, at: datetime, actor: Any = None) -> RoutingRule:
    """Ask it as number ``place`` (from 1). Safe to repeat: the place is absolute."""
    policy = _draft(rule.policy)
    ordered = list(policy.rules.order_by("position", "pk"))
    rule = next(one for one in ordered if one.pk == rule.pk)
    was = ordered.index(rule) + 1
    place = max(1, min(place, len(ordered)))
    if was != place:
        ordered.remove(rule)
        ordered.insert(place - 1, rule)
        _number(ordered)
        _touch(policy, at)
        _record("rule_moved", policy, at, actor, {"rule": rule.name, "from": was, "to": place})
    return rule


@transaction.atomic
def remove_rule(*, rule: RoutingRule, at: datetime, actor: Any = None) -> None:
    """Take a rule out of a draft."""
    policy = _draft(rule.policy)
    if RoutingRule.objects.filter(pk=rule.pk).delete()[0]:
        _number(list(policy.rules.order_by("position", "pk")))
        _touch(policy, at)
        _record("rule_removed", policy, at, actor, {"rule": rule.name})


def _write(
    rule: RoutingRule, name: str, method: str, conditions: Sequence[Any], terms: Mapping[str, Any]
) -> None:
    try:
        parsed = parse_rule(name=name, method=method, conditions=conditions, terms=terms)
    except RuleInvalid as error:
        raise InvalidRule(error) from None
    _check_people(parsed.names, parsed.teams)
    others = rule.policy.rules.exclude(pk=rule.pk)
    if others.filter(name__iexact=parsed.name).exists():
        raise InvalidInput("Another rule of this version has this name.", field="name")
    rule.name, rule.method = parsed.name, parsed.method.value
    rule.conditions = [one.as_dict() for one in parsed.conditions]
    rule.terms = terms_of(parsed)
    try:
        with transaction.atomic():
            rule.save()
    except IntegrityError:
        raise InvalidInput("Another rule of this version has this name.", field="name") from None


def _check_people(reps: set[int], teams: set[int]) -> None:
    known = set(Rep.objects.aes().filter(pk__in=reps).values_list("pk", flat=True))
    if reps - known:
        raise InvalidInput("Choose among the AEs.", field="pool")
    if teams - set(Team.objects.filter(pk__in=teams).values_list("pk", flat=True)):
        raise InvalidInput("Choose among the teams.", field="pool")


def _number(ordered: Sequence[RoutingRule]) -> None:
    for number, one in enumerate(ordered, 1):
        if one.position != number:
            one.position = number
            one.save(update_fields=["position"])


# --- Switching on -----------------------------------------------------------------------------------


@transaction.atomic
def switch_on(
    *, policy: RoutingPolicy, at: datetime, from_at: datetime | None = None, actor: Any = None
) -> RoutingPolicy:
    """Let a draft decide from ``from_at`` on (at once when left out); what decided until then ends there.

    A version that begins later still does. Raises ``NotADraft``, ``InvalidInput`` for a moment that is past
    or a draft without a rule.
    """
    locks.hold(["routing:policies"])
    policy = _draft(policy)
    begins = from_at or at
    if begins < at:
        raise InvalidInput("Choose a moment that is still to come, or leave it empty.", field="from_at")
    rules = list(policy.rules.all())
    if not rules:
        raise InvalidInput("Write a rule first: without one nothing differs from the best available.")
    for one in rules:
        rule_of(one)
    others = RoutingPolicy.objects.filter(state=RoutingPolicy.State.ON)
    lasting = others.filter(Q(until_at__isnull=True) | Q(until_at__gt=begins))
    lasting.filter(from_at__lte=begins).update(until_at=begins)
    policy.state = RoutingPolicy.State.ON
    policy.switched_on_at, policy.switched_on_by = at, _person(actor)
    policy.from_at = begins
    policy.until_at = (
        others.filter(from_at__gt=begins).order_by("from_at").values_list("from_at", flat=True).first()
    )
    policy.save()
    _record("switched_on", policy, at, actor, {"from_at": begins.isoformat(), "rules": len(rules)})
    return policy


@transaction.atomic
def end(*, policy: RoutingPolicy, at: datetime, actor: Any = None) -> RoutingPolicy:
    """Let a version decide no longer; the best available does until another begins. A second click does nothing more.

    One that has not begun is taken back with it. Raises ``NotADraft`` for one that was never switched on.
    """
    locks.hold(["routing:policies"])
    policy = RoutingPolicy.objects.select_for_update().get(pk=policy.pk)
    if policy.state != RoutingPolicy.State.ON or policy.from_at is None:
        raise NotADraft("This version was never switched on, so there is nothing to end.")
    if policy.until_at is not None and policy.until_at <= at:
        return policy
    if policy.from_at > at:
        # Whoever was to end when it begins goes on.
        RoutingPolicy.objects.filter(until_at=policy.from_at).exclude(pk=policy.pk).update(
            until_at=policy.until_at
        )
    policy.until_at = max(at, policy.from_at)
    policy.save(update_fields=["until_at"])
    _record("ended", policy, at, actor)
    return policy


# --- Parts ------------------------------------------------------------------------------------------


def _draft(policy: RoutingPolicy) -> RoutingPolicy:
    """The row, locked, if it may still be changed."""
    policy = RoutingPolicy.objects.select_for_update().get(pk=policy.pk)
    if policy.state != RoutingPolicy.State.DRAFT:
        raise NotADraft("This version does not change any more. Begin a new one as its copy.")
    return policy


def _touch(policy: RoutingPolicy, at: datetime) -> None:
    policy.changed_at = at
    policy.save(update_fields=["changed_at"])


def _person(actor: Any) -> Any:
    return actor if getattr(actor, "pk", None) else None


def _record(
    act: str, policy: RoutingPolicy, at: datetime, actor: Any, data: dict[str, Any] | None = None
) -> None:
    audit.record(verb=f"leads.routing_policy.{act}", subject=policy, at=at, actor=actor, data=data)
