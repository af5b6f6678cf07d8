"""Lead quality for marketing: what became of each source's leads, and why some were turned away."""

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from apps.core.periods import NotAPeriod, day_of, parse_period, quarter_of
from apps.core.policies import guarded
from apps.leads import policies
from apps.leads.selectors import quality as selectors


@require_safe
@guarded(policies.SEE_QUALITY)
def quality(request: HttpRequest) -> HttpResponse:
    """Leads collected in ``?period=`` (a month, quarter or year; this quarter without one)."""
    today = day_of(timezone.now(), settings.COMPANY_TIME_ZONE)
    wrong = ""
    try:
        period = parse_period(request.GET.get("period", "") or quarter_of(today).code)
    except NotAPeriod as error:
        period, wrong = quarter_of(today), str(error)
    found = selectors.quality(*period.bounds(settings.COMPANY_TIME_ZONE))
    steps = [
        ("Leads", found.whole.leads),
        ("MQL", found.whole.mqls),
        ("Handed off", found.whole.handed_off),
        ("Accepted", found.whole.accepted),
        ("Won", found.whole.won),
    ]
    context = {
        "quality": found,
        "period": period,
        "wrong": wrong,
        "following": period.following() if period.end <= today else None,
        "steps": steps,
        "sentence": _sentence(found.whole),
        "rejections": [
            (
                f"{one.criterion.replace('_', ' ').capitalize()}: {one.words.lower()}"
                if one.criterion
                else one.words,
                one.count,
            )
            for one in found.rejected[:10]
        ],
        "disqualifications": [(one.words, one.count) for one in found.disqualified[:10]],
    }
    return render(request, "leads/quality.html", context)


def _sentence(whole: selectors.Outcome) -> str:
    if not whole.leads:
        return ""
    words = f"Of {whole.leads:,} leads, {whole.mqls:,} became MQLs and {whole.handed_off:,} were handed off"
    if whole.accepted or whole.rejected:
        words += f"; AEs accepted {whole.accepted:,} and rejected {whole.rejected:,}"
    return words + "."
