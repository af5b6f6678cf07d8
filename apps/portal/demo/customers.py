"""The customers after the win: set-based, once the story is told.

Each win is given its pass-on, contract, readings and, for some, its end.
"""

from collections import defaultdict
from datetime import date, datetime, timedelta
from typing import Any

from apps.accounts.models import Role
from apps.core.bulk import insert_rows
from apps.core.periods import day_of
from apps.customers.models import Churn, Contract, HealthReading, NpsAnswer, PassOn, Promise
from apps.customers.rules.retention import Running
from apps.customers.services.contracts import last_day
from apps.customers.services.renewals import sweep_renewals
from apps.leads.models import (
    EventKind,
    FunnelEvent,
    Opportunity,
    OpportunityKind,
    OpportunityStage,
    Source,
)
from apps.leads.services.record import NewEvent, owned, record_events
from apps.portal.demo import gating
from apps.portal.demo.chance import Chance
from apps.portal.demo.founding import Company
from apps.portal.demo.life import Span

_PROMISES = (
    "Training for two teams",
    "A named contact for the first quarter",
    "Import of the old data by our own people",
    "Reports in their own layout",
    "Price held for a second year",
)
_GOOD = ("Used daily by every team.", "New teams were added last month.", "The sponsor speaks for us inside.")
_FAIR = ("The sponsor is on leave; usage is flat.", "Two tickets open for more than a week.")
_POOR = ("Usage fell by half since summer.", "The sponsor left, and nobody took over.")
# By how likely they are to recommend it: up to 6, 7 or 8, 9 or 10. Not everybody says why.
_SAID = {
    "detractor": ("", "Too many clicks.", "Support takes days to answer.", "The reports do not add up.", ""),
    "passive": ("", "Does what it should.", "Good, but the reports are slow.", "Solid, a little dear.", ""),
    "promoter": ("", "Support answers fast.", "We use it all day.", "Saved us a whole system.", ""),
}
_RESPONDENTS = ("Anna Berger", "Tom Feldmann", "Lucia Conti", "Piotr Nowak", "Marie Laurent", "Ben Adler")


def put_customers(company: Company, span: Span, seed: int) -> None:
    """Gates, and everything after a win, for the whole company."""
    chance = Chance(seed, "customers")
    revops = company.of_role(Role.REVOPS)
    gating.put_gates(span, revops, chance)
    gating.plan_open_ones(span, chance)
    contracts = _put_contracts(span, chance)
    _put_pass_ons(span, chance)
    _put_readings(span, chance, contracts)
    sweep_renewals(at=span.at, today=span.today)


# --- Customers ----------------------------------------------------------------------------------------


def _put_contracts(span: Span, chance: Chance) -> list[Contract]:
    """A year from the day after the win; the oldest ran shorter, so that some end soon."""
    won = FunnelEvent.objects.filter(
        kind=EventKind.WON, opportunity__stage=OpportunityStage.WON, opportunity__account__isnull=False
    ).effective()
    rows: list[Contract] = []
    latest: dict[int, date] = {}
    for number, event in enumerate(won.select_related("opportunity").order_by("occurred_at", "pk")):
        deal = event.opportunity
        assert deal is not None
        assert deal.account_id is not None
        starts_on = day_of(event.occurred_at, span.zone) + timedelta(days=1)
        if deal.kind == OpportunityKind.UPSELL and latest.get(deal.account_id, starts_on) > starts_on:
            ends_on = latest[deal.account_id]
        elif deal.kind == OpportunityKind.NEW and number % 9 == 0:
            # Soon to end, whenever it began.
            ends_on = max(span.today + timedelta(days=5 + number * 7 % 80), starts_on + timedelta(days=30))
        else:
            ends_on = last_day(starts_on=starts_on, months=12)
        latest[deal.account_id] = max(latest.get(deal.account_id, ends_on), ends_on)
        rows.append(
            Contract(
                account_id=deal.account_id,
                opportunity=deal,
                starts_on=starts_on,
                ends_on=ends_on,
                amount_minor=event.amount_minor or 1,
                currency=event.currency,
                created_at=event.occurred_at,
                created_by_id=event.actor_id,
            )
        )
    insert_rows(rows)
    return rows


