"""The definitions, which of them is in force, and what came of leads judged by each."""

from dataclasses import dataclass
from datetime import date
from fractions import Fraction

from django.db.models import Count, Q

from apps.leads.models import Definition, HandOff


@dataclass(frozen=True)
class Standing:
    """A version with where it stands, and the hand-offs judged by it that have an answer."""

    definition: Definition
    state: str
    accepted: int
    answered: int

    @property
    def accepted_rate(self) -> Fraction | None:
        return Fraction(self.accepted, self.answered) if self.answered else None


def standings(day: date) -> list[Standing]:
    """Every version, newest first in each kind; state is draft, coming, in_force or past. Two statements."""
    definitions = list(Definition.objects.select_related("marketing_signed_by", "sales_signed_by"))
    answered = (
        HandOff.objects.exclude(state=HandOff.State.PENDING)
        .filter(qualification__isnull=False)
        .order_by()
        .values("qualification__definition")
        .annotate(n=Count("pk"), accepted=Count("pk", filter=Q(state=HandOff.State.ACCEPTED)))
    )
    counts = {row["qualification__definition"]: (row["accepted"], row["n"]) for row in answered}
    in_force: dict[str, int] = {}
    for one in sorted(definitions, key=lambda one: (one.effective_on, one.version), reverse=True):
        if one.is_signed and one.effective_on <= day:
            in_force.setdefault(one.kind, one.pk)

    def state(one: Definition) -> str:
        if not one.is_signed:
            return "draft"
        if one.effective_on > day:
            return "coming"
        return "in_force" if in_force.get(one.kind) == one.pk else "past"

    return [Standing(one, state(one), *counts.get(one.pk, (0, 0))) for one in definitions]
