"""Policies: made, changed, ordered, switched on, retired; as terms to match with; and what a company starts with.

A change moves no clock that runs: each copied its terms when it started (``services.clocks``).
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import Any

from django.db import IntegrityError, transaction

from apps.audit import services as audit
from apps.core.errors import DomainError, InvalidInput
from apps.leads.models import Channel
from apps.leads.rules.conditions import ConditionsInvalid, parse_conditions
from apps.slas.models import Policy
from apps.slas.rules import in_words
from apps.slas.rules.escalation import BY_POLICY, StepsInvalid, default_steps, parse_steps
from apps.slas.rules.promises import Terms

_A_DAY = 480
LONGEST_MINUTES = 250 * _A_DAY
"""About a year of business days."""
MOST_TOUCHES, MOST_DAYS = 50, 250


class NameTaken(InvalidInput):
    """Another policy has this name."""

    code = "name_taken"


class InvalidConditions(InvalidInput):
    """A condition that cannot be used: ``index`` counts from 0, ``row_field`` is its key."""

    code = "invalid_conditions"

    def __init__(self, error: ConditionsInvalid) -> None:
        super().__init__(str(error), field="conditions")
        self.index, self.row_field, self.row_message = error.index, error.field, error.message


class InvalidSteps(InvalidInput):
    """A step that cannot be used: ``index`` counts from 0, ``row_field`` is its key."""

    code = "invalid_steps"

    def __init__(self, error: StepsInvalid) -> None:
        super().__init__(str(error), field="steps")
        self.index, self.row_field, self.row_message = error.index, error.field, error.message


class PolicyMovedOn(DomainError):
    """Somebody else changed the policy since it was read."""

    code = "policy_moved_on"


class UnableToSwitch(DomainError):
    """The policy is in a state that allows no such act."""

    code = "unable_to_switch"


@dataclass(frozen=True)
class Draft:
    """What a policy says, as it is written; ``conditions`` and ``steps`` are rows as JSON keeps them.

    Targets are business minutes, ``None`` promises nothing; ``touch_days`` are business days.
    """

    name: str
    conditions: Sequence[Any] = ()
    first_response_minutes: int | None = None
    touch_count: int | None = None
    touch_days: int | None = None
    touch_channels: Sequence[str] = ()
    disposition_minutes: int | None = None
    ae_answer_minutes: int | None = None
    warn_percent: int = 70
    steps: Sequence[Any] = ()
    ae_fallback: str = Policy.Fallback.NONE.value


# --- Writing --------------------------------------------------------------------------------------


@transaction.atomic
def create_policy(*, draft: Draft, place: int | None = None, at: datetime, actor: Any = None) -> Policy:
    """A new policy that is not in force yet, asked as number ``place`` (from 1; ``None`` is last).

    Raises ``NameTaken``, ``InvalidConditions`` and ``InvalidSteps`` naming row and field, ``InvalidInput``.
    """
    policy = Policy(state=Policy.State.DRAFT, position=0)
    _write(policy, draft, at, actor)
    ordered = _ordered(but=policy)
    _put(ordered, policy, place, at)
    audit.record(
        verb="slas.policy.created",
        subject=policy,
        at=at,
        actor=actor,
        data={"says": in_words.described(terms_of(policy)), "place": policy.position},
    )
    return policy


@transaction.atomic
def change_policy(
    *, policy: Policy, draft: Draft, seen: datetime | None, at: datetime, actor: Any = None
) -> Policy:
    """Let it say something else; clocks that run keep what they copied. Writes nothing where nothing differs.

    ``seen`` is its ``changed_at`` when the writer read it: raises ``PolicyMovedOn`` when it was changed since,
    else what ``create_policy`` raises, and ``UnableToSwitch`` for a retired one.
    """
    policy = Policy.objects.select_for_update().get(pk=policy.pk)
    if policy.state == Policy.State.RETIRED:
        raise UnableToSwitch("A retired policy is not changed any more. Take it up again first.")
    if policy.changed_at != seen:
        raise PolicyMovedOn("Somebody else changed this policy meanwhile. Open it again to see what it says.")
    before = terms_of(policy)
    if _normal(draft) == draft_of(policy):
        return policy
    _write(policy, draft, at, actor)
    was, now = in_words.described(before), in_words.described(terms_of(policy))
    audit.record(
        verb="slas.policy.changed",
        subject=policy,
        at=at,
        actor=actor,
        data={"changed": {word: [was[word], now[word]] for word in was if was[word] != now[word]}},
    )
    return policy


@transaction.atomic
def move_policy(*, policy: Policy, place: int, at: datetime, actor: Any = None) -> Policy:
    """Ask it as number ``place`` of those that are not retired (from 1). Safe to repeat: the place is absolute."""
    policy = Policy.objects.get(pk=policy.pk)
    if policy.state == Policy.State.RETIRED:
        raise UnableToSwitch("A retired policy is not asked, so it has no place.")
    ordered = _ordered()
    was = [one.pk for one in ordered].index(policy.pk) + 1
    policy = next(one for one in ordered if one.pk == policy.pk)
    place = max(1, min(place, len(ordered)))
    if was != place:
        _put([one for one in ordered if one.pk != policy.pk], policy, place, at)
        audit.record(
            verb="slas.policy.moved", subject=policy, at=at, actor=actor, data={"from": was, "to": place}
        )
    return policy


@transaction.atomic
def switch_on(*, policy: Policy, at: datetime, actor: Any = None) -> Policy:
    """Ask it from now on; one that was retired comes back as the last. A second click does nothing more."""
    policy = Policy.objects.select_for_update().get(pk=policy.pk)
    if policy.state == Policy.State.ON:
        return policy
    was = policy.state
    policy.state = Policy.State.ON
    policy.save(update_fields=["state"])
    if was == Policy.State.RETIRED:
        _put(_ordered(but=policy), policy, None, at)
    audit.record(
        verb="slas.policy.switched_on", subject=policy, at=at, actor=actor, data={"place": policy.position}
    )
    return policy


@transaction.atomic
def retire(*, policy: Policy, at: datetime, actor: Any = None) -> Policy:
    """Ask it no more, or put a draft away; the clocks that it started run on. A second click does nothing more."""
    if (
        Policy.objects.filter(pk=policy.pk)
        .exclude(state=Policy.State.RETIRED)
        .update(state=Policy.State.RETIRED)
    ):
        audit.record(verb="slas.policy.retired", subject=policy, at=at, actor=actor)
        _number(_ordered())
    policy.refresh_from_db()
    return policy


def _ordered(but: Policy | None = None) -> list[Policy]:
    """Those that have a place, in order, locked: two who order at once do so one after the other."""
    found = Policy.objects.select_for_update().exclude(state=Policy.State.RETIRED)
    # Locked by id, so that no two lock the same rows crosswise.
    rows = sorted(found.order_by("pk"), key=lambda one: (one.position, one.pk))
    return [one for one in rows if but is None or one.pk != but.pk]


def _put(ordered: list[Policy], policy: Policy, place: int | None, at: datetime) -> None:
    index = len(ordered) if place is None else max(0, min(place - 1, len(ordered)))
    _number([*ordered[:index], policy, *ordered[index:]])


def _number(ordered: Sequence[Policy]) -> None:
    for number, one in enumerate(ordered, 1):
        if one.position != number:
            one.position = number
            one.save(update_fields=["position"])


# --- What may be said -------------------------------------------------------------------------------


def _write(policy: Policy, draft: Draft, at: datetime, actor: Any) -> None:
    for name, value in asdict(_normal(draft)).items():
        setattr(policy, name, list(value) if isinstance(value, tuple) else value)
    policy.changed_at = at
    policy.changed_by = actor if getattr(actor, "pk", None) else None
    if Policy.objects.filter(name=policy.name).exclude(pk=policy.pk).exists():
        raise NameTaken("Another policy has this name.", field="name")
    try:
        with transaction.atomic():
            policy.save()
    except IntegrityError:
        raise NameTaken("Another policy has this name.", field="name") from None


def draft_of(policy: Policy) -> Draft:
    """What the policy says now, in the form in which it is written."""
    return Draft(
        name=policy.name,
        conditions=tuple(policy.conditions),
        first_response_minutes=policy.first_response_minutes,
        touch_count=policy.touch_count,
        touch_days=policy.touch_days,
        touch_channels=tuple(policy.touch_channels),
        disposition_minutes=policy.disposition_minutes,
        ae_answer_minutes=policy.ae_answer_minutes,
        warn_percent=policy.warn_percent,
        steps=tuple(policy.steps),
        ae_fallback=policy.ae_fallback,
    )


def _normal(draft: Draft) -> Draft:
    """The draft as it is kept; raises ``InvalidInput`` naming the field that cannot be so."""
    name = draft.name.strip()
    if not 1 <= len(name) <= 80:
        raise InvalidInput("Give the policy a name of 80 characters at most.", field="name")
    try:
        conditions = parse_conditions(draft.conditions)
    except ConditionsInvalid as error:
        raise InvalidConditions(error) from None
    try:
        steps = parse_steps(draft.steps, acts=BY_POLICY)
    except StepsInvalid as error:
        raise InvalidSteps(error) from None
    _check_targets(draft)
    _check_touches(draft)
    if not 1 <= draft.warn_percent <= 100:
        raise InvalidInput("Give a percentage from 1 to 100.", field="warn_percent")
    if draft.ae_fallback not in Policy.Fallback.values:
        raise InvalidInput("Choose what follows.", field="ae_fallback")
    if draft.ae_fallback != Policy.Fallback.NONE and draft.ae_answer_minutes is None:
        raise InvalidInput(
            "Promise the AE’s answer first: nothing follows a silence without one.", field="ae_fallback"
        )
    return replace(
        draft,
        name=name,
        conditions=tuple(one.as_dict() for one in conditions),
        steps=tuple(one.as_dict() for one in steps),
        touch_channels=tuple(one for one in Channel.values if one in draft.touch_channels),
    )


def _check_targets(draft: Draft) -> None:
    for field in ("first_response_minutes", "disposition_minutes", "ae_answer_minutes"):
        value = getattr(draft, field)
        if value is not None and not 0 <= value <= LONGEST_MINUTES:
            raise InvalidInput(f"Keep it within {LONGEST_MINUTES // _A_DAY} business days.", field=field)


def _check_touches(draft: Draft) -> None:
    count, days = draft.touch_count, draft.touch_days
    if (count is None) != (days is None):
        missing = "touch_count" if count is None else "touch_days"
        raise InvalidInput(
            "Give both the number of touches and the days for them, or neither.", field=missing
        )
    if count is None or days is None:
        if draft.touch_channels:
            raise InvalidInput("Say how many touches are promised over these channels.", field="touch_count")
        return
    if not 1 <= count <= MOST_TOUCHES:
        raise InvalidInput(f"Give a number from 1 to {MOST_TOUCHES}.", field="touch_count")
    if not 1 <= days <= MOST_DAYS:
        raise InvalidInput(f"Give a number of business days from 1 to {MOST_DAYS}.", field="touch_days")
    if not set(draft.touch_channels) <= set(Channel.values):
        raise InvalidInput("Choose among the channels.", field="touch_channels")
    if len(set(draft.touch_channels)) > count:
        raise InvalidInput(
            f"{len(set(draft.touch_channels))} channels cannot all be among {count} touch{'' if count == 1 else 'es'}.",
            field="touch_channels",
        )


# --- Reading ----------------------------------------------------------------------------------------


def terms_of(policy: Policy) -> Terms:
    """The policy as the plain value that ``rules.promises`` matches with."""
    return Terms(
        policy_id=policy.pk,
        name=policy.name,
        conditions=parse_conditions(policy.conditions),
        first_response_minutes=policy.first_response_minutes,
        touch_count=policy.touch_count,
        touch_days=policy.touch_days,
        touch_channels=tuple(policy.touch_channels),
        disposition_minutes=policy.disposition_minutes,
        ae_answer_minutes=policy.ae_answer_minutes,
        warn_percent=policy.warn_percent,
        steps=parse_steps(policy.steps),
        fallback=policy.ae_fallback,
    )


def terms_in_force() -> list[Terms]:
    """All policies that are switched on, in the order in which they are asked. One statement."""
    return [terms_of(policy) for policy in Policy.objects.in_force()]


def _inbound(*scores: str) -> list[dict]:
    rows: list[dict] = [{"field": "score", "operator": "in", "value": list(scores)}] if scores else []
    return [*rows, {"field": "motion", "operator": "in", "value": ["inbound"]}]


DEFAULTS = (
    {
        "name": "Inbound, score A",
        "conditions": _inbound("A"),
        "first_response_minutes": 30,
        "touch_count": 6,
        "touch_days": 10,
        "touch_channels": ["call", "email"],
        "ae_answer_minutes": 240,
    },
    {
        "name": "Inbound, score B",
        "conditions": _inbound("B"),
        "first_response_minutes": 60,
        "touch_count": 5,
        "touch_days": 10,
        "ae_answer_minutes": 240,
    },
    {
        "name": "Inbound, other scores",
        "conditions": _inbound(),
        "first_response_minutes": _A_DAY,
        "ae_answer_minutes": _A_DAY,
    },
    {
        "name": "Outbound",
        "conditions": [{"field": "motion", "operator": "in", "value": ["outbound"]}],
        "ae_answer_minutes": _A_DAY,
    },
)
"""Targets in business minutes; a day of touches is a business day."""


@transaction.atomic
def put_defaults() -> int:
    """Create the defaults, switched on, where there is no policy at all; how many. Safe to repeat."""
    if Policy.objects.exists():
        return 0
    steps = [step.as_dict() for step in default_steps()]
    made = Policy.objects.bulk_create(
        [
            Policy(position=position, state=Policy.State.ON, steps=steps, **one)
            for position, one in enumerate(DEFAULTS, 1)
        ]
    )
    return len(made)
