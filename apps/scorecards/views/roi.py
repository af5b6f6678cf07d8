"""What leads cost and brought, by source and campaign; and how well the MQL definition picks them."""

from datetime import date
from typing import Any

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from apps.core.keyset import page_of
from apps.core.money import in_words, round_half_up
from apps.core.periods import NotAPeriod, Period, month_of, parse_period, year_of
from apps.core.policies import guarded
from apps.leads.rules.close_rates import MINIMUM
from apps.scorecards import policies
from apps.scorecards.rules.figures import plain
from apps.scorecards.rules.roi import STEPS, Outcome, Precision
from apps.scorecards.selectors import roi as selectors
from apps.scorecards.views import asked

PER_PAGE = 50
PRECISION_MONTHS = 12
STEP_WORDS = {
    "leads": "Leads", "mqls": "MQLs", "sqls": "SQLs", "accepted": "Accepted", "rejected": "Rejected", "won": "Won",
}  # fmt: skip


@require_safe
@guarded(policies.SEE_ROI)
def lead_roi(request: HttpRequest) -> HttpResponse:
    """The leads collected in ``?period=`` (the running year without it), by source; ``?source=`` opens one."""
    user: Any = request.user
    period, wrong = _period(request)
    as_of = asked.as_of(request)
    found = selectors.roi(period, user=user, as_of=as_of)
    source = request.GET.get("source")
    stored = "" if source == selectors.UNKNOWN else source
    if source is not None and source not in found.campaigns:
        raise Http404
    since = Period(_months_back(asked.today(), PRECISION_MONTHS), asked.today().replace(day=1)).bounds(
        settings.COMPANY_TIME_ZONE
    )[0]
    context = {
        "period": period,
        "wrong": wrong,
        "before": period.previous(),
        "after": period.following() if period.end <= asked.today() else None,
        "sees_spend": policies.SEE_SPEND.admits(user),
        "may_enter": policies.ENTER_SPEND.admits(user),
        "source": source or "",
        "rows": [_row(one, one.name, None) for one in found.sources],
        "campaigns": [_row(one, source, one.name) for one in found.campaigns[source]] if source else [],
        "rest": _row(found.rest, "", None) if found.rest else None,
        "whole": _row(found.whole, "", None),
        "cost_bars": _cost_bars(found.sources),
        "cold": selectors.why_cold(period, user=user, source=stored, as_of=as_of)[:10],
        "rejected": selectors.rejected_by(period, user=user, source=stored, as_of=as_of)[:10],
        "precision": [
            _precision(one) for one in selectors.precision(user=user, since=since, as_of=as_of, source=stored)
        ],
    }
    return render(request, "scorecards/lead_roi.html", context)


def _months_back(day: date, count: int) -> date:
    month = month_of(day)
    for _ in range(count):
        month = month.previous()
    return month.start


def _period(request: HttpRequest) -> tuple[Period, str]:
    usual, text = year_of(asked.today()), request.GET.get("period", "")
    if not text:
        return usual, ""
    try:
        found = parse_period(text)
    except NotAPeriod as error:
        return usual, str(error)
    if not found.months() or found.months()[0].start != found.start or found.months()[-1].end != found.end:
        return usual, "Spend is kept by the month: choose a month, a quarter or a year."
    return found, ""


def _amounts(by_currency: dict[str, int]) -> list[str]:
    return [in_words(amount, currency) for currency, amount in sorted(by_currency.items()) if amount]


def _row(one: Outcome, source: str | None, campaign: str | None) -> dict[str, Any]:
    cost = {step: one.cost_per(step) for step in ("leads", "won")}
    return {
        "name": one.name,
        "source": source,
        "campaign": campaign,
        "counts": [(step, STEP_WORDS[step], one.count(step)) for step in STEPS],
        "revenue": _amounts(one.revenue),
        "spend": _amounts(one.spend),
        "cost_lead": in_words(round_half_up(cost["leads"][0]), cost["leads"][1]) if cost["leads"] else "–",
        "cost_won": in_words(round_half_up(cost["won"][0]), cost["won"][1]) if cost["won"] else "–",
        "roi": f"{plain(one.roi * 100, 0)} %" if one.roi is not None else "–",
        "roi_bad": one.roi is not None and one.roi < 0,
    }


def _cost_bars(sources: list[Outcome]) -> dict[str, Any] | None:
    """Cost per customer won, in the currency that most sources were paid in."""
    costs = [(one.name, cost) for one in sources if (cost := one.cost_per("won")) is not None]
    if not costs:
        return None
    currencies = [currency for _, (_, currency) in costs]
    main = max(sorted(set(currencies)), key=currencies.count)
    bars = sorted(
        ((name, round_half_up(cost)) for name, (cost, currency) in costs if currency == main),
        key=lambda one: one[1],
    )
    cheap, dear = bars[0], bars[-1]
    said = f"{cheap[0]} costs least for a customer won: {in_words(cheap[1], main)}"
    said += f"; {dear[0]} most: {in_words(dear[1], main)}." if len(bars) > 1 else "."
    return {"bars": bars[:10], "currency": main, "sentence": said}


def _precision(one: Precision) -> dict[str, Any]:
    def shown(step: str, word: str) -> dict[str, str]:
        share, count = one.share(step), one.reached[step]
        low, high = selectors.interval(count, one.called) or (0.0, 0.0)
        return {
            "word": word,
            "share": f"{plain(share * 100, 0)} %" if share is not None else "–",
            "of": f"{count:,} of {one.called:,}",
            "between": f"{round(low * 100)} to {round(high * 100)} %",
        }

    return {
        "version": f"v{one.version}" if one.version else "built-in",
        "month": month_of(date.fromisoformat(f"{one.month}-01")).name,
        "called": one.called,
        "cells": [shown("sqls", "Became SQL"), shown("accepted", "Accepted"), shown("won", "Won")],
        "is_few": one.called < MINIMUM,
    }


@require_safe
@guarded(policies.SEE_ROI)
def leads_behind(request: HttpRequest) -> HttpResponse:
    """The leads of one figure: ``?period=&source=&step=`` and perhaps ``&campaign=``."""
    user: Any = request.user
    period, wrong = _period(request)
    step, source = request.GET.get("step", STEPS[0]), request.GET.get("source", "")
    if step not in STEPS or wrong:
        raise Http404
    campaign = request.GET.get("campaign")
    leads = selectors.leads_behind(
        period,
        user=user,
        step=step,
        source="" if source == selectors.UNKNOWN else source,
        campaign=None if campaign is None else "" if campaign == "No campaign" else campaign,
        as_of=asked.as_of(request),
    )
    page = page_of(
        leads.select_related("owner", "team"),
        by=("-created_at", "-pk"),
        after=request.GET.get("after", ""),
        size=PER_PAGE,
    )
    context = {
        "period": period,
        "page": page,
        "shown": asked.shown(page, "lead"),
        "step": STEP_WORDS[step],
        "source": source or selectors.UNKNOWN,
        "campaign": campaign,
    }
    return render(request, "scorecards/lead_roi_leads.html", context)
