"""Where the chain stands: its head, what waits for a seal, and what the last verification found."""

from dataclasses import dataclass

from apps.audit import chained
from apps.audit.models import Seal, Verification
from apps.audit.rules.seals import FORM

MOST_COUNTED = 1_000


@dataclass(frozen=True)
class ChainState:
    """``unsealed`` rows by the table's title, counted up to ``MOST_COUNTED`` each."""

    last: Seal | None
    unsealed: dict[str, int]
    verification: Verification | None

    @property
    def waiting(self) -> int:
        return sum(self.unsealed.values())


def unsealed(*, most: int | None = None) -> dict[str, int]:
    """How many rows of each chained table no seal covers yet, by label; ``most`` bounds the count of each."""
    found = {}
    for table in chained.tables():
        newest = Seal.objects.filter(table=table.label, form=FORM).order_by("-number")
        last = newest.values_list("last_id", flat=True).first() or 0
        rows = table.model._default_manager.filter(pk__gt=last).order_by()
        found[table.label] = (rows[:most] if most else rows).count()
    return found


def chain_state() -> ChainState:
    """The head of the chain, what waits (counted up to a thousand a table), and the last verification."""
    titles = {table.label: table.title for table in chained.tables()}
    return ChainState(
        Seal.objects.order_by("-number").first(),
        {titles[label]: count for label, count in unsealed(most=MOST_COUNTED).items()},
        Verification.objects.select_related("by").first(),
    )


def seals_of(entry_ids: list[int]) -> dict[int, int]:
    """The number of the seal that covers each of these audit entries; who has none waits for the next."""
    if not entry_ids:
        return {}
    covering = Seal.objects.filter(
        table="audit.AuditEntry", form=FORM, after_id__lt=max(entry_ids), last_id__gte=min(entry_ids)
    ).values_list("after_id", "last_id", "number")
    return {entry: number for after, last, number in covering for entry in entry_ids if after < entry <= last}
