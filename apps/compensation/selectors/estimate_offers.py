"""What a rep can suppose: own open deals as they stand, or events as typed; and either as supposed events.

A deal goes step by step (``rules.suppositions``), each credited to whom the services would credit: the SDR who
sourced it, and who owns it.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from fractions import Fraction
from typing import Any

from django.conf import settings
from django.db.models import Q

from apps.compensation.rules.events import WHOLE_SHARE
from apps.compensation.rules.suppositions import WAITING, Asked, asked_by, outcomes_from, steps_to
from apps.compensation.rules.vocabulary import Scope
from apps.compensation.selectors.circles import Circles
from apps.compensation.selectors.courses import Course
from apps.compensation.selectors.supposed import FIRST_NUMBER, Deal, SupposedCredit, SupposedEvent
from apps.core.errors import DomainError
from apps.core.periods import Period, day_start
from apps.leads.models import (
    Capacity,
    EventCredit,
    EventKind,
    FunnelEvent,
    HandOff,
    Lead,
    Meeting,
    Opportunity,
    OpportunityStage,
)
from apps.leads.selectors.credit_rules import Part, RuleInForce, rules_in_force, shared
from apps.reps.models import Rep

MOST_DEALS = 40
MOST_OF_A_KIND = 200
AHEAD = timedelta(days=366)
"""So far from today, both ways, something can be supposed."""

PAID_FOR_AFTER = timedelta(days=366)
"""So long after a win its payment can still be supposed."""


@dataclass(frozen=True)
class Offer:
    """A deal that something can be supposed of. ``reached`` is the last step of its path that happened."""

    key: str
    name: str
    stands: str
    reached: str
    currency: str
    amount_minor: int | None
    expected_on: date | None
    outcomes: list[tuple[str, str]]
    credits: tuple[SupposedCredit, ...]
    deals: tuple[Deal, ...]
    facts: Mapping[str, Any]
    is_exploration: bool = False
    is_no_show: bool = False
    meeting_ahead: bool = False
    won_event: int | None = None
    lead: Lead | None = None
    hand_off: HandOff | None = None
    opportunity: Opportunity | None = None


@dataclass(frozen=True)
class Step:
    """How far an offer is supposed to go, on which day, for how much."""

    offer: Offer
    outcome: str
    on: date
    amount_minor: int | None
    figures: Mapping[str, Fraction] = field(default_factory=dict)
    label: str = ""


@dataclass(frozen=True)
class Typed:
    """Events that were typed: ``count`` of a kind, each for ``amount_minor``."""

    kind: str
    count: int
    on: date
    amount_minor: int | None
    currency: str
    figures: Mapping[str, Fraction] = field(default_factory=dict)
    facts: Mapping[str, Any] = field(default_factory=dict)
    label: str = ""
    name: str = ""


def asked_of(course: Course, today: date) -> Asked:
    """What the rep's plans of the next two months ask for. Raises ``NoPlanInForce``."""
    ahead = Period(today, today + timedelta(days=62))
    return asked_by(one.plan for one in course.inputs(ahead).of(course.rep_id))


def currency_of(course: Course, today: date) -> str:
    """What the rep's plan of the next months pays in; ``""`` without one."""
    ahead = Period(today, today + timedelta(days=62))
    return next((one.plan.currency for one in course.inputs(ahead).of(course.rep_id)), "")


def in_names(error: DomainError, events: list[SupposedEvent]) -> str:
    """A refusal with what was supposed called by its name instead of by a number."""
    message = error.message
    for number, event in enumerate(events, FIRST_NUMBER):
        for said in (f"Event {number}", f"event {number}"):
            message = message.replace(said, f"“{event.name}”" if event.name else "what you supposed")
    return message


# --- Deals ----------------------------------------------------------------------------------------


def offers(*, user: Any, rep: Rep, asked: Asked, at: datetime) -> list[Offer]:
    """The deals of ``rep`` that ``user`` sees, those that close first leading: at most ``MOST_DEALS``."""
    whose = {rep.pk}
    if asked.of_others:
        whose |= set(Circles().of(rep.pk, Scope.MANAGED))
    found = [*_opportunities(user, whose, asked, at), *_hand_offs(user, whose, asked)]
    missed = _missed({pk for one in found for what, pk in one.deals if what == "hand_off"})
    found = [one if not missed.intersection(one.deals) else replace(one, is_no_show=True) for one in found]
    found.sort(key=lambda one: (one.expected_on or date.max, one.name, one.key))
    return found[:MOST_DEALS]


