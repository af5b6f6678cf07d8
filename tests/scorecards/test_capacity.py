"""Capacity against a plain recomputation from the record; assumptions with history; scenarios; the pages."""

from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction

import pytest
from django.test import Client
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries

from apps.audit.models import AuditEntry
from apps.core.errors import InvalidInput
from apps.core.periods import Period, month_of, parse_period, trailing_months
from apps.leads.models import FunnelEvent
from apps.reps.models import Rep, TimeOff
from apps.scorecards.models import Assumption, HiringScenario
from apps.scorecards.rules.hiring import breaks, play
from apps.scorecards.rules.hiring_draft import plan_of
from apps.scorecards.selectors.assumptions import in_force
from apps.scorecards.selectors.capacity import Capacity, capacity_of
from apps.scorecards.selectors.hiring import starting_point
from apps.scorecards.selectors.velocity import months_until, qualified_leads, velocity_of
from apps.scorecards.services import assumptions, hiring
from tests.cast import NOW, Cast
from tests.scorecards.company import Company, assemble
from tests.scorecards.plain import PlainRecord
from tests.scorecards.test_hiring_rules import draft
from tests.stage import staged

OCTOBER = parse_period("2026-10")
TODAY = NOW.date()


@pytest.fixture
@staged
def company(db: None) -> Company:
    return assemble(seed=11)


def people() -> list[Rep]:
    return list(Rep.objects.select_related("calendar", "team__calendar").order_by("pk"))


def october(today: date = TODAY) -> Capacity:
    return capacity_of(reps=people(), month=OCTOBER, today=today)


def weekdays(period: Period) -> list[date]:
    days = (period.start + timedelta(days=number) for number in range(period.days))
    return [day for day in days if day.weekday() < 5]


class TestAgainstAPlainRecomputation:
    def test_each_reps_figure_is_the_records_over_the_days_that_they_were_there(self, company: Company):
        away = TimeOff.objects.create(
            rep=company.sdrs[0], starts_on=date(2026, 10, 5), ends_on=date(2026, 10, 12)
        )
        Rep.objects.filter(pk=company.sdrs[1].pk).update(hired_on=date(2026, 10, 14))
        plain = PlainRecord()
        [inbound] = [one for one in october().roles if one.role == "isr"]
        by_rep = {one.rep_id: one for one in inbound.verdict.people}
        for rep in people():
            if rep.role != "isr":
                continue
            there = [
                day
                for day in weekdays(OCTOBER)
                if day >= rep.hired_on and not (rep == away.rep and away.starts_on <= day < away.ends_on)
            ]
            worked = plain.value("leads_worked", rep, OCTOBER)
            found = by_rep[rep.pk]
            assert (found.total, found.days) == (worked, len(there))
            assert found.rate == worked * len(weekdays(OCTOBER)) / len(there)
            assert found.is_below == (found.rate < 200)
            asked = Fraction(200 * len(there), len(weekdays(OCTOBER)))
            assert found.missing == max(asked - worked, 0)

    def test_outbound_is_judged_by_touches_a_working_day(self, company: Company):
        Rep.objects.filter(pk=company.sdrs[0].pk).update(role="osr")
        [outbound] = [one for one in october().roles if one.role == "osr"]
        [one] = outbound.verdict.people
        touches = PlainRecord().value("touches", Rep.objects.get(pk=company.sdrs[0].pk), OCTOBER)
        assert one.rate == touches / len(weekdays(OCTOBER))

    def test_aes_are_judged_by_what_they_closed_over_three_months(self, company: Company):
        plain, basis = PlainRecord(), trailing_months(OCTOBER.end, 3)
        [closing] = [one for one in october().roles if one.role == "ae"]
        assert closing.basis == basis
        for one in closing.verdict.people:
            rep = next(rep for rep in company.aes if rep.pk == one.rep_id)
            assert one.rate == plain.value("win_rate", rep, basis)

    def test_the_skew_is_the_mean_left_when_the_top_are_taken_away_within_a_currency(self, company: Company):
        plain, basis = PlainRecord(), trailing_months(OCTOBER.end, 3)
        found = {(one.role, one.currency): one for one in october().skews}
        assert {key for key in found if key[0] == "ae"} == {("ae", "EUR"), ("ae", "USD")}
        values = sorted(
            (plain.value("revenue_won", rep, basis) for rep in company.aes if rep.team.currency == "EUR"),
            reverse=True,
        )
        for top, skew in ((1, found["ae", "EUR"].without_one), (2, found["ae", "EUR"].without_two)):
            mean, rest = sum(values) / len(values), sum(values[top:]) / (len(values) - top)
            assert (skew.mean, skew.mean_without, skew.fall) == (mean, rest, (mean - rest) / mean)

    def test_the_running_month_is_read_up_to_yesterday(self, company: Company):
        november = month_of(TODAY)
        found = capacity_of(reps=people(), month=november, today=TODAY)
        [inbound] = [one for one in found.roles if one.role == "isr"]
        assert inbound.basis == Period(november.start, TODAY)
        assert {one.days for one in inbound.verdict.people} == {len(weekdays(inbound.basis))}

    def test_on_the_first_of_a_month_there_is_nothing_to_judge(self, company: Company):
        november = month_of(TODAY)
        assert capacity_of(reps=people(), month=november, today=november.start).roles == ()

    def test_who_ramps_is_not_counted(self, company: Company):
        Rep.objects.filter(pk=company.sdrs[0].pk).update(ramp_ends_on=date(2026, 10, 2))
        [inbound] = [one for one in october().roles if one.role == "isr"]
        [ramping] = [one for one in inbound.verdict.people if not one.is_counted]
        assert (ramping.rep_id, ramping.why_not) == (company.sdrs[0].pk, "ramping")

    def test_velocity_counts_different_leads_of_each_month(self, company: Company):
        plain = PlainRecord()
        months = months_until(OCTOBER)
        found = dict(qualified_leads(months=months, kind="mql", teams=None))
        for month in months:
            leads = {
                event.lead_id
                for event in plain.events
                if event.kind == "mql" and event.occurred_at.date() in month
            }
            # The record's hours lie far enough from midnight in UTC for its dates to be Berlin's.
            assert abs(found[month] - len(leads)) <= 1
        assert velocity_of(month=OCTOBER, kind="mql", teams=None).newest.leads == found[OCTOBER]
        assert found[OCTOBER] > 0

    def test_velocity_is_of_the_teams_asked_for(self, company: Company):
        months = months_until(OCTOBER)
        own = qualified_leads(months=months, kind="mql", teams=[company.sdr_team.pk])
        assert own == qualified_leads(months=months, kind="mql", teams=None)
        assert {count for _, count in qualified_leads(months=months, kind="mql", teams=[])} == {0}

    def test_costs_as_many_statements_for_all_as_for_a_few(
        self, company: Company, django_assert_max_num_queries: DjangoAssertNumQueries
    ):
        with django_assert_max_num_queries(20):
            october()


