"""What finance enters beside the runs: rates of the day, customers' payments, and credit that is shared.

Told once the story is: payments follow the wins of the past, a split waits for approval and one counts already.
"""

from datetime import timedelta
from decimal import Decimal

from apps.accounts.models import Role, User
from apps.compensation.services import credit_splits, payments, rates
from apps.core.periods import day_of, month_of
from apps.leads.models import WHOLE_SHARE, Capacity, EventCredit, EventKind, FunnelEvent
from apps.leads.services import credit_rules
from apps.portal.demo.chance import Chance
from apps.portal.demo.founding import Company
from apps.portal.demo.life import Span
from apps.reps.models import Rep, RepRole

_SOURCE = "European Central Bank"
_RATES = {"USD": 0.921, "GBP": 1.168, "CHF": 1.043}
_PAYS_WITHIN = (12, 45)
_IN_TWO_PARTS = 0.25
_REASONS = (
    "Ran the second site visit and the talks with their works council.",
    "Took the deal over for the two weeks of the holiday and agreed the terms.",
)


def put_money(company: Company, span: Span, seed: int) -> None:
    """Rates of each month's end, payments of what was won, a rule that shares credit, and splits by hand."""
    finance, revops = company.of_role(Role.FINANCE), company.of_role(Role.REVOPS)
    chance = Chance(seed, "money")
    _put_rates(span, finance, chance)
    _put_payments(span, finance, chance)
    _put_rule(span, revops, finance)
    _put_splits(span, finance)


def _put_rates(span: Span, finance: User, chance: Chance) -> None:
    worth = dict(_RATES)
    for month in [*span.months, month_of(span.today)]:
        # The first day of a month lies within a month's reach of all its events.
        on = month.start
        batch = []
        for currency in worth:
            worth[currency] *= 1 + chance.gauss(0.0, 0.008)
            batch.append(rates.NewRate(currency, "EUR", on, Decimal(str(round(worth[currency], 4))), _SOURCE))
        rates.record_rates(rates=batch, today=on, at=min(span.instant(on, 9, 20), span.at), actor=finance)


def _put_payments(span: Span, finance: User, chance: Chance) -> None:
    """Each win is paid a few weeks later, some of them in two parts."""
    won = FunnelEvent.objects.filter(
        kind=EventKind.WON,
        opportunity__isnull=False,
        amount_minor__gt=0,
        occurred_at__gte=span.bounds(span.start)[0],
    ).effective()
    for number, event in enumerate(won.select_related("opportunity").order_by("occurred_at", "pk"), 1):
        opportunity, whole = event.opportunity, event.amount_minor
        assert opportunity is not None
        assert whole is not None
        halves = chance.happens(_IN_TWO_PARTS)
        parts = [whole // 2, whole - whole // 2] if halves else [whole]
        day = day_of(event.occurred_at)
        for place, amount in enumerate(parts, 1):
            day += timedelta(days=chance.randint(*_PAYS_WITHIN))
            paid_at = span.instant(day, 6)
            recorded_at = paid_at + timedelta(hours=chance.uniform(3, 30))
            if recorded_at > span.at:
                break
            payments.record_payment(
                opportunity=opportunity,
                amount_minor=amount,
                currency=event.currency,
                paid_at=paid_at,
                source_key=f"payment:R-{number:04}-{place}",
                label=("First half", "Second half")[place - 1] if halves else "",
                at=recorded_at,
                actor=finance,
            )


def _put_rule(span: Span, revops: User, finance: User) -> None:
    """In force from the next month on, so that nothing of the past is shared by it."""
    written_at = span.at - timedelta(days=3)
    rule = credit_rules.draft_rule(
        terms=credit_rules.RuleTerms(
            name="Opened by somebody else",
            capacity=Capacity.OWNED,
            kinds=[EventKind.WON],
            shares=[
                {"to": "credited", "share": WHOLE_SHARE * 85 // 100},
                {"to": "opener", "share": WHOLE_SHARE * 15 // 100},
            ],
            starts_on=month_of(span.today).following().start,
            note="Who found the deal keeps a part of it after the team hands it on.",
        ),
        at=written_at,
        actor=revops,
    )
    credit_rules.approve_rule(rule=rule, at=written_at + timedelta(days=1), actor=finance)


def _put_splits(span: Span, finance: User) -> None:
    """The two newest wins of an AE in the open month: one split counts, the other waits for finance."""
    recent = (
        EventCredit.objects.filter(
            event__in=FunnelEvent.objects.filter(
                kind=EventKind.WON, occurred_at__gte=span.bounds(month_of(span.today).start)[0]
            ).effective(),
            capacity=Capacity.OWNED,
            share=WHOLE_SHARE,
            rep__role=RepRole.AE,
            rep__team__manager__isnull=False,
        )
        .select_related("event", "rep__team__manager")
        .order_by("-event__occurred_at", "-pk")[:2]
    )
    for credit, reason in zip(recent, _REASONS, strict=False):
        mates = Rep.objects.filter(team=credit.rep.team, role=RepRole.AE, left_on=None)
        mate = mates.exclude(pk=credit.rep_id).order_by("pk").first()
        manager = credit.rep.team.manager
        if mate is None or manager is None:
            continue
        at = credit.event.occurred_at + (span.at - credit.event.occurred_at) / 2
        approved = credit is recent[0]
        split = credit_splits.propose_split(
            event=credit.event,
            capacity=Capacity.OWNED,
            shares={credit.rep: WHOLE_SHARE * 70 // 100, mate: WHOLE_SHARE * 30 // 100},
            reason=reason,
            at=at,
            actor=manager,
        )
        if approved:
            credit_splits.approve_split(split=split, at=at + (span.at - at) / 2, actor=finance)
