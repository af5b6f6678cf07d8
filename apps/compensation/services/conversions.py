"""Post the pairs of lines that turn what a run pays into the currency that a rep is paid in.

They come last in a batch, since they turn everything that the run posted for the rep: of its own period, and the
adjustments of earlier ones. What a closed run turned is not turned again; a rate of it that was corrected since
becomes an adjustment of what came in.
"""

from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime
from functools import partial

from django.db.models import Max, Sum

from apps.compensation.models import LedgerEntry, PayoutRun
from apps.compensation.rules.conversion import KEY
from apps.compensation.rules.lines import Source
from apps.compensation.rules.payout import OUT, payout_lines
from apps.compensation.selectors.earnings import Earned
from apps.compensation.selectors.payouts import Payouts
from apps.compensation.services.postings import Desired, Postings
from apps.core.periods import Period


def post_conversions(
    *, new: Postings, run: PayoutRun, closed: Iterable[tuple[Period, datetime | None, list[int]]]
) -> None:
    """Post them for the batch of ``new``; ``closed`` are the earlier periods to look at again, and for whom.

    Raises ``NoRate``, which is found before the first line of a run (``selectors.obstacles``).
    """
    for period, known_by, rep_ids in closed:
        desired = _at_the_rate_by_now(Payouts(period, rep_ids, new.as_of))
        if desired:
            new.post_period(period, rep_ids, desired, known_by, conversions=True)
    new.post_period(run.period, new.rep_ids, _of_the_run(new, run), conversions=True)


def _of_the_run(new: Postings, run: PayoutRun) -> Desired:
    """The pairs for all that the run posted for each rep, these pairs themselves aside."""
    payouts = Payouts(run.period, new.rep_ids, new.as_of)
    if not payouts.currencies:
        return {}
    rows = (
        LedgerEntry.objects.filter(run=run, rep_id__in=list(payouts.currencies))
        .exclude(component_key=KEY, starts_on=run.starts_on, ends_on=run.ends_on)
        .order_by()
        .values_list("rep_id", "currency")
        .annotate(amount=Sum("amount_minor"), version=Max("plan_version_id"))
    )
    sums: dict[int, dict[str, int]] = defaultdict(dict)
    versions: dict[int, int] = defaultdict(int)
    for rep_id, currency, amount, version_id in rows:
        sums[rep_id][currency] = amount
        versions[rep_id] = max(versions[rep_id], version_id)
    return {
        Source.of(rep_id, line): Earned(versions[rep_id], line)
        for rep_id, of_rep in sums.items()
        for line in payouts.lines(rep_id, of_rep)
    }


def _at_the_rate_by_now(payouts: Payouts) -> Desired:
    """What a closed period turned, at the rates as they are known now: out stays, in may be another."""
    rows = (
        LedgerEntry.objects.filter(
            rep_id__in=list(payouts.rep_ids),
            component_key=KEY,
            starts_on=payouts.period.start,
            ends_on=payouts.period.end,
        )
        .order_by("pk")
        .only("rep_id", "source_key", "earned_minor", "plan_version_id")
    )
    # The newest line of a source says how it stands.
    standing = {(row.rep_id, row.source_key): row for row in rows}
    desired: Desired = {}
    for (rep_id, source), row in standing.items():
        pair, _, side = source.removeprefix(f"{KEY}:").partition(":")
        if side != OUT:
            continue
        from_currency, to_currency = pair.split(">")
        sums = {from_currency: -row.earned_minor}
        rate = partial(payouts.conversion, to_currency=to_currency)
        for line in payout_lines(sums, to_currency, rate):
            desired[Source.of(rep_id, line)] = Earned(row.plan_version_id, line)
    return desired