def _opportunities(user: Any, whose: set[int], asked: Asked, at: datetime) -> list[Offer]:
    stages = Q(stage__in=OpportunityStage.open_stages())
    if asked.payments:
        stages |= Q(stage=OpportunityStage.WON, closed_at__gte=at - PAID_FOR_AFTER, payments__isnull=True)
    rows = (
        Opportunity.objects.visible_to(user)
        .filter(Q(owner__in=whose) | Q(sourced_by__in=whose))
        .filter(stages)
        .select_related("lead", "hand_off__qualification", "hand_off__meeting")
        .order_by("expected_close_on", "-opened_at", "-pk")
        .distinct()[:MOST_DEALS]
    )
    opportunities = list(rows)
    wins = _wins([one.pk for one in opportunities if one.stage == OpportunityStage.WON])
    return [_of_opportunity(one, asked, wins.get(one.pk)) for one in opportunities]


def _of_opportunity(
    one: Opportunity, asked: Asked, win: tuple[int, tuple[SupposedCredit, ...]] | None
) -> Offer:
    hand_off = one.hand_off
    ahead = _meeting_ahead(hand_off)
    deals: tuple[Deal, ...] = (("opportunity", one.pk),)
    deals += (("hand_off", hand_off.pk),) if hand_off else ()
    return Offer(
        key=f"o{one.pk}",
        name=one.name,
        stands=one.get_stage_display(),
        reached=one.stage,
        currency=one.currency,
        amount_minor=one.amount_minor,
        expected_on=one.expected_close_on,
        outcomes=outcomes_from(one.stage, meeting_ahead=ahead, payments=asked.payments),
        credits=win[1] if win else _credits(one.sourced_by_id, one.owner_id),
        deals=deals,
        facts=_facts(one.lead, hand_off),
        is_exploration=bool(hand_off and hand_off.is_exploration),
        meeting_ahead=ahead,
        won_event=win[0] if win else None,
        lead=one.lead,
        hand_off=hand_off,
        opportunity=one,
    )


def _wins(opportunity_ids: list[int]) -> dict[int, tuple[int, tuple[SupposedCredit, ...]]]:
    """By opportunity, the win that holds and whom it credits."""
    if not opportunity_ids:
        return {}
    won = FunnelEvent.objects.filter(kind=EventKind.WON, opportunity__in=opportunity_ids).effective()
    found: dict[int, tuple[int, list[SupposedCredit]]] = {}
    rows = EventCredit.objects.filter(event__in=won).order_by("pk")
    for opportunity_id, event_id, rep_id, capacity, share in rows.values_list(
        "event__opportunity_id", "event_id", "rep_id", "capacity", "share"
    ):
        shares = found.setdefault(opportunity_id, (event_id, []))[1]
        shares.append(SupposedCredit(rep_id, capacity, share))
    return {pk: (event_id, tuple(shares)) for pk, (event_id, shares) in found.items()}


def _hand_offs(user: Any, whose: set[int], asked: Asked) -> list[Offer]:
    rows = (
        HandOff.objects.visible_to(user)
        .pending()
        .filter(Q(sdr__in=whose) | Q(ae__in=whose))
        .select_related("lead", "qualification", "meeting", "ae__team")
    )
    found = []
    for one in rows[:MOST_DEALS]:
        ahead = _meeting_ahead(one)
        found.append(
            Offer(
                key=f"h{one.pk}",
                name=one.lead.company or one.lead.label,
                stands="Waiting for the AE",
                reached=WAITING,
                currency=one.ae.team.currency,
                amount_minor=None,
                expected_on=one.meeting.starts_at.date() if one.meeting else None,
                outcomes=outcomes_from(WAITING, meeting_ahead=ahead, payments=asked.payments),
                credits=_credits(one.sdr_id, one.ae_id),
                # The opportunity that its acceptance would open has no number yet.
                deals=(("hand_off", one.pk), ("opportunity", -one.pk)),
                facts=_facts(one.lead, one),
                is_exploration=one.is_exploration,
                meeting_ahead=ahead,
                lead=one.lead,
                hand_off=one,
                # What its acceptance would open, for rules that share credit by who opened and owns it.
                opportunity=Opportunity(
                    lead=one.lead, hand_off=one, owner_id=one.ae_id, sourced_by_id=one.sdr_id
                ),
            )
        )
    return found


def _meeting_ahead(hand_off: HandOff | None) -> bool:
    return bool(hand_off and hand_off.meeting and hand_off.meeting.state == Meeting.State.BOOKED)


def _missed(hand_off_ids: set[int]) -> set[Deal]:
    """Those whose meeting nobody came to, and that was not held later."""
    if not hand_off_ids:
        return set()
    rows = FunnelEvent.objects.filter(
        hand_off__in=hand_off_ids, kind__in=(EventKind.NO_SHOW, EventKind.HELD)
    ).effective()
    kinds: dict[int, set[str]] = defaultdict(set)
    for hand_off_id, kind in rows.values_list("hand_off_id", "kind"):
        kinds[hand_off_id].add(kind)
    return {("hand_off", pk) for pk, found in kinds.items() if EventKind.HELD not in found}


