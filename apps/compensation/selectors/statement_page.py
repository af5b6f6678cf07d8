"""A statement as its page, its PDF and the API show it: sums, components, adjustments, balances, comparison, trail.

Everything is made of sums by the database and of as many lines as are shown, so a statement of 50,000 lines opens
like one of 50.
"""

from dataclasses import dataclass, field
from datetime import datetime

from apps.compensation.models import LedgerEntry, PayoutRun, PlanVersion, RunState, Statement
from apps.compensation.rules.terms import Component
from apps.compensation.selectors import statement_lines as lines
from apps.compensation.selectors import statement_sums as sums
from apps.compensation.selectors.statement_balances import Balance, balances_of
from apps.compensation.selectors.statement_lines import AdjustedBy, BandBox
from apps.compensation.selectors.statement_sums import Compared, Move, Sums


@dataclass
class ShownComponent:
    """A component of the statement: its rule, bands, and the newest lines."""

    key: str
    name: str
    rule: str = ""
    amount_minor: int = 0
    line_count: int = 0
    bands: list[BandBox] = field(default_factory=list)
    lines: list[LedgerEntry] = field(default_factory=list)

    @property
    def more(self) -> int:
        return self.line_count - len(self.lines)

    @property
    def more_minor(self) -> int:
        """What the lines that are not shown sum to."""
        return self.amount_minor - sum(line.earned_minor for line in self.lines)

    @property
    def next_after(self) -> int:
        """Where the lines that are not shown begin; 0 when all are."""
        return len(self.lines) if self.more else 0

    @property
    def is_banded(self) -> bool:
        return len(self.bands) > 1 or any(band.label != "flat" for band in self.bands)


@dataclass(frozen=True)
class TrailStep:
    """A state on the run's way from computed to paid; ``at`` is ``None`` while it has not come to it."""

    word: str
    at: datetime | None
    by: str


@dataclass(frozen=True)
class StatementPage:
    statement: Statement
    components: list[ShownComponent]
    adjustments: list[AdjustedBy]
    adjustments_left_out: list[AdjustedBy]
    balances: list[Balance]
    previous: Statement | None
    compared: list[Compared]
    comparison: str
    steps: list[tuple[str, int]]
    sentence: str
    trail: list[TrailStep]

    @property
    def change_minor(self) -> int:
        """What is payable now, less what was in the statement before."""
        return self.statement.payable_minor - (self.previous.payable_minor if self.previous else 0)

    @property
    def left_out_minor(self) -> int:
        return sum(group.amount_minor for group in self.adjustments_left_out)


def statement_page(statement: Statement, shown: int = lines.LINES_SHOWN) -> StatementPage:
    """Everything the page shows, in a fixed number of queries however many lines there are.

    ``shown`` lines of each component come along, the newest first. ``statement`` has its run at hand.
    """
    previous = sums.previous_statement(statement)
    rows = sums.sums_of([statement, previous] if previous else [statement])
    own = [row for row in rows if row.statement_id == statement.pk]
    before = [row for row in rows if row.statement_id != statement.pk]
    period = statement.run.period
    components = _components(statement, [row for row in own if row.period == period], shown)
    keys = [one.key for one in components]
    compared = sums.compared(own, period, before, previous.run.period, keys) if previous else []
    steps = sums.steps_of(own)
    adjusted = any(row.period != period for row in own)
    adjustments = lines.adjusted_by(statement) if adjusted else []
    return StatementPage(
        statement=statement,
        components=components,
        adjustments=adjustments[: lines.CAUSES_SHOWN],
        adjustments_left_out=adjustments[lines.CAUSES_SHOWN :],
        balances=balances_of(statement),
        previous=previous,
        compared=compared,
        comparison=sums.in_words(compared, previous.run.name, statement.currency) if previous else "",
        steps=steps,
        sentence=sums.sentence_of(steps, statement.currency),
        trail=trail_of(statement.run),
    )


@dataclass(frozen=True)
class Glance:
    """A statement in brief: what the page of one's own pay shows of the newest one."""

    steps: list[tuple[str, int]]
    sentence: str


def at_a_glance(statement: Statement) -> Glance:
    """The steps from earned to payable. One query."""
    steps = sums.steps_of(sums.sums_of([statement]))
    return Glance(steps, sums.sentence_of(steps, statement.currency))


# --- Components -----------------------------------------------------------------------------------


def _components(statement: Statement, own: list[Sums], shown: int) -> list[ShownComponent]:
    """In the order of the plan, then what no plan names (draw, conversion)."""
    rules = _rules(statement)
    found = {
        key: ShownComponent(key, rule.name, rule.rule_in_words)
        for key, rule in rules.items()
        if any(row.component_key == key for row in own)
    }
    for row in sorted(own, key=lambda row: row.component_key):
        one = found.setdefault(row.component_key, ShownComponent(row.component_key, row.component_name))
        one.amount_minor += row.amount_minor
        one.line_count += row.sources
    if not found:
        return []
    corrected = frozenset(row.component_key for row in own if row.lines > row.sources)
    bands = lines.bands_of(statement, rules, corrected)
    newest = lines.newest_lines(statement, corrected, shown)
    for key, one in found.items():
        one.bands, one.lines = bands.get(key, []), newest.get(key, [])
    return list(found.values())


def _rules(statement: Statement) -> dict[str, Component]:
    """The components that the statement's lines were earned under; those of its own version first."""
    of_lines = lines.own_lines(statement).order_by().values("plan_version").distinct()
    versions = PlanVersion.objects.filter(pk__in=of_lines)
    ordered = sorted(versions, key=lambda one: (one.pk != statement.plan_version_id, -one.pk))
    rules: dict[str, Component] = {}
    for version in ordered:
        for component in version.rules.components:
            rules.setdefault(component.key, component)
    return rules


# --- Trail ----------------------------------------------------------------------------------------


def trail_of(run: PayoutRun) -> list[TrailStep]:
    """The states that the run went through, with when and by whom, and those that it has before it.

    No query where the run's people were fetched along.
    """
    steps = (
        ("Computed", run.computed_at, run.computed_by),
        ("Submitted", run.submitted_at, run.submitted_by),
        ("Approved", run.approved_at, run.approved_by),
        ("Locked", run.locked_at, run.locked_by),
        ("Paid", run.paid_at, run.paid_by),
    )
    if run.state == RunState.COMPUTING:
        return [TrailStep(word, None, "") for word, _, _ in steps]
    return [TrailStep(word, at, str(by) if by and at else "") for word, at, by in steps]


__all__ = ["Glance", "Move", "StatementPage", "at_a_glance", "statement_page", "trail_of"]
