"""How AEs answer against their peers on the same lead mix, and the hand-offs behind each figure."""

from dataclasses import dataclass
from fractions import Fraction

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from apps.accounts.models import Role
from apps.core.keyset import page_of
from apps.core.money import quantize
from apps.core.periods import day_of
from apps.core.policies import guarded
from apps.leads import answer_policies as policies
from apps.leads.rules.answer_patterns import FALSE_ALARMS_A_YEAR, LOOKS_A_YEAR, MINIMUM, Pattern, Verdict
from apps.leads.selectors import answer_patterns as selectors
from apps.leads.views.listing import number_in
from apps.reps.models import Rep

_SCALE = 3
"""The picture goes from no rejection to three times as many as expected."""


@dataclass(frozen=True)
class Bar:
    """A ratio drawn on the scale: places and widths in hundredths of its length."""

    pattern: Pattern

    def _at(self, ratio: Fraction) -> float:
        return round(float(min(ratio / _SCALE, Fraction(1))) * 100, 2)

    @property
    def interval(self) -> tuple[float, float] | None:
        """Where the interval begins, and its width."""
        if self.pattern.low is None or self.pattern.high is None:
            return None
        left, right = self._at(self.pattern.low), self._at(self.pattern.high)
        return left, max(round(right - left, 2), 0.5)

    @property
    def seen(self) -> float | None:
        ratio = self.pattern.ratio
        return (
            None if ratio is None or self.pattern.verdict is Verdict.TOO_FEW else min(self._at(ratio), 99.2)
        )


@dataclass(frozen=True)
class Row:
    """A pattern for reading."""

    pattern: Pattern
    ae: int
    name: str
    detail: str = ""
    sdr: int | None = None
    sdr_name: str = ""

    @property
    def bar(self) -> Bar:
        return Bar(self.pattern)

    @property
    def expected(self) -> str:
        """With one decimal; a dash where nothing can be compared."""
        return f"{quantize(self.pattern.expected, 1)}" if self.pattern.compared else "–"

    @property
    def ratio_words(self) -> str:
        """``2.15 (1.20 to 3.17)``."""
        one = self.pattern
        if one.ratio is None or one.low is None or one.high is None:
            return "not compared" if one.ratio is None else f"{quantize(one.ratio, 2)}"
        return f"{quantize(one.ratio, 2)} ({quantize(one.low, 2)} to {quantize(one.high, 2)})"

    @property
    def words(self) -> str:
        """What the badge leaves out of the verdict, and how much was compared where that is not all."""
        one = self.pattern
        left_out = one.answered - one.compared
        said = one.beside_the_badge
        if left_out and one.verdict is not Verdict.TOO_FEW:
            said += f"; {left_out} had no peer to compare with"
        return said


def _row(ae: Rep, pattern: Pattern, sdr: Rep | None = None) -> Row:
    return Row(pattern, ae.pk, ae.name, ae.team.name, sdr.pk if sdr else None, sdr.name if sdr else "")


def _months(request: HttpRequest) -> int:
    asked = number_in(request.GET.get("months"))
    return asked if asked in selectors.MONTHS else selectors.USUAL_MONTHS


@require_safe
@guarded(policies.SEE_ANSWER_PATTERNS)
def answer_patterns(request: HttpRequest) -> HttpResponse:
    """The three tables for the last ``?months=`` whole months (3, 6 or 12)."""
    today = day_of(timezone.now(), settings.COMPANY_TIME_ZONE)
    months = _months(request)
    found = selectors.patterns(request.user, today=today, months=months)
    context = {
        "found": found,
        "aes": [_row(one.ae, one.pattern) for one in found.aes],
        "pairs": [_row(one.ae, one.pattern, one.sdr) for one in found.pairs],
        "criteria": [
            {
                "key": one.key,
                "name": one.key.replace("_", " ").capitalize(),
                "rejected": one.rejected,
                "rows": [_row(out.ae, out.pattern) for out in one.standing_out],
            }
            for one in found.criteria
        ],
        "own_ae": found.aes[0].ae.pk if request.user.role == Role.AE and found.aes else None,
        "chips": [(one, one == months) for one in selectors.MONTHS],
        "minimum": MINIMUM,
        "once_in": int(1 / FALSE_ALARMS_A_YEAR),
        "looks": LOOKS_A_YEAR,
    }
    return render(request, "leads/answer_patterns.html", context)


@require_safe
@guarded(policies.SEE_ANSWER_PATTERNS)
def behind(request: HttpRequest) -> HttpResponse:
    """The hand-offs behind a figure: ``?what=`` of ``?ae=``, ``?sdr=``, ``?criterion=``."""
    what = request.GET.get("what", "answered")
    if what not in selectors.WHAT:
        raise Http404
    today = day_of(timezone.now(), settings.COMPANY_TIME_ZONE)
    months = _months(request)
    period = selectors.period_of(today, months)
    ae, sdr = number_in(request.GET.get("ae")), number_in(request.GET.get("sdr"))
    criterion = request.GET.get("criterion", "")[:20]
    rows = selectors.behind(request.user, period=period, what=what, ae=ae, sdr=sdr, criterion=criterion)
    names = dict(Rep.objects.filter(pk__in=[pk for pk in (ae, sdr) if pk]).values_list("pk", "name"))
    context = {
        "page": page_of(rows, by=("-decided_at", "-pk"), after=request.GET.get("after", "")),
        "words": selectors.WHAT[what],
        "period": period,
        "months": months,
        "ae": names.get(ae or 0, ""),
        "sdr": names.get(sdr or 0, ""),
        "criterion": criterion,
    }
    return render(request, "leads/answer_patterns_behind.html", context)