def _credits(sourced_by: int | None, owner: int) -> tuple[SupposedCredit, ...]:
    owned = SupposedCredit(owner, Capacity.OWNED, WHOLE_SHARE)
    return (SupposedCredit(sourced_by, Capacity.SOURCED, WHOLE_SHARE), owned) if sourced_by else (owned,)


def _facts(lead: Lead | None, hand_off: HandOff | None) -> dict[str, Any]:
    found: dict[str, Any] = {}
    if lead is not None:
        names = ("source", "campaign", "industry", "city", "score", "persona", "employees", "score_points")
        found = {name: getattr(lead, name) for name in names} | {"inbound": lead.is_inbound}
    if hand_off is not None and hand_off.qualification is not None:
        found["meets_definition"] = hand_off.qualification.meets_definition
    return found


# --- As events --------------------------------------------------------------------------------------


def supposed_events(steps: list[Step], typed: list[Typed], *, rep: Rep, asked: Asked) -> list[SupposedEvent]:
    """All that is supposed, in the order of its days; of one day, deals first, in the order given."""
    found: list[tuple[date, SupposedEvent]] = []
    rules = rules_in_force() if steps else []
    for step in steps:
        found += [(step.on, event) for event in _of_step(step, rules)]
    for row, one in enumerate(typed, 1):
        found += [(one.on, event) for event in _of_typed(one, row, rep, asked)]
    found.sort(key=lambda pair: pair[0])
    count = len(found)
    # The day's last instants, one for each: what is supposed comes after what happened on that day.
    return [
        replace(event, at=_day_ends(on) - timedelta(microseconds=count - number))
        for number, (on, event) in enumerate(found)
    ]


def _day_ends(on: date) -> datetime:
    return day_start(on + timedelta(days=1), settings.COMPANY_TIME_ZONE)


_SOME_TIME = datetime.min.replace(tzinfo=UTC)
"""Until the order of all that is supposed is known."""


def _shared(step: Step, kind: str, rules: Sequence[RuleInForce]) -> tuple[SupposedCredit, ...]:
    """Whom an event of the deal credits: as a rule in force shares it, where there is one."""
    offer = step.offer
    parts = shared(
        rules,
        kind=kind,
        occurred_at=_day_ends(step.on) - timedelta(microseconds=1),
        parts=[Part(one.rep_id, one.capacity, one.share) for one in offer.credits],
        lead=offer.lead,
        hand_off=offer.hand_off,
        opportunity=offer.opportunity,
    )
    return tuple(SupposedCredit(one.rep_id, one.capacity, one.share) for one in parts)


def _of_step(step: Step, rules: Sequence[RuleInForce]) -> list[SupposedEvent]:
    offer = step.offer
    found: list[SupposedEvent] = []
    credits_of_win = offer.credits
    for kind in steps_to(step.outcome, offer.reached, meeting_ahead=offer.meeting_ahead):
        paid = kind == "paid"
        amount = None if kind == EventKind.HELD else step.amount_minor
        # A payment is credited as its win is.
        credited = credits_of_win if paid else _shared(step, kind, rules)
        credits_of_win = credited if kind == EventKind.WON else credits_of_win
        found.append(
            SupposedEvent(
                kind=kind,
                at=_SOME_TIME,
                credits=credited,
                amount_minor=amount,
                currency=offer.currency if amount is not None else "",
                figures=step.figures,
                # A payment brings no facts of its lead along, as on record.
                facts={} if paid else offer.facts,
                is_exploration=offer.is_exploration and not paid,
                is_no_show=offer.is_no_show and not offer.meeting_ahead and not paid,
                deals=offer.deals,
                label=step.label if paid else "",
                of_event=offer.won_event if paid else None,
                name=offer.name,
            )
        )
    return found


def _of_typed(one: Typed, row: int, rep: Rep, asked: Asked) -> list[SupposedEvent]:
    whose = rep.pk
    if one.kind in asked.managed_only:
        managed = Circles().of(rep.pk, Scope.MANAGED)
        # Whose it is makes no difference to who manages them.
        whose = managed[0] if managed else rep.pk
    capacities = asked.kinds.get(one.kind, (Capacity.OWNED,))
    facts = {name: value for name, value in one.facts.items() if name != "exploration"}
    return [
        SupposedEvent(
            kind=one.kind,
            at=_SOME_TIME,
            credits=tuple(SupposedCredit(whose, capacity, WHOLE_SHARE) for capacity in capacities),
            amount_minor=one.amount_minor,
            currency=one.currency if one.amount_minor is not None else "",
            figures=one.figures,
            facts=facts,
            is_exploration=bool(one.facts.get("exploration")),
            deals=(("opportunity", -(10**12 + 1000 * row + number)),),
            label=one.label,
            name=one.name,
        )
        for number in range(one.count)
    ]
