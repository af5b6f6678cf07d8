"""Stage gates and what came through them, set-based, once the story is told.

The history goes through no gate while it is told; here each move of the last months is given the passage that
would have been kept, met or overridden.
"""

from collections import defaultdict
from datetime import timedelta
from typing import Any

from apps.core.bulk import insert_rows, update_rows
from apps.core.periods import day_of
from apps.leads.models import (
    EventKind,
    FunnelEvent,
    GatePassage,
    Opportunity,
    OpportunityKind,
    OpportunityStage,
    QualificationAnswer,
    StageGate,
)
from apps.leads.rules import gates as rules
from apps.leads.rules.gates import GateCriterion, Known
from apps.leads.services import gates
from apps.portal.demo.chance import Chance
from apps.portal.demo.life import Span

_GATED_DAYS = 120
_STAGE_2 = (
    GateCriterion("need", "Need", "What do they want to be rid of?", "need"),
    GateCriterion("sponsor", "Decision maker met", "Who signs, and did you speak?", "authority"),
)
_STAGE_2_NOW = (
    *_STAGE_2,
    GateCriterion("date", "Date they want it by", "What happens if it slips?", "timeframe"),
)
_WON = (
    GateCriterion("signed", "Signed offer", "By whom, on which day?"),
    GateCriterion("terms", "Terms agreed", "Payment and notice, in writing?"),
)
_EVIDENCE = (
    "Said so on the call of Tuesday; it stands in the minutes.",
    "Mail of the head of operations, forwarded to the file.",
    "Shown on their own plan for the quarter.",
    "Signed page came back the same day.",
)
_REASONS = (
    "The board meets next week; they asked to go on meanwhile.",
    "Known customer: we have sold to this group before.",
    "The date follows from their audit, in writing by Friday.",
)
_STEPS = (
    "Send the offer",
    "Meet the decision maker",
    "Agree the terms",
    "Call on Thursday",
    "Ask for the date",
)


def put_gates(span: Span, revops: Any, chance: Chance) -> None:
    """The gates of the last months, and the passage by which each move since then went through."""
    written = []
    for stage, criteria, days, note in (
        (OpportunityStage.STAGE_2, _STAGE_2, _GATED_DAYS, "Too many meetings went on without a need."),
        (OpportunityStage.STAGE_2, _STAGE_2_NOW, 45, "Deals without a date stand for months."),
        (OpportunityStage.WON, _WON, _GATED_DAYS, "A win is what is signed."),
    ):
        day = span.today - timedelta(days=days)
        written.append(
            gates.write_gate(
                stage=stage,
                kind=OpportunityKind.NEW,
                criteria=criteria,
                overrider=StageGate.Overrider.MANAGER,
                effective_on=day,
                today=day,
                at=span.instant(day, 8),
                note=note,
                actor=revops,
            )
        )
    since = span.instant(span.today - timedelta(days=_GATED_DAYS), 9)
    moves = list(
        FunnelEvent.objects.filter(
            kind__in=(EventKind.STAGE_2, EventKind.WON),
            opportunity__kind=OpportunityKind.NEW,
            occurred_at__gte=since,
        )
        .select_related("opportunity__owner__team", "opportunity__hand_off", "actor")
        .order_by("occurred_at", "pk")
    )
    qualified = _qualified(moves)
    lacking = [0]
    insert_rows([_passage(event, written, qualified, span, chance, lacking) for event in moves])


def _qualified(moves: list[FunnelEvent]) -> dict[int, dict[str, Known]]:
    found: dict[int, dict[str, Known]] = defaultdict(dict)
    ids = {
        event.opportunity.hand_off.qualification_id
        for event in moves
        if event.opportunity is not None and event.opportunity.hand_off is not None
    }
    for one in QualificationAnswer.objects.filter(qualification__in=ids - {None}):
        found[one.qualification_id][one.criterion] = gates.known_of(one)
    return found


def _passage(
    event: FunnelEvent,
    written: list[StageGate],
    qualified: dict[int, dict[str, Known]],
    span: Span,
    chance: Chance,
    short: list[int],
) -> GatePassage:
    """What judged this move: the qualification fills what it can, the owner answered the rest, or a manager let it."""
    deal = event.opportunity
    assert deal is not None
    day = day_of(event.occurred_at, span.zone)
    gate = [one for one in written if one.stage == event.kind and one.effective_on <= day][-1]
    of_lead = qualified.get(deal.hand_off.qualification_id or 0, {}) if deal.hand_off else {}
    judged = rules.judge(gates.criteria_of(gate), {}, of_lead)
    missing = rules.unmet(judged)
    short[0] += bool(missing)
    # Evenly rather than by chance, so that the smallest company has some as well.
    is_override = bool(missing) and short[0] % 8 == 3 and deal.owner.team.manager_id is not None
    lacking = missing[:1] if is_override else ()
    answers = {
        one.criterion.key: Known(True, chance.one_of(_EVIDENCE)) for one in missing if one not in lacking
    }
    return GatePassage(
        opportunity=deal,
        gate=gate,
        event=event,
        stage=event.kind,
        passed_at=event.occurred_at,
        passed_by_id=deal.owner.team.manager_id if is_override else event.actor_id,
        judged=gates.as_judged(rules.judge(gates.criteria_of(gate), answers, of_lead)),
        is_override=is_override,
        reason=chance.one_of(_REASONS) if is_override else "",
    )


def plan_open_ones(span: Span, chance: Chance) -> None:
    """When open opportunities are expected to close, and what is next."""
    rows = list(Opportunity.objects.open().order_by("pk"))
    for one in rows:
        if chance.happens(0.85):
            one.expected_close_on = span.today + timedelta(days=chance.randrange(-9, 60))
            one.next_step = chance.one_of(_STEPS)
    update_rows(rows, ("expected_close_on", "next_step"))
