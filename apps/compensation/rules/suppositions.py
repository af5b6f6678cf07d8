"""How far a deal is supposed to go, and which events that takes. Pure.

A hand-off that waits is accepted, which opens an opportunity at stage 1; then its meeting is held, it reaches
stage 2, is won, and the customer pays. What happened already is not supposed again.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from apps.compensation.rules.rates import Grid
from apps.compensation.rules.terms import Component, Condition, PlanRules
from apps.compensation.rules.vocabulary import Scope

PATH = ("accepted", "stage_1", "held", "stage_2", "won", "paid")
OUTCOMES = {
    "accepted": "The AE accepts",
    "held": "The meeting is held",
    "stage_2": "Reaches stage 2",
    "won": "Closed won",
    "paid": "Won, and the customer pays",
}
WAITING = ""
"""Where a hand-off stands that waits for the AE's answer."""


def steps_to(outcome: str, reached: str, *, meeting_ahead: bool) -> tuple[str, ...]:
    """The events that take a deal from ``reached`` to ``outcome``, in their order.

    ``meeting_ahead``: a meeting is booked and was not held; without one, nothing is held on the way.
    """
    start = PATH.index(reached) + 1 if reached else 0
    # An acceptance opens the opportunity in the same moment.
    end = PATH.index("stage_1" if outcome == "accepted" else outcome) + 1
    return tuple(step for step in PATH[start:end] if step != "held" or meeting_ahead)


def outcomes_from(reached: str, *, meeting_ahead: bool, payments: bool) -> list[tuple[str, str]]:
    """What can be supposed of a deal that stands at ``reached``, and what people call it."""
    found = []
    for outcome, words in OUTCOMES.items():
        if outcome == "paid" and not payments:
            continue
        if outcome == "held" and not meeting_ahead:
            continue
        if steps_to(outcome, reached, meeting_ahead=meeting_ahead)[-1:] == (_last(outcome),):
            found.append((outcome, "The customer pays" if reached == "won" else words))
    return found


def _last(outcome: str) -> str:
    return "stage_1" if outcome == "accepted" else outcome


@dataclass(frozen=True)
class Asked:
    """What plans ask of events, so that a form asks for no more.

    ``kinds`` are those that pay, each with the capacities it is credited in; ``managed_only`` those that pay
    only when they are somebody else's whom the rep manages. ``fields`` are conditions' texts and numbers.
    """

    kinds: dict[str, tuple[str, ...]]
    managed_only: frozenset[str]
    figures: tuple[str, ...]
    terms: frozenset[str]
    fields: tuple[str, ...]
    labels: tuple[str, ...]
    payments: bool
    scopes: frozenset[Scope]

    @property
    def of_others(self) -> bool:
        """Whether what reps under the rep's management do pays as well."""
        return Scope.MANAGED in self.scopes


FACTS = ("industry", "source", "campaign", "city", "score", "persona", "employees", "score_points")
YES_NO = ("exploration", "inbound", "meets_definition")


def asked_by(plans: Iterable[PlanRules]) -> Asked:
    """What the components of ``plans`` look at."""
    components = [one for plan in plans for one in plan.components]
    kinds: dict[str, list[str]] = {}
    own: set[str] = set()
    for one in components:
        capacities = kinds.setdefault(one.measure.event, [])
        if one.measure.capacity not in capacities:
            capacities.append(one.measure.capacity)
        if one.scope is not Scope.MANAGED:
            own.add(one.measure.event)
    figures, terms, fields, labels = [], set(), [], []
    for one in components:
        figures += _figures(one)
        terms |= {one.measure.term.figure} if one.measure.term else set()
        fields += [row.field for row in _rows(one)]
        if one.holdback:
            labels += [release.label for release in one.holdback.releases if release.label]
    on_payment = "paid" in kinds or any(
        release.on == "paid" for one in components if one.holdback for release in one.holdback.releases
    )
    return Asked(
        kinds={kind: tuple(kinds[kind]) for kind in _in_order(kinds)},
        managed_only=frozenset(set(kinds) - own),
        figures=tuple(dict.fromkeys(figures)),
        terms=frozenset(terms),
        fields=tuple(dict.fromkeys(name for name in fields if name in FACTS or name in YES_NO)),
        labels=tuple(dict.fromkeys(labels)),
        payments=on_payment,
        scopes=frozenset(one.scope for one in components),
    )


def _in_order(kinds: Iterable[str]) -> list[str]:
    order = ("booked", "handed_off", *PATH)
    return sorted(kinds, key=order.index)


def _rows(one: Component) -> list[Condition]:
    return [*one.measure.conditions, *(row for times in one.multipliers for row in times.conditions)]


def _figures(one: Component) -> list[str]:
    found = [one.measure.figure] if one.measure.of == "figure" else []
    found += [one.measure.term.figure] if one.measure.term else []
    by = [row.field for row in _rows(one)]
    if isinstance(one.rates, Grid):
        by += [one.rates.columns.by, one.rates.rows.by]
    return [*found, *(name.removeprefix("figure:") for name in by if name.startswith("figure:"))]