class TestAssumptions:
    def set_to(self, value: str, month: str = "2026-11", **more: object) -> Assumption | None:
        return assumptions.set_assumption(
            **{
                "role": "isr", "metric": "leads_worked", "value": Decimal(value), "per": "month",
                "month": parse_period(month), "at": NOW, **more,
            }
        )  # fmt: skip

    def assumed(self, month: str) -> Decimal:
        return in_force(parse_period(month))["isr", "leads_worked"].value

    def test_hold_from_their_month_on_and_not_before(self, db):
        self.set_to("180")
        self.set_to("150", "2027-02")
        assert [self.assumed(one) for one in ("2026-10", "2026-11", "2027-01", "2027-02", "2028-01")] == [
            200, 180, 180, 150, 150,
        ]  # fmt: skip

    def test_of_the_same_month_the_later_one_corrects_the_earlier_and_both_stay(self, db):
        self.set_to("180")
        self.set_to("190")
        assert self.assumed("2026-11") == 190
        assert Assumption.objects.count() == 2
        assert AuditEntry.objects.filter(verb="scorecards.assumption.set").count() == 2

    def test_that_hold_already_are_not_set_again(self, db):
        assert self.set_to("200") is None
        assert not Assumption.objects.exists()

    @pytest.mark.parametrize(
        ("changed", "field"),
        [
            ({"month": parse_period("2026-10")}, "month"),
            ({"role": "cook"}, "role"),
            ({"metric": "revenue_won"}, "metric"),
            ({"metric": "nothing"}, "metric"),
            ({"value": Decimal("-1")}, "value"),
            ({"value": Decimal("NaN")}, "value"),
            ({"value": Decimal("0.00001")}, "value"),
            ({"per": "level"}, "per"),
            ({"metric": "acceptance_rate", "per": "month"}, "per"),
            ({"metric": "acceptance_rate", "per": "level", "value": Decimal(2)}, "value"),
        ],
    )
    def test_that_cannot_be_right_are_refused_at_their_field(self, db, changed, field):
        with pytest.raises(InvalidInput) as refused:
            assumptions.set_assumption(
                **{"role": "isr", "metric": "leads_worked", "value": Decimal(1), "per": "month",
                   "month": month_of(TODAY), "at": NOW, **changed}
            )  # fmt: skip
        assert refused.value.field == field

    def test_change_the_verdict_of_their_months_alone(self, company: Company):
        before = october().roles
        self.set_to("1")
        assert october().roles == before
        running = capacity_of(reps=people(), month=month_of(TODAY), today=TODAY)
        [inbound] = [one for one in running.roles if one.role == "isr"]
        assert inbound.verdict.assumption.value == 1