def _put_pass_ons(span: Span, chance: Chance) -> None:
    """Each win of new business with what was promised; taken over on the day its keeper was named."""
    deals = Opportunity.objects.filter(
        kind=OpportunityKind.NEW, stage=OpportunityStage.WON, account__isnull=False
    ).select_related("account__owner", "owner", "lead")
    passed, told = [], []
    for deal in deals.order_by("closed_at", "pk"):
        account, closed_at = deal.account, deal.closed_at
        assert account is not None
        assert closed_at is not None
        taken_at = max(account.owned_since, closed_at) if account.owner and account.owned_since else None
        lead = deal.lead
        one = PassOn(
            account=account,
            opportunity=deal,
            giver=deal.owner,
            receiver=account.owner,
            chosen_because=f"{account.owner.name} has the fewest accounts." if account.owner else "",
            state=PassOn.State.ACCEPTED if taken_at else PassOn.State.TO_WRITE,
            contacts=f"{lead.name}, {lead.title}" if lead else "",
            created_at=closed_at,
            offered_at=closed_at if taken_at else None,
            accepted_at=taken_at,
            accepted_by_id=account.owner.user_id if account.owner else None,
        )
        if taken_at and span.at - taken_at < timedelta(days=6):
            # The latest still wait for their keepers to take them over.
            one.state, one.accepted_at, one.accepted_by_id = PassOn.State.OFFERED, None, None
        passed.append(one)
    insert_rows(passed)
    insert_rows([row for one in passed if one.receiver_id for row in _promised(one, span, chance)])
    for one in passed:
        if one.state == PassOn.State.ACCEPTED and one.accepted_at is not None:
            told.append(
                _event(
                    EventKind.PASSED_ON,
                    one.account,
                    one.receiver,
                    one.accepted_at,
                    f"pass_on:{one.pk}:accepted:1",
                    opportunity=one.opportunity,
                    data={"from_rep": one.giver_id, "to_rep": one.receiver_id},
                )
            )
    record_events(events=told, at=span.at)


def _promised(one: PassOn, span: Span, chance: Chance) -> list[Promise]:
    words = chance.sample(_PROMISES, 1 + chance.randrange(3))
    rows = []
    for position, text in enumerate(words):
        due_on = day_of(one.created_at, span.zone) + timedelta(days=chance.randrange(15, 75))
        kept = one.state == PassOn.State.ACCEPTED and due_on < span.today and chance.happens(0.85)
        rows.append(
            Promise(
                pass_on=one,
                position=position,
                words=text,
                due_on=due_on,
                kept_at=span.instant(due_on, 11) if kept else None,
                kept_by_id=one.accepted_by_id if kept else None,
            )
        )
    return rows


def _group(score: int) -> str:
    return "promoter" if score >= 9 else "passive" if score >= 7 else "detractor"


