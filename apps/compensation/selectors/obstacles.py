"""What would stop somebody's pay, found before a line is posted: a missing quota or term, another currency.

Only those are looked at for whom something of the kind is possible, so that a run need not be computed twice.
"""

from collections import defaultdict
from dataclasses import replace

from apps.compensation.rules.events import UnableToEarn
from apps.compensation.rules.vocabulary import Basis, Scope
from apps.compensation.selectors.circles import Circles, scopes_of
from apps.compensation.selectors.credits import foreign_currencies
from apps.compensation.selectors.earnings import Earnings
from apps.compensation.selectors.inputs import PeriodInputs
from apps.compensation.selectors.payouts import Payouts
from apps.core.periods import Period


def obstacles(earnings: Earnings, *, among: set[int] | frozenset[int] | None = None) -> dict[int, str]:
    """By rep, why their pay of the period cannot be worked out; empty when all of it can.

    ``earnings`` are those of everybody whom ``among`` names (of the whole period without it). Nothing is written.
    """
    payouts = Payouts(earnings.inputs.period, list(earnings.inputs.segments), earnings.as_of)
    suspects = _suspects(earnings) | set(payouts.currencies)
    if among is not None:
        suspects &= among
    if not suspects:
        return {}
    found: dict[int, str] = {}
    of_suspects = replace(earnings, rep_ids=sorted(suspects))
    for rep_id in of_suspects.rep_ids:
        try:
            sums: dict[str, int] = defaultdict(int)
            for earned in of_suspects.of(rep_id):
                sums[earned.line.currency] += earned.line.amount_minor
            payouts.lines(rep_id, sums)
        except UnableToEarn as error:
            found[rep_id] = error.message
    return found


def _suspects(earnings: Earnings) -> set[int]:
    """Whose pay might not be earned: without a quota, with another currency, or with terms in years."""
    inputs = earnings.inputs
    found = {
        rep_id
        for rep_id, segments in inputs.segments.items()
        for segment in segments
        if any(not goal for _, _, goal in segment.goals())
        or any(component.measure.term for component in segment.plan.components)
    }
    return found | _in_two_currencies(earnings)


def _in_two_currencies(earnings: Earnings) -> set[int]:
    """On a plan of one currency, with an event (their own, or one that counts for them) in another."""
    inputs = earnings.inputs
    kinds = {component.measure.event for component in inputs.components()}
    plans = {one.plan.currency for segments in inputs.segments.values() for one in segments}
    # Where plans are in several currencies, each event's is held against its rep's own.
    usual = plans if len(plans) == 1 else set()
    period = _counted(inputs, earnings)
    credited: dict[int, set[str]] = {}
    for rep_id, currency in foreign_currencies(period=period, as_of=earnings.as_of, kinds=kinds, usual=usual):
        credited.setdefault(rep_id, set()).add(currency)
    if not credited:
        return set()
    return {
        rep_id
        for rep_id, segments in inputs.segments.items()
        if _paid_in(credited, inputs, rep_id, earnings.circles) - {one.plan.currency for one in segments}
        or len({one.plan.currency for one in segments}) > 1
    }


def _paid_in(credited: dict[int, set[str]], inputs: PeriodInputs, rep_id: int, circles: Circles) -> set[str]:
    """The currencies of the events that count for the rep."""
    found: set[str] = set()
    for scope in scopes_of(inputs, rep_id) | {Scope.OWN}:
        for other in circles.of(rep_id, scope):
            found |= credited.get(other, set())
    return found


def _counted(inputs: PeriodInputs, earnings: Earnings) -> Period:
    """All days whose events count for somebody: longer than the period where a basis is."""
    start, end = inputs.period.start, inputs.period.end
    for segments in inputs.segments.values():
        for segment in segments:
            for component in segment.plan.components:
                if component.basis is not Basis.RUN:
                    for span in segment.spans(component, earnings.horizon):
                        start, end = min(start, span.counted.start), max(end, span.counted.end)
    return Period(start, end)