class TestScenarios:
    def test_start_from_the_people_and_the_record(self, company: Company):
        found = october()
        growth = velocity_of(month=OCTOBER, kind="mql", teams=None)
        start = starting_point(reps=people(), capacity=found, growth=growth, today=TODAY, currency="EUR")
        [inbound] = [one for one in found.roles if one.role == "isr"]
        assert (start.roles["isr"].heads, start.roles["ae"].heads) == (3, 5)
        assert start.leads == growth.newest.leads
        assert start.roles["isr"].assumed == 200
        assert abs(Fraction(start.roles["isr"].does) - inbound.verdict.mean) <= Fraction(1, 20)
        assert start.start_on == date(2026, 12, 1)

    def test_are_kept_changed_and_dropped(self, cast: Cast):
        made = hiring.save_scenario(draft=draft(), at=NOW, actor=cast.manager)
        assert hiring.draft_of(made) == draft()
        later = draft(months=3)
        hiring.change_scenario(scenario=made, draft=later, seen_version=1, at=NOW, actor=cast.manager)
        assert hiring.draft_of(HiringScenario.objects.get()) == later
        with pytest.raises(hiring.UnableToSaveScenario, match="meanwhile"):
            hiring.change_scenario(scenario=made, draft=draft(), seen_version=1, at=NOW, actor=cast.manager)
        assert hiring.drop_scenario(scenario=made, at=NOW, actor=cast.manager)
        assert not hiring.drop_scenario(scenario=made, at=NOW, actor=cast.manager)
        assert not HiringScenario.objects.kept().exists()

    def test_of_one_name_are_refused_at_the_name_and_free_again_when_dropped(self, cast: Cast):
        made = hiring.save_scenario(draft=draft(), at=NOW, actor=cast.manager)
        with pytest.raises(hiring.UnableToSaveScenario) as refused:
            hiring.save_scenario(draft=draft(), at=NOW, actor=cast.manager)
        assert refused.value.field == "name"
        hiring.save_scenario(draft=draft(), at=NOW, actor=cast.outside_manager)
        hiring.drop_scenario(scenario=made, at=NOW, actor=cast.manager)
        hiring.save_scenario(draft=draft(), at=NOW, actor=cast.manager)

    def test_are_ones_own_and_revops_sees_all(self, cast: Cast):
        hiring.save_scenario(draft=draft(), at=NOW, actor=cast.manager)
        seen = {
            name for name, user in cast.everyone().items() if HiringScenario.objects.visible_to(user).exists()
        }
        assert seen == {"manager", "revops"}


@pytest.fixture
@staged
def busy(cast: Cast) -> Cast:
    """The cast's manager leads the generated company."""
    made = assemble(seed=11)
    for team in (made.ae_team, made.sdr_team):
        team.manager = cast.manager
        team.save()
    return cast


def page(client: Client, user: object, address: str, status: int = 200) -> str:
    client.force_login(user)
    response = client.get(address)
    assert response.status_code == status
    return response.content.decode()


