"""Set how a weekday is divided, for the company or for one rep; and ask which block it is."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from django.db import transaction

from apps.audit import services as audit
from apps.core import locks
from apps.core.errors import DomainError, InvalidInput
from apps.leads.models import FocusBlock
from apps.leads.rules import focus as rules
from apps.leads.selectors.focus import week_of
from apps.reps.models import Rep


class BlocksInvalid(InvalidInput):
    """The blocks cannot be one day's; ``faults`` says of each which and why."""

    code = "blocks_invalid"

    def __init__(self, faults: Sequence[rules.Fault]) -> None:
        super().__init__(faults[0].words, field=faults[0].field)
        self.faults = list(faults)


class NoOwnBlocks(DomainError):
    """The rep has no blocks of their own: the company's hold already."""

    code = "no_own_blocks"


def block_at(*, rep: Rep, at: datetime) -> rules.Block | None:
    """The block that the rep is in at ``at``, on the rep's own clock; ``None`` outside all. One statement."""
    span = rules.span_at(week_of(rep).blocks, at, ZoneInfo(rep.time_zone))
    return span.block if span else None


def default_day() -> tuple[rules.Block, ...]:
    """What a day starts from (PRODUCT section 4): 1 h clean-up, 3 h email, 3 h calls, 1 h follow-up."""
    return rules.default_day()


def set_blocks(
    *, rep: Rep | None, weekday: int, blocks: Sequence[rules.Block], at: datetime, actor: Any = None
) -> None:
    """Divide one weekday anew; without a rep the company's. No blocks: the weekday has none.

    Raises ``BlocksInvalid`` for blocks that overlap, have no length or are for nothing known, and
    ``InvalidInput`` for a weekday that is none.
    """
    set_week(rep=rep, week={weekday: blocks}, at=at, actor=actor)


def begin_own_week(*, rep: Rep, at: datetime, actor: Any = None) -> None:
    """Give the rep the company's week as their own, to change from there; the default one where there is none."""
    found = week_of(rep)
    if not found.is_own:
        week = found.blocks or {weekday: rules.default_day() for weekday in range(5)}
        set_week(rep=rep, week=week, at=at, actor=actor)


@transaction.atomic
def drop_own_week(*, rep: Rep, at: datetime, actor: Any = None) -> None:
    """Let the company's week hold for the rep again. Raises ``NoOwnBlocks``."""
    _lock(rep)
    gone, _ = FocusBlock.objects.filter(rep=rep).delete()
    if not gone:
        raise NoOwnBlocks(f"The company's blocks hold for {rep.name} already.")
    audit.record(verb="leads.focus.own_week_dropped", subject=rep, at=at, actor=actor)


@transaction.atomic
def set_week(
    *, rep: Rep | None, week: Mapping[int, Sequence[rules.Block]], at: datetime, actor: Any = None
) -> None:
    """Divide those weekdays anew that ``week`` names; the others stay. Raises what ``set_blocks`` raises."""
    for weekday, blocks in week.items():
        if weekday not in rules.WEEKDAYS:
            raise InvalidInput("Choose a weekday.", field="weekday")
        if wrong := rules.faults(blocks):
            raise BlocksInvalid(wrong)
    _lock(rep)
    FocusBlock.objects.filter(rep=rep, weekday__in=list(week)).delete()
    rows = [
        FocusBlock(rep=rep, weekday=weekday, starts=block.starts, ends=block.ends, kind=block.kind)
        for weekday, blocks in week.items()
        for block in blocks
    ]
    FocusBlock.objects.bulk_create(rows)
    audit.record(
        verb="leads.focus.set",
        subject=rep or FocusBlock(pk=0),  # the company's week has no row of its own
        at=at,
        actor=actor,
        data={
            "of": "rep" if rep else "company",
            "week": {
                str(weekday): [[f"{one.starts:%H:%M}", f"{one.ends:%H:%M}", one.kind] for one in blocks]
                for weekday, blocks in week.items()
            },
        },
    )


def _lock(rep: Rep | None) -> None:
    """Two who set the same week wait for each other; the company's has no row of its own to lock."""
    if rep is not None:
        Rep.objects.select_for_update().get(pk=rep.pk)
    else:
        locks.hold(["leads.focus.company"])
