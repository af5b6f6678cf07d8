"""How AEs are ranked: written as a draft, changed, put in force from a day to come. RevOps writes, managers see.

A version in force is never changed, and none takes effect on a day that has begun: so a ranking that was made
stays true, whatever is decided later.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from django.conf import settings
from django.db import transaction

from apps.audit import services as audit
from apps.core.errors import DomainError, InvalidInput
from apps.core.periods import day_of
from apps.leads.rules.metrics import METRICS
from apps.scorecards.models import Decides, PeerGroup, RankingPolicy
from apps.scorecards.models.ranking import default_weights
from apps.scorecards.selectors.ranking import FIRST_POLICY_ON

MAY_WEIGH = (*default_weights(), "deals_won", "hand_off_acceptance_rate")
"""Metrics of an AE that a policy may weigh."""
FEWEST_MONTHS, MOST_MONTHS = 2, 12
MOST_DAYS_TO_HOLD = 20


class NotADraft(DomainError):
    """It is in force or was: such a version is never changed."""

    code = "not_a_draft"


class DraftMovedOn(DomainError):
    """Somebody else changed the draft since it was read."""

    code = "draft_moved_on"


@dataclass(frozen=True)
class Draft:
    """What a policy says, as it is written. ``weights`` are whole percents by metric."""

    weights: Mapping[str, int] = field(default_factory=default_weights)
    floor: Decimal = Decimal("0.50")
    ceiling: Decimal = Decimal("1.50")
    up_at: Decimal = Decimal("1.20")
    down_at: Decimal = Decimal("0.80")
    least_closed: int = 5
    months: int = 3
    peer_group: str = PeerGroup.TEAM.value
    decides: str = Decides.RAW.value
    least_expected: Decimal = Decimal("2.00")
    least_in_cell: int = 10
    days_to_hold: int = 0
    note: str = ""


def draft_of(policy: RankingPolicy) -> Draft:
    """What ``policy`` says now, in the form in which it is written."""
    said = {name: getattr(policy, name) for name in Draft.__dataclass_fields__}
    return Draft(**{**said, "weights": dict(policy.weights)})


@transaction.atomic
def policy_for(*, day: date) -> RankingPolicy | None:
    """The policy in force on ``day``, locked against a second ranking; the first is made of the defaults.

    ``None`` where none was in force yet.
    """
    found = RankingPolicy.objects.select_for_update().in_force_on(day).first()
    if found is not None:
        return found
    RankingPolicy.objects.get_or_create(version=1, defaults={"effective_on": FIRST_POLICY_ON})
    return RankingPolicy.objects.select_for_update().in_force_on(day).first()


@transaction.atomic
def write_draft(*, draft: Draft, at: datetime, actor: Any = None) -> RankingPolicy:
    """A new draft; nobody is ranked by it yet. Raises ``InvalidInput`` naming the field."""
    policy = RankingPolicy(written_at=at, written_by=_person(actor))
    _say(policy, _checked(draft))
    policy.save()
    audit.record(
        verb="scorecards.ranking_policy.drafted", subject=policy, at=at, actor=actor, data=_as_data(policy)
    )
    return policy


@transaction.atomic
def change_draft(
    *, policy: RankingPolicy, draft: Draft, seen: datetime | None, at: datetime, actor: Any = None
) -> RankingPolicy:
    """Let a draft say something else. Writes nothing where nothing differs.

    ``seen`` is its ``written_at`` when the writer read it. Raises ``DraftMovedOn``, ``NotADraft``,
    ``InvalidInput``.
    """
    found = _draft(policy)
    if found.written_at != seen:
        raise DraftMovedOn("Somebody else changed this draft meanwhile. Open it again to see what it says.")
    checked = _checked(draft)
    if checked == draft_of(found):
        return found
    before = _as_data(found)
    _say(found, checked)
    found.written_at, found.written_by = at, _person(actor)
    found.save()
    now = _as_data(found)
    audit.record(
        verb="scorecards.ranking_policy.changed",
        subject=found,
        at=at,
        actor=actor,
        data={"changed": {name: [before[name], now[name]] for name in now if before[name] != now[name]}},
    )
    return found


@transaction.atomic
def drop_draft(*, policy: RankingPolicy, at: datetime, actor: Any = None) -> None:
    """Throw a draft away. Raises ``NotADraft``."""
    found = _draft(policy)
    audit.record(
        verb="scorecards.ranking_policy.dropped", subject=found, at=at, actor=actor, data=_as_data(found)
    )
    found.delete()


@transaction.atomic
def put_in_force(
    *, policy: RankingPolicy, effective_on: date, at: datetime, actor: Any = None
) -> RankingPolicy:
    """Let a draft decide from ``effective_on`` on; it gets the next version and is closed to changes.

    Raises ``InvalidInput`` for a day that has begun, or one before the version that was put in force last, and
    ``NotADraft``.
    """
    today = day_of(at, settings.COMPANY_TIME_ZONE)
    policy_for(day=today)
    # Locked in this order everywhere: the newest version, then the draft, so that two get two numbers.
    last = RankingPolicy.objects.select_for_update().exclude(version=None).order_by("-version")[0]
    found = _draft(policy)
    if effective_on <= today:
        raise InvalidInput(
            "Choose tomorrow or a later day: rankings that were made stay as they are.", field="effective_on"
        )
    assert last.version is not None
    assert last.effective_on is not None
    if effective_on < last.effective_on:
        raise InvalidInput(
            f"Version {last.version} takes effect on {last.effective_on}: choose that day or a later one.",
            field="effective_on",
        )
    found.version = last.version + 1
    found.effective_on = effective_on
    found.put_in_force_at, found.put_in_force_by = at, _person(actor)
    found.save()
    audit.record(
        verb="scorecards.ranking_policy.put_in_force",
        subject=found,
        at=at,
        actor=actor,
        data={"version": found.version, "effective_on": effective_on.isoformat(), **_as_data(found)},
    )
    return found


def _person(actor: Any) -> Any:
    return actor if getattr(actor, "pk", None) else None


def _draft(policy: RankingPolicy) -> RankingPolicy:
    found = RankingPolicy.objects.select_for_update().filter(pk=policy.pk).first()
    if found is None or not found.is_draft:
        raise NotADraft("A version that was put in force is never changed. Write a new draft from it.")
    return found


def _say(policy: RankingPolicy, draft: Draft) -> None:
    for name in Draft.__dataclass_fields__:
        setattr(policy, name, getattr(draft, name))


def _as_data(policy: RankingPolicy) -> dict[str, Any]:
    said = asdict(draft_of(policy))
    return {name: str(value) if isinstance(value, Decimal) else value for name, value in said.items()}


# --- What may be said ---------------------------------------------------------------------------------


def _checked(draft: Draft) -> Draft:
    """The draft as it is kept; raises ``InvalidInput`` naming the field that cannot be so."""
    weights = _checked_weights(draft.weights)
    two = Decimal("0.01")
    floor, ceiling, up_at, down_at, least = (
        value.quantize(two)
        for value in (draft.floor, draft.ceiling, draft.up_at, draft.down_at, draft.least_expected)
    )
    for field_name, holds, message in (
        ("floor", 0 <= floor < 1, "The average of 1.00 lies above the lower bound: give 0.00 to 0.99."),
        ("ceiling", 1 < ceiling <= 10, "The average of 1.00 lies below the upper bound: give 1.01 to 10."),
        ("up_at", 1 < up_at <= ceiling, "The edge upward lies above the average of 1.00, up to the bound."),
        (
            "down_at",
            floor <= down_at < 1,
            "The edge downward lies below the average of 1.00, from the bound.",
        ),
        (
            "months",
            FEWEST_MONTHS <= draft.months <= MOST_MONTHS,
            f"Give {FEWEST_MONTHS} to {MOST_MONTHS} months: never a single one.",
        ),
        ("least_closed", 0 <= draft.least_closed <= 500, "Give a number from 0 to 500."),
        ("least_expected", Decimal("0.5") <= least <= 500, "Give a number from 0.5 to 500."),
        ("least_in_cell", 1 <= draft.least_in_cell <= 500, "Give a number from 1 to 500."),
        (
            "days_to_hold",
            0 <= draft.days_to_hold <= MOST_DAYS_TO_HOLD,
            f"Give 0 to {MOST_DAYS_TO_HOLD} days.",
        ),
        ("peer_group", draft.peer_group in PeerGroup.values, "Choose who is compared with whom."),
        ("decides", draft.decides in Decides.values, "Choose which index decides."),
        ("note", len(draft.note.strip()) <= 300, "Write at most 300 characters."),
    ):
        if not holds:
            raise InvalidInput(message, field=field_name)
    return replace(
        draft,
        weights=weights,
        floor=floor,
        ceiling=ceiling,
        up_at=up_at,
        down_at=down_at,
        least_expected=least,
        note=draft.note.strip(),
    )


def _checked_weights(weights: Mapping[str, int]) -> dict[str, int]:
    unknown = sorted(set(weights) - (set(MAY_WEIGH) & set(METRICS)))
    if unknown:
        raise InvalidInput(f"AEs cannot be ranked by {', '.join(unknown)}.", field="weights")
    total = sum(weights.values())
    if len(weights) != 5:
        raise InvalidInput(f"A ranking has five metrics; {len(weights)} are weighed here.", field="weights")
    if total != 100 or min(weights.values()) <= 0:
        raise InvalidInput(f"The weights make 100 percent together; these make {total}.", field="weights")
    return dict(weights)


def earliest_day(*, at: datetime) -> date:
    """The first day from which a draft can be put in force."""
    last = RankingPolicy.objects.exclude(version=None).order_by("-version").first()
    tomorrow = day_of(at, settings.COMPANY_TIME_ZONE) + timedelta(days=1)
    return max(tomorrow, last.effective_on) if last and last.effective_on else tomorrow
