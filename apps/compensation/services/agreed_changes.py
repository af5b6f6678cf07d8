"""Post approved adjustments of pay into the ledger, while a run computes.

A line for each, once: the ledger's own key (rep, component, period, source, sequence) refuses a second, and what is
posted is not looked for again. A change belongs to the questioned period. It is posted by that period's own run while
it is open, else by the next run that computes, as a prior-period adjustment that names its inquiry.
"""

from datetime import datetime
from fractions import Fraction
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db.models import Exists, OuterRef, Q, QuerySet

from apps.compensation.models import EntryKind, LedgerEntry, PayAdjustment, PayoutRun, Verdict
from apps.compensation.rules import words
from apps.compensation.services.ledger_lines import NewLine, write_lines

if TYPE_CHECKING:
    from apps.compensation.services.postings import Postings


def to_post(*, run: PayoutRun, as_of: datetime) -> QuerySet[PayAdjustment]:
    """Approved by ``as_of``, not in the ledger yet, and of a period that ``run`` may post for."""
    posted = LedgerEntry.objects.filter(
        rep=OuterRef("rep"),
        component_key=OuterRef("component_key"),
        starts_on=OuterRef("starts_on"),
        ends_on=OuterRef("ends_on"),
        source_key=OuterRef("source_key"),
        sequence=OuterRef("sequence"),
    )
    closed = PayoutRun.objects.closed().filter(
        starts_on__lte=OuterRef("starts_on"), ends_on__gte=OuterRef("ends_on")
    )
    approved = PayAdjustment.objects.filter(decision__verdict=Verdict.APPROVED, decision__at__lte=as_of)
    own = Q(starts_on=run.starts_on, ends_on=run.ends_on)
    return approved.filter(own | Exists(closed)).exclude(Exists(posted))


def reps_with_agreed_changes(*, run: PayoutRun, as_of: datetime) -> set[int]:
    """Everybody for whom ``post_agreed_changes`` has something to post: they may be on no plan by now. One query."""
    return set(to_post(run=run, as_of=as_of).order_by().values_list("rep_id", flat=True).distinct())


def post_agreed_changes(new: "Postings") -> None:
    """Post what was agreed for the batch of ``new``, oldest first. One query where there is nothing."""
    due = to_post(run=new.run, as_of=new.as_of).filter(rep_id__in=new.rep_ids)
    found = list(due.select_related("decision", "reverses").order_by("decision__at", "pk"))
    if not found:
        return
    new.open_missing({(one.rep_id, one.currency) for one in found})
    lines = [_line(new, one) for one in found]
    write_lines(lines)
    new.took(lines)


def _line(new: "Postings", one: PayAdjustment) -> NewLine:
    amount, currency = one.amount_minor, one.currency
    earned = 0 if one.reverses_id else amount
    name = f"“{one.component_name}, agreed in inquiry {one.inquiry_id}, change {one.number}”"
    if one.reverses_id:
        formula = (
            f"{name}: now {words.money(0, currency)}; posted before {words.money(-amount, currency)}; "
            f"difference {words.money(amount, currency)}"
        )
    else:
        formula = f"{name}: {words.money(amount, currency)} = {words.money(amount, currency)}"
    return NewLine(
        run_id=new.run.pk,
        statement_id=new.statement_of(one.rep_id, currency),
        rep_id=one.rep_id,
        plan_version_id=one.plan_version_id,
        component_key=one.component_key,
        component_name=one.component_name,
        kind=EntryKind.ADJUSTMENT.value,
        event_id=None,
        source_key=one.source_key,
        sequence=one.sequence,
        starts_on=one.starts_on,
        ends_on=one.ends_on,
        amount_minor=amount,
        earned_minor=earned,
        currency=currency,
        base_minor=None,
        share=0,
        place=None,
        band="",
        rate="",
        exact=str(earned),
        formula=formula,
        cause=_cause(one),
        cause_event_id=None,
        posted_at=new.as_of,
        parts=[],
        terms=((Fraction(earned),),) if earned else (),
        conversion=None,
    )


def _cause(one: PayAdjustment) -> str:
    local = one.decision.at.astimezone(ZoneInfo(settings.COMPANY_TIME_ZONE))
    what = "Taken back" if one.reverses_id else "Agreed"
    return f"{what} in inquiry {one.inquiry_id} on {local.day} {local:%b %Y} ({one.reason[:160]})."[:300]
