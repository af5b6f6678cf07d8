"""What a table of points would do before it is signed: to one lead, and to the leads of the last 90 days.

A draft is held against what is in force now, on the same leads with all that is known of them today. Beyond
``MOST`` leads every n-th one is scored, and the result says so.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from fractions import Fraction
from typing import Any

from django.conf import settings
from django.db.models import F

from apps.core.periods import day_of
from apps.leads.models import Lead
from apps.leads.rules.points import LETTERS, PointTable
from apps.leads.rules.scoring import Known, Score, score
from apps.leads.services.scoring import NO_INTENT, InForce, intent_of, known_of, table_in_force

PERIOD = timedelta(days=90)
MOST = 2_000
EXAMPLES = 5


@dataclass(frozen=True)
class Verdict:
    """One lead under one table."""

    score: Score
    needed: int

    @property
    def qualifies(self) -> bool:
        return self.score.points >= self.needed


@dataclass(frozen=True)
class Line:
    """One reason of a score under both tables; ``None`` where a table does not speak of it."""

    kind: str
    words: str
    draft: int | None
    now: int | None


@dataclass(frozen=True)
class Single:
    """One lead under the draft and under what is in force."""

    draft: Verdict
    now: Verdict

    @property
    def lines(self) -> list[Line]:
        drafted, present = (
            {(kind, words): points for kind, words, points in one.score.reasons}
            for one in (self.draft, self.now)
        )
        keys = [*drafted, *(key for key in present if key not in drafted)]
        return [Line(*key, drafted.get(key), present.get(key)) for key in keys]


@dataclass
class Side:
    """How a table judges the leads looked at."""

    qualify: int = 0
    outside: int = 0
    letters: Counter[str] = field(default_factory=Counter)

    def count(self, verdict: Verdict, outside: bool) -> None:
        self.qualify += verdict.qualifies
        self.outside += outside
        self.letters[verdict.score.letter] += 1


@dataclass(frozen=True)
class Effect:
    """Draft and present side by side. ``total`` leads arrived; of them every ``step``-th was looked at."""

    in_force: InForce
    total: int
    looked_at: int
    step: int
    draft: Side
    now: Side
    joins: list[Lead]
    leaves: list[Lead]
    joining: int
    leaving: int

    @property
    def step_word(self) -> str:
        """``3rd``."""
        ends = {1: "st", 2: "nd", 3: "rd"}
        end = "th" if self.step % 100 in (11, 12, 13) else ends.get(self.step % 10, "th")
        return f"{self.step}{end}"

    @property
    def draft_share(self) -> Fraction | None:
        return Fraction(self.draft.qualify, self.looked_at) if self.looked_at else None

    @property
    def now_share(self) -> Fraction | None:
        return Fraction(self.now.qualify, self.looked_at) if self.looked_at else None

    @property
    def letter_rows(self) -> list[tuple[str, int, int]]:
        return [(letter, self.draft.letters[letter], self.now.letters[letter]) for letter in LETTERS]


def of_one(known: Known, table: PointTable, needed: int, at: datetime) -> Single:
    """One lead, as typed or as it is. One statement, for what is in force."""
    in_force = table_in_force(day_of(at, settings.COMPANY_TIME_ZONE))
    return Single(
        Verdict(score(known, table), needed), Verdict(score(known, in_force.table), in_force.needed)
    )


def effect(*, table: PointTable, needed: int, at: datetime, user: Any) -> Effect:
    """Which leads of the last 90 days would be MQLs. Bounded: at most ``MOST`` leads are scored.

    Examples are leads that the user may open. Five statements.
    """
    in_force = table_in_force(day_of(at, settings.COMPANY_TIME_ZONE))
    recent = Lead.objects.filter(created_at__gt=at - PERIOD, created_at__lte=at, merged_into__isnull=True)
    total = recent.count()
    step = max(1, -(-total // MOST))
    if step > 1:
        recent = recent.alias(place=F("pk") % step).filter(place=0)
    leads = list(recent.order_by().only("pk", "title", "employees", "industry", "source", "predictive"))
    intents = intent_of(leads)
    draft, now = Side(), Side()
    joining: list[int] = []
    leaving: list[int] = []
    for lead in leads:
        known = known_of(lead=lead, intent=intents.get(lead.pk, NO_INTENT))
        drafted = Verdict(score(known, table), needed)
        present = Verdict(score(known, in_force.table), in_force.needed)
        draft.count(drafted, bool(known.industry) and not table.is_target(known.industry))
        now.count(present, bool(known.industry) and not in_force.table.is_target(known.industry))
        if drafted.qualifies != present.qualifies:
            (joining if drafted.qualifies else leaving).append(lead.pk)
    return Effect(
        in_force=in_force,
        total=total,
        looked_at=len(leads),
        step=step,
        draft=draft,
        now=now,
        joins=_examples(user, joining),
        leaves=_examples(user, leaving),
        joining=len(joining),
        leaving=len(leaving),
    )


def _examples(user: Any, pks: Iterable[int]) -> list[Lead]:
    """The newest few of these that the user may open."""
    newest = sorted(pks, reverse=True)[:200]
    if not newest:
        return []
    return list(Lead.objects.visible_to(user).filter(pk__in=newest).order_by("-pk")[:EXAMPLES])


def lead_named(user: Any, text: str) -> Lead | None:
    """The lead of a number or an e-mail address, if the user may open it; of several the newest."""
    leads = Lead.objects.visible_to(user)
    if "@" in text:
        return leads.filter(email=text.strip().lower()).order_by("-created_at").first()
    number = text.strip()
    if number.isascii() and number.isdigit() and len(number) < 19:
        return leads.filter(pk=int(number)).first()
    return None
