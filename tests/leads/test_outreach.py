"""What outreach brought: conversions in SQL as the rule says, homes and pages, and attribution done again."""

from datetime import date, timedelta
from typing import Any

import pytest
from django.urls import reverse
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase

from apps.core.periods import month_of
from apps.leads.models import Channel, Disposition, EventKind, FunnelEvent, Lead, RejectionReason, Source
from apps.leads.rules import attribution as rules
from apps.leads.selectors import motions, visits
from apps.leads.selectors.outreach import Filters, events_behind, outreach
from apps.leads.services import intake, touches
from apps.leads.services.record import NewEvent, record_events, reverse_event, sourced
from apps.leads.services.visits import NewVisit, record_visits
from apps.reps.models import Rep, RepRole
from tests.cast import NOW, Cast, assemble
from tests.leads.scenes import handed_off
from tests.stage import staged

NOVEMBER = month_of(date(2026, 11, 1))


def lead_of(rep: Rep, word: str = "brightmoor", inbound: bool = False) -> Lead:
    lead, _ = intake.take_in(
        incoming=intake.Incoming(
            name="Hanna Vogel",
            email=f"hanna@{word}.example",
            company=word.title(),
            source="Purchased list",
            is_inbound=inbound,
        ),
        team=rep.team,
        at=NOW - timedelta(days=80),
        source=Source.PAGE,
        source_key=f"form:{word}",
        owner=rep,
    )
    return lead


def converted(lead: Lead, at: Any, kind: EventKind = EventKind.QUALIFIED) -> FunnelEvent:
    (event,) = record_events(
        events=[
            NewEvent(
                kind=kind,
                occurred_at=at,
                source=Source.PAGE,
                source_key=f"{kind}:{lead.pk}:{at}",
                lead=lead,
                credits=sourced(lead.owner),
            )
        ],
        at=at,
    )
    return event


def brought(rep: Rep, lead: Lead, days_ago: float = 1, campaign: str = "") -> FunnelEvent:
    """An email, and a visit an hour later."""
    at = NOW - timedelta(days=days_ago)
    touches.log_touch(
        lead=lead, rep=rep, channel=Channel.EMAIL, disposition=Disposition.SENT, at=at - timedelta(hours=1)
    )
    (outcome,) = record_visits(
        visits=[NewVisit(lead=lead, occurred_at=at, page="/pricing", campaign=campaign)], at=at
    )
    assert outcome.event is not None
    return outcome.event


@pytest.fixture
@staged
def rep(cast: Cast) -> Rep:
    rep = cast.rep(cast.sdr)
    rep.role = RepRole.OSR
    rep.save()
    return rep


@pytest.mark.django_db
class TestConversions:
    def test_name_the_visit_and_the_touch_that_caused_them(self, rep: Rep) -> None:
        lead = lead_of(rep)
        visit = brought(rep, lead, campaign="Spring letter")
        event = converted(lead, NOW)
        (found,) = visits.told(list(visits.conversions_caused()))
        assert (found.event, found.visit, found.rep) == (event, visit, rep.name)
        assert found.touch is not None
        assert (found.touch.pk, found.campaign) == (visit.data["touch"], "Spring letter")

    def test_qualifying_and_booking_count_once(self, rep: Rep) -> None:
        lead = lead_of(rep)
        brought(rep, lead)
        first = converted(lead, NOW)
        converted(lead, NOW + timedelta(hours=1), EventKind.BOOKED)
        assert list(visits.conversions_caused()) == [first]

    def test_what_was_reversed_counts_no_more(self, rep: Rep) -> None:
        lead = lead_of(rep)
        brought(rep, lead)
        event = converted(lead, NOW)
        reverse_event(event=event, reason="By mistake", at=NOW)
        assert not visits.conversions_caused().exists()

    def test_a_visit_of_unknown_cause_causes_none(self, rep: Rep) -> None:
        lead = lead_of(rep)
        record_visits(visits=[NewVisit(lead=lead, occurred_at=NOW - timedelta(days=1))], at=NOW)
        converted(lead, NOW)
        assert not visits.conversions_caused().exists()

    def test_as_of_an_instant_only_what_was_recorded_by_then_counts(self, rep: Rep) -> None:
        lead = lead_of(rep)
        brought(rep, lead)
        converted(lead, NOW)
        assert visits.conversions_caused(NOW).count() == 1
        assert visits.conversions_caused(NOW - timedelta(seconds=1)).count() == 0