def _put_readings(span: Span, chance: Chance, contracts: list[Contract]) -> None:
    """Health and answers of the customers that somebody keeps; some leave, a few give up a part."""
    by_account: dict[int, list[Contract]] = defaultdict(list)
    for contract in contracts:
        by_account[contract.account_id].append(contract)
    health: list[HealthReading] = []
    answers: list[NpsAnswer] = []
    churns: list[Churn] = []
    events: list[NewEvent] = []
    numbers: dict[tuple[int, str], int] = defaultdict(int)

    def told(reading: Any, kind: EventKind, at: datetime, **more: Any) -> None:
        account = reading.account
        numbers[account.pk, kind] += 1
        key = f"account:{account.pk}:{kind}:{numbers[account.pk, kind]}"
        events.append(_event(kind, account, account.owner, at, key, **more))
        reading.recorded_at, reading.recorded_by_id = at, account.owner.user_id

    passed = PassOn.objects.filter(state=PassOn.State.ACCEPTED).select_related("account__owner")
    for number, one in enumerate(passed.order_by("accepted_at", "pk")):
        account, since = one.account, one.accepted_at
        age = (span.at - since).days if since else 0
        if age < 12 or account.pk not in by_account:
            continue
        leaves = age > 45 and number % 11 == 4
        for days in sorted({age // 2, 5}, reverse=True)[: 1 + number % 2]:
            status = "red" if leaves else chance.pick({"green": 68, "amber": 22, "red": 10})
            why = chance.one_of({"green": _GOOD, "amber": _FAIR, "red": _POOR}[status])
            drivers = ["usage"] if status == "green" else chance.sample(["usage", "sponsor", "support"], 2)
            health.append(HealthReading(account=account, status=status, why=why, drivers=drivers))
            told(health[-1], EventKind.HEALTH, _ago(span, days), data={"status": status})
        if number % 3 == 0:
            score = chance.choices(range(11), (1, 0, 1, 1, 1, 2, 4, 9, 14, 16, 12))[0]
            at = _ago(span, chance.randrange(3, max(4, age)))
            answers.append(
                NpsAnswer(
                    account=account,
                    score=score,
                    respondent=chance.one_of(_RESPONDENTS),
                    comment=chance.one_of(_SAID[_group(score)]),
                    answered_on=day_of(at, span.zone),
                )
            )
            told(answers[-1], EventKind.NPS, at, data={"score": score})
        if leaves:
            _leave(churns, told, account, by_account[account.pk], span, chance, age, number)
    rows = {row.source_key: row for row in record_events(events=events, at=span.at)}
    for of_kind, kind in ((health, EventKind.HEALTH), (answers, EventKind.NPS), (churns, EventKind.CHURNED)):
        own = [rows[event.source_key] for event in events if event.kind == kind]
        for reading, row in zip(of_kind, own, strict=True):
            reading.event = row
        insert_rows(of_kind)


def _leave(
    churns: list[Churn],
    told: Any,
    account: Any,
    contracts: list[Contract],
    span: Span,
    chance: Chance,
    age: int,
    number: int,
) -> None:
    at = _ago(span, chance.randrange(2, 40 if age > 60 else 20))
    on = day_of(at, span.zone)
    running = [one for one in contracts if one.starts_on <= on <= one.ends_on]
    totals: dict[str, int] = defaultdict(int)
    for one in running:
        worth = Running(one.account_id, one.currency, one.starts_on, one.ends_on, one.amount_minor)
        totals[one.currency] += round(worth.yearly(on))
    lost: list[dict[str, Any]] = [
        {"amount_minor": worth, "currency": currency} for currency, worth in sorted(totals.items())
    ]
    partial = number % 33 == 4 and bool(running)
    if partial:
        lost = [{"amount_minor": lost[0]["amount_minor"] // 4 + 1, "currency": running[0].currency}]
    churn = Churn(
        account=account,
        extent=Churn.Extent.PARTIAL if partial else Churn.Extent.FULL,
        contract=running[0] if partial else None,
        churned_on=on,
        reason=chance.one_of(Churn.Reason.values),
        lost=lost,
    )
    churns.append(churn)
    single = lost[0] if len(lost) == 1 else None
    told(
        churn,
        EventKind.CHURNED,
        at,
        amount_minor=single["amount_minor"] if single else None,
        currency=single["currency"] if single else "",
        data={"extent": churn.extent, "reason": churn.reason, "churned_on": str(on), "lost": lost},
    )


def _ago(span: Span, days: int) -> datetime:
    """At ten in the company's morning, so many days ago; on the day itself just now."""
    return min(span.instant(span.today - timedelta(days=days), 10), span.at)


def _event(kind: EventKind, account: Any, rep: Any, at: datetime, key: str, **more: Any) -> NewEvent:
    return NewEvent(
        kind=kind,
        occurred_at=at,
        recorded_at=at,
        source=Source.DEMO,
        source_key=key,
        account=account,
        credits=owned(rep),
        **more,
    )