class TestPages:
    def test_the_verdict_quotes_its_rule_and_its_numbers(self, busy: Cast, client: Client):
        html = page(client, busy.manager, reverse("scorecards:capacity") + "?month=2026-10")
        assert "Unused capacity: improve before hiring inbound SDRs." in html
        assert "more than 25 % of reps below their assumption is unused capacity" in html
        [inbound] = [
            one
            for one in capacity_of(
                reps=[rep for rep in people() if rep.team.manager_id == busy.manager.pk],
                month=OCTOBER,
                today=TODAY,
            ).roles
            if one.role == "isr"
        ]
        assert inbound.verdict.rule_words.replace(">", "&gt;") in html

    def test_a_manager_sees_own_people_alone(self, busy: Cast, client: Client):
        html = page(client, busy.manager, reverse("scorecards:capacity") + "?month=2026-10")
        assert "AE 0" in html
        assert "AE 4" not in html, "of a team that is managed by nobody"
        assert "Outsider" not in html
        html = page(client, busy.revops, reverse("scorecards:capacity") + "?month=2026-10")
        assert "AE 4" in html

    def test_each_figure_opens_to_its_events(self, busy: Cast, client: Client):
        client.force_login(busy.manager)
        html = client.get(reverse("scorecards:capacity") + "?month=2026-10").content.decode()
        rep = Rep.objects.get(name="SDR 0")
        address = reverse("scorecards:events", args=[rep.pk, "2026-10", "leads_worked"])
        assert address in html
        assert client.get(address).status_code == 200

    def test_asks_as_many_statements_for_many_people(
        self, busy: Cast, client: Client, django_assert_max_num_queries: DjangoAssertNumQueries
    ):
        client.force_login(busy.revops)
        client.get(reverse("scorecards:capacity"))
        with django_assert_max_num_queries(40):
            client.get(reverse("scorecards:capacity") + "?month=2026-10")

    def test_a_month_to_come_does_not_exist(self, busy: Cast, client: Client):
        page(client, busy.manager, reverse("scorecards:capacity") + "?month=2026-12", 404)

    def test_an_assumption_is_set_on_its_page_in_percent_for_a_rate(self, cast: Cast, client: Client):
        client.force_login(cast.revops)
        address = reverse("scorecards:capacity_assumption_set")
        given = {"role": "ae", "metric": "win_rate", "value": "25", "per": "level", "month": "2026-12"}
        assert client.post(address, given).status_code == 302
        assert Assumption.objects.get().value == Decimal("0.25")
        wrong = client.post(address, {**given, "month": "2026-01"})
        assert wrong.status_code == 422
        assert "what is over has been judged" in wrong.content.decode()

    def test_a_scenario_is_written_played_compared_and_dropped(self, busy: Cast, client: Client):
        client.force_login(busy.manager)
        form = client.get(reverse("scorecards:hiring_new")).context["form"]
        posted = {name: form[name].value() if form[name].value() is not None else "" for name in form.fields}
        posted |= {
            "name": "Two in January", "hire_isr_1": "2", "isr_cost": "5,000.50", "budget": "20,000", "seen": "",
        }  # fmt: skip
        made = client.post(reverse("scorecards:hiring_new"), posted)
        assert made.status_code == 302, made.context["form"].errors
        first = HiringScenario.objects.get()
        kept = hiring.draft_of(first)
        assert (kept.hires, kept.roles["isr"].cost_minor) == (((1, "isr", 2),), 500_050)
        html = client.get(made.url).content.decode()
        played = play(plan_of(kept))
        assert f"{played[-1].spent_minor / 100:,.2f}" in html
        for one in breaks(plan_of(kept), played):
            assert one.month.name in html
        client.post(reverse("scorecards:hiring_new"), {**posted, "name": "Nobody", "hire_isr_1": ""})
        html = client.get(reverse("scorecards:hiring_compare")).content.decode()
        assert "Two in January" in html
        assert "Nobody" in html
        changed = client.post(
            reverse("scorecards:hiring_change", args=[first.pk]), {**posted, "hire_isr_1": "3", "seen": "1"}
        )
        assert changed.status_code == 302
        assert hiring.draft_of(HiringScenario.objects.get(pk=first.pk)).hires == ((1, "isr", 3),)
        stale = client.post(
            reverse("scorecards:hiring_change", args=[first.pk]), {**posted, "hire_isr_1": "9", "seen": "1"}
        )
        assert stale.status_code == 422
        assert 'value="9"' in stale.content.decode(), "nothing typed is lost"
        client.post(reverse("scorecards:hiring_drop", args=[first.pk]))
        page(client, busy.manager, reverse("scorecards:hiring_scenario", args=[first.pk]), 404)

    def test_what_is_wrong_in_a_scenario_stands_at_its_field(self, busy: Cast, client: Client):
        client.force_login(busy.manager)
        answer = client.post(reverse("scorecards:hiring_new"), {"name": "x", "months": "99", "start": "soon"})
        assert answer.status_code == 422
        errors = answer.context["form"].errors
        assert {"months", "start", "leads", "isr_heads"} <= set(errors)

    def test_without_any_people_the_pages_say_what_to_do(self, cast: Cast, client: Client):
        Rep.objects.all().update(hired_on=date(2027, 1, 1))
        assert not FunnelEvent.objects.exists()
        html = page(client, cast.manager, reverse("scorecards:capacity"))
        assert "Nothing to compare" in html
        assert "No scenario yet" in page(client, cast.manager, reverse("scorecards:hiring"))
        page(client, cast.manager, reverse("scorecards:hiring_new"))