MOMENTS = st.lists(
    st.tuples(
        st.integers(0, 1), st.integers(0, 70), st.sampled_from(["visit", "qualified", "booked", "lost"])
    ),
    max_size=10,
)


class TestInSqlAsTheRuleSays(TestCase):
    @classmethod
    def setUpTestData(cls) -> None:
        cast = assemble()
        rep = cast.rep(cast.sdr)
        cls.leads = [lead_of(rep), lead_of(rep, "caldmoor")]

    @hypothesis_settings(max_examples=40)
    @given(moments=MOMENTS)
    def test_both_find_the_same(self, moments: list[tuple[int, int, str]]) -> None:
        events = []
        for place, (which, day, what) in enumerate(moments):
            at = NOW - timedelta(days=70 - day)
            lost = what == "lost"
            kind = EventKind.VISITED if what in ("visit", "lost") else EventKind(what)
            events.append(
                NewEvent(
                    kind=kind,
                    occurred_at=at,
                    source=Source.PAGE,
                    source_key=f"moment:{place}",
                    lead=self.leads[which],
                    data={"cause": "unknown" if lost else "campaign"} if kind == EventKind.VISITED else {},
                )
            )
        rows = record_events(events=events, at=NOW)
        expected: dict[int, int] = {}
        for lead in self.leads:
            own = [row for row in rows if row.lead_id == lead.pk]
            expected |= rules.conversions(
                [rules.Caused(row.pk, row.occurred_at) for row in own if row.kind in visits.CONVERSIONS],
                [
                    rules.Caused(row.pk, row.occurred_at)
                    for row in own
                    if row.kind == EventKind.VISITED and row.data["cause"] != "unknown"
                ],
            )
        found = {one.pk: one.visit_id for one in visits.conversions_caused()}  # type: ignore[attr-defined]
        assert found == expected


@pytest.mark.django_db
class TestDoneAgain:
    def test_finds_nothing_while_nothing_else_is_known(self, rep: Rep) -> None:
        brought(rep, lead_of(rep))
        assert visits.differences(NOW - timedelta(days=5), NOW) == []

    def test_finds_a_visit_whose_touch_was_undone_since(self, rep: Rep) -> None:
        lead = lead_of(rep)
        touch = touches.log_touch(
            lead=lead, rep=rep, channel=Channel.EMAIL, disposition=Disposition.SENT, at=NOW
        )
        record_visits(visits=[NewVisit(lead=lead, occurred_at=NOW)], at=NOW)
        touches.undo_touch(touch=touch, rep=rep, at=NOW + timedelta(minutes=1))
        (found,) = visits.differences(NOW, NOW + timedelta(days=1))
        assert (found.kept_touch, found.now, found.now_touch) == (touch.pk, "unknown", None)
        assert found.words == f"touch {touch.pk} was known then; no cause now."


@pytest.mark.django_db
class TestOutboundHome:
    def test_counts_what_the_own_outreach_caused(self, rep: Rep, cast: Cast) -> None:
        mine, other = lead_of(rep), lead_of(rep, "caldmoor")
        brought(rep, mine, 2)
        brought(rep, mine, 0.1)
        converted(mine, NOW)
        record_visits(visits=[NewVisit(lead=other, occurred_at=NOW, campaign="Retargeting")], at=NOW)
        home = motions.outbound_home(rep=rep, at=NOW)
        assert (home.visits, home.visits_today, home.conversions) == (2, 1, 1)
        assert [one.lead for one in home.latest] == [mine]
        assert (home.weekly[-1], home.touches) == (2, 2)

    def test_takes_the_rate_over_people_who_had_their_thirty_days(self, rep: Rep) -> None:
        for place, days_ago in enumerate((60, 50, 40, 10)):
            brought(rep, lead_of(rep, f"lead{place}"), days_ago)
        converted(Lead.objects.get(company="Lead0"), NOW - timedelta(days=35))
        converted(Lead.objects.get(company="Lead3"), NOW)
        home = motions.outbound_home(rep=rep, at=NOW)
        assert (home.rate.part, home.rate.whole) == (1, 3)

    def test_takes_a_fixed_number_of_statements(self, rep: Rep, django_assert_num_queries) -> None:
        for place in range(4):
            lead = lead_of(rep, f"lead{place}")
            brought(rep, lead)
            converted(lead, NOW)
        with django_assert_num_queries(7):
            assert len(motions.outbound_home(rep=rep, at=NOW).latest) == 4


