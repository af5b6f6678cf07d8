"""Every figure of every role's card equals a plain recomputation from the record."""

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise

import pytest

from apps.core.money import quantize
from apps.core.periods import Period, month_of
from apps.leads.models import Lead
from apps.portal.pictures import funnel
from apps.reps.models import Quota, QuotaMeasure, Rep, RepRole
from apps.scorecards.models import Assumption, Scorecard
from apps.scorecards.selectors import cards_of
from apps.scorecards.selectors.card_copies import from_json
from apps.scorecards.services import cards
from apps.slas.models import Clock, Policy
from tests.marketstar import MarketStar
from tests.scorecards.company import assemble
from tests.scorecards.plain import PlainRecord
from tests.scorecards.plain_card import PlainCard, differing
from tests.stage import staged

OCTOBER = month_of(date(2026, 10, 1))
CLOSED_AT = datetime(2026, 11, 2, 5, tzinfo=UTC)
ROLES = (RepRole.AE, RepRole.AM, RepRole.AM, RepRole.CSM, RepRole.AE, RepRole.CSM, RepRole.AE)


def everybody() -> list[Rep]:
    return list(Rep.objects.select_related("calendar", "team__calendar").order_by("pk"))


@pytest.fixture
@staged
def reps(db: None) -> list[Rep]:
    """All five roles over the generated record, with quotas, a changed assumption and promises."""
    company = assemble(seed=17, aes=7, sdrs=5, deals=160)
    for rep, role in zip(company.aes, ROLES, strict=True):
        Rep.objects.filter(pk=rep.pk).update(role=role, tier=2 if role == RepRole.AE else None)
    Rep.objects.filter(pk__in=[rep.pk for rep in company.sdrs[2:]]).update(role=RepRole.OSR)
    for number, month in enumerate(Period(date(2026, 8, 1), date(2026, 11, 1)).months()):
        for rep in (*company.aes[:5], *company.sdrs[:2]):
            sdr = rep in company.sdrs
            Quota.objects.create(
                rep=rep,
                measure=QuotaMeasure.AMOUNT_ACCEPTED if sdr else QuotaMeasure.AMOUNT_WON,
                starts_on=month.start,
                ends_on=month.end,
                target_minor=1_000_001 + number,
                currency="EUR",
            )
    Quota.objects.create(
        rep=company.sdrs[2],
        measure=QuotaMeasure.MEETINGS_ACCEPTED,
        starts_on=date(2026, 10, 1),
        ends_on=date(2027, 1, 1),
        target_count=100,
    )
    Assumption.objects.create(
        role="isr", metric="leads_worked", value=150, per="month", effective_on=date(2026, 9, 1)
    )
    policy = Policy.objects.create(name="Inbound", position=1, first_response_minutes=30)
    for number, lead in enumerate(Lead.objects.order_by("pk")[:90]):
        start = datetime(2026, 9, 20, 8, tzinfo=UTC) + timedelta(hours=13 * number)
        state = ("met", "breached", "met", "running")[number % 4]
        due = start + timedelta(minutes=30)
        Clock.objects.create(
            kind="first_response" if number % 3 else "disposition",
            lead=lead,
            policy=policy,
            rep=company.sdrs[number % 5],
            started_at=start,
            target_minutes=30,
            warn_at=start,
            due_at=due,
            state=state,
            answered_at=due if state == "met" else None,
            met_at=due if state == "met" else None,
            breached_at=due if state == "breached" else None,
        )
    return everybody()


class TestGenerated:
    @pytest.mark.parametrize("month", [date(2026, 8, 1), date(2026, 9, 1), date(2026, 10, 1)])
    def test_open_cards_of_all_roles(self, reps: list[Rep], month: date) -> None:
        record = PlainRecord()
        found = cards_of(reps=reps, month=month_of(month))
        assert {card.role for card in found.values()} == set(RepRole.values)
        wrong = [
            one
            for rep in reps
            for one in differing(found[rep.pk], PlainCard(record, rep, month_of(month), reps))
        ]
        assert wrong == []

    def test_closed_cards_as_was_known_then(self, reps: list[Rep]) -> None:
        cards.freeze_month(month=OCTOBER, at=CLOSED_AT)
        record = PlainRecord(CLOSED_AT)
        wrong = [
            one
            for row in Scorecard.objects.select_related("rep__team", "rep__calendar", "rep__team__calendar")
            for one in differing(from_json(row.copy), PlainCard(record, row.rep, OCTOBER, reps))
        ]
        assert wrong == []
        assert Scorecard.objects.frozen().count() == len(reps) == 12

    def test_the_funnels_conversions_are_each_step_over_the_one_before(self, reps: list[Rep]) -> None:
        record, shared = PlainRecord(), False
        for card in cards_of(reps=reps, month=OCTOBER).values():
            rep = next(one for one in reps if one.pk == card.rep_id)
            steps = PlainCard(record, rep, OCTOBER, reps).funnel()
            shares = [""]
            for before, count in pairwise(steps):
                shares.append(f"{quantize(100 * count / before, 1)} %" if before else "")
            assert [row["share"] for row in funnel(card.funnel)["rows"]] == shares
            shared |= any(count.denominator > 1 for count in steps)
        assert shared, "somebody's step has a part of an event"

    def test_hold_a_figure_of_everything(self, reps: list[Rep]) -> None:
        """So that the comparison above compares something."""
        found = cards_of(reps=reps, month=OCTOBER).values()
        rows = [row for card in found for row in card.rows]
        for name in ("own", "target", "mean"):
            assert len([row for row in rows if getattr(row, name)]) > 10, name
        assert any(one.decided > one.kept > 0 for card in found for one in card.promises)
        assert all(any(count for _, count in card.funnel) for card in found)


@pytest.mark.slow
@pytest.mark.once
class TestRealExport:
    """SDRs and AEs of a real CRM (not ours to ship: skipped without it)."""

    @pytest.mark.parametrize("month", [date(2021, 6, 1), date(2022, 3, 1), date(2022, 9, 1)])
    def test_every_card_equals_the_plain_computation(self, marketstar: MarketStar, month: date) -> None:
        reps, record = everybody(), _read_once()
        found = cards_of(reps=reps, month=month_of(month))
        wrong = [
            one
            for rep in reps
            for one in differing(found[rep.pk], PlainCard(record, rep, month_of(month), reps))
        ]
        assert wrong == []
        assert any(row.own for card in found.values() for row in card.rows)


_READ: list[PlainRecord] = []


def _read_once() -> PlainRecord:
    """The export is large, and the same for each month."""
    if not _READ:
        _READ.append(PlainRecord())
    return _READ[0]