@pytest.mark.django_db
class TestInboundHome:
    def test_measures_the_first_human_touch_in_business_minutes(self, cast: Cast) -> None:
        rep = cast.rep(cast.sdr)
        lead = lead_of(rep, inbound=True)
        Lead.objects.filter(pk=lead.pk).update(
            mql_at=NOW - timedelta(minutes=25), due_at=NOW - timedelta(minutes=5)
        )
        touches.log_touch(lead=lead, rep=rep, channel=Channel.CALL, disposition=Disposition.NO_ANSWER, at=NOW)
        home = motions.inbound_home(rep=rep, at=NOW)
        assert (home.today.minutes, home.today.answers) == (25, 1)
        assert (home.today.kept, home.today.promised) == (0, 1)
        assert home.speeds[-1] == 25

    def test_counts_who_still_waits_past_the_promise_as_missed(self, cast: Cast) -> None:
        rep = cast.rep(cast.sdr)
        lead = lead_of(rep, inbound=True)
        Lead.objects.filter(pk=lead.pk).update(due_at=NOW - timedelta(minutes=5))
        home = motions.inbound_home(rep=rep, at=NOW)
        assert (home.today.kept, home.today.promised, home.waiting_late) == (0, 1, 1)

    def test_says_what_became_of_the_meetings(self, cast: Cast) -> None:
        from apps.leads.services import hand_offs

        hand_off = handed_off(cast)
        hand_offs.reject_hand_off(
            hand_off=hand_off,
            criterion="need",
            reason=RejectionReason.UNSUPPORTED,
            comment="They have one.",
            at=NOW + timedelta(hours=1),
            actor=cast.ae,
        )
        home = motions.inbound_home(rep=cast.rep(cast.sdr), at=NOW + timedelta(hours=2))
        assert (home.meetings.booked, home.meetings.rejected) == (1, 1)
        assert home.meetings.criteria == (("Need", 1),)

    def test_takes_three_statements(self, cast: Cast, django_assert_num_queries) -> None:
        rep = cast.rep(cast.sdr)
        with django_assert_num_queries(3):
            motions.inbound_home(rep=rep, at=NOW)


@pytest.mark.django_db
class TestOutreachOfAMonth:
    def test_each_figure_is_the_number_of_its_events(self, rep: Rep, cast: Cast) -> None:
        for place in range(3):
            lead = lead_of(rep, f"lead{place}")
            brought(rep, lead, campaign="Spring letter" if place else "")
            converted(lead, NOW)
        alone = lead_of(rep, "caldmoor")
        record_visits(visits=[NewVisit(lead=alone, occurred_at=NOW, campaign="Retargeting")], at=NOW)
        record_visits(visits=[NewVisit(lead=alone, occurred_at=NOW, page="/x")], at=NOW)
        found = outreach(user=cast.marketing, month=NOVEMBER, at=NOW)
        assert (found.caused_by_touch, found.caused_by_campaign, found.unknown) == (3, 1, 1)
        lines = [*found.by_rep, *found.by_campaign, *found.by_channel, found.by_month[0]]
        assert {line.name for line in lines} == {
            rep.name,
            "Spring letter",
            "Retargeting",
            "No campaign",
            "Email",
            "A campaign alone",
            "Not known",
            "November 2026",
        }
        for line in lines:
            for what, figure in (("visits", line.visits), ("conversions", line.conversions)):
                filters = Filters.of({**_plain(line.filters), "what": what})
                rows = events_behind(user=cast.marketing, filters=filters, month=NOVEMBER)
                assert rows.count() == figure, (line.name, what)

    def test_a_manager_sees_what_the_own_teams_caused(self, rep: Rep, cast: Cast) -> None:
        brought(rep, lead_of(rep))
        assert outreach(user=cast.manager, month=NOVEMBER, at=NOW).caused_by_touch == 1
        assert outreach(user=cast.outside_manager, month=NOVEMBER, at=NOW).visits == 0

    def test_takes_a_fixed_number_of_statements(
        self, rep: Rep, cast: Cast, django_assert_num_queries
    ) -> None:
        for place in range(5):
            lead = lead_of(rep, f"lead{place}")
            brought(rep, lead)
            converted(lead, NOW)
        with django_assert_num_queries(8):
            outreach(user=cast.revops, month=NOVEMBER, at=NOW)


def _plain(filters: Filters) -> dict[str, str]:
    given = {"rep": str(filters.rep or ""), "channel": filters.channel}
    return given if filters.campaign is None else {**given, "campaign": filters.campaign}


@pytest.mark.django_db
class TestPages:
    @pytest.fixture(autouse=True)
    def _now(self, time_machine: Any) -> None:
        time_machine.move_to(NOW, tick=False)

    def test_the_home_is_a_page_and_a_fragment(self, rep: Rep, cast: Cast, client: Any) -> None:
        brought(rep, lead_of(rep))
        client.force_login(cast.sdr)
        page = client.get(reverse("leads:home"))
        fragment = client.get(reverse("leads:home"), headers={"HX-Request": "true"})
        for response in (page, fragment):
            assert "What your outreach brought" in response.content.decode()
        assert "<html" in page.content.decode()
        assert "<html" not in fragment.content.decode()

    def test_the_inbound_home_is_another(self, cast: Cast, client: Any) -> None:
        client.force_login(cast.teammate)
        assert "Speed to first human touch" in client.get(reverse("leads:home")).content.decode()

    def test_outreach_opens_down_to_its_events(self, rep: Rep, cast: Cast, client: Any) -> None:
        lead = lead_of(rep)
        visit = brought(rep, lead)
        converted(lead, NOW)
        client.force_login(cast.manager)
        shown = client.get(reverse("leads:outreach"), {"compare": "1"}).content.decode()
        assert rep.name in shown
        assert "would get the same cause again" in shown
        for what in ("visits", "conversions"):
            behind = client.get(reverse("leads:outreach_events"), {"rep": rep.pk, "what": what})
            assert reverse("leads:event", args=[visit.pk]) in behind.content.decode()

    def test_a_month_that_is_none_does_not_exist(self, cast: Cast, client: Any) -> None:
        client.force_login(cast.manager)
        assert client.get(reverse("leads:outreach"), {"month": "2026Q4"}).status_code == 404

    def test_inbound_stands_beside_it(self, cast: Cast, client: Any) -> None:
        handed_off(cast)
        client.force_login(cast.marketing)
        shown = client.get(reverse("leads:inbound")).content.decode()
        assert cast.rep(cast.sdr).name in shown
        client.force_login(cast.manager)
        address = reverse("scorecards:events", args=[cast.rep(cast.sdr).pk, "2026-11", "meetings_booked"])
        assert address in client.get(reverse("leads:inbound")).content.decode()
        assert client.get(address).status_code == 200

    def test_switches_are_the_own_ones_and_a_managers_the_teams(self, cast: Cast, client: Any) -> None:
        handed_off(cast)
        client.force_login(cast.sdr)
        own = client.get(reverse("leads:focus_report")).content.decode()
        assert "0 switches today; your median is 0." in own
        client.force_login(cast.manager)
        assert cast.teammate.name in client.get(reverse("leads:focus_report")).content.decode()
        outsider = cast.rep(cast.outsider)
        assert client.get(reverse("leads:focus_report"), {"rep": outsider.pk}).status_code == 404
