"""The pages of scorecards: who opens which, what they show, and within how many statements."""

from collections.abc import Callable
from datetime import UTC, date, datetime

import pytest
from django.test import Client
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries

from apps.core.periods import month_of, quarter_of
from apps.jobs.models import Job
from apps.leads.models import FunnelEvent
from apps.reps.models import Quota, QuotaMeasure, Rep, RepRole
from apps.scorecards.models import Scorecard, ScorecardNote, ScorecardSignature
from apps.scorecards.services import cards, rankings
from tests.cast import NOW, Cast
from tests.scorecards import company as generated
from tests.stage import staged

OCTOBER = month_of(date(2026, 10, 1))
CLOSED_AT = datetime(2026, 11, 2, 5, tzinfo=UTC)
REPS = ("sdr", "ae", "am")
EVERYONE = ("sdr", "ae", "am", "manager", "outside_manager", "revops", "finance", "marketing")


def page(client: Client, user: object, address: str) -> tuple[int, str]:
    client.force_login(user)
    response = client.get(address)
    return response.status_code, response.content.decode()


@pytest.fixture
@staged
def busy(cast: Cast) -> Cast:
    """The cast with a record: some months of deals among its own AEs and SDRs."""
    company = generated.Company(
        aes=[cast.rep(cast.ae), cast.rep(cast.second_ae)],
        sdrs=[cast.rep(cast.sdr), cast.rep(cast.teammate)],
        ae_team=cast.ae_team,
        sdr_team=cast.sdr_team,
    )
    generated.fill(company, seed=5, deals=30)
    cards.freeze_month(month=OCTOBER, at=CLOSED_AT)
    quarter = quarter_of(date(2026, 10, 1))
    for measure, worth in (
        (QuotaMeasure.CONVERTED_LEADS, {"target_count": 40}),
        (QuotaMeasure.AMOUNT_ACCEPTED, {"target_minor": 100_000_000, "currency": "EUR"}),
    ):
        Quota.objects.create(
            team=cast.sdr_team, measure=measure, starts_on=quarter.start, ends_on=quarter.end, **worth
        )
    return cast


class TestOwnCard:
    @pytest.mark.parametrize("part", REPS)
    @pytest.mark.parametrize("month", ["", "?month=2026-11", "?month=2026-09"])
    def test_shows_for_each_kind_of_rep_closed_open_and_past(self, busy, client, part, month):
        user = getattr(busy, part)
        status, text = page(client, user, reverse("scorecards:own") + month)
        assert status == 200
        assert user.name in text

    def test_shows_the_last_whole_month_by_itself(self, busy, client):
        _, text = page(client, busy.ae, reverse("scorecards:own"))
        assert "Ae, October 2026" in text
        assert "frozen" in text

    def test_shows_how_the_index_was_made(self, busy, client):
        _, text = page(client, busy.ae, reverse("scorecards:own"))
        row = Scorecard.objects.get(rep__user=busy.ae, month_on=OCTOBER.start)
        assert row.copy["ranking"]["reason"] in text
        for name in ("Revenue won", "Win rate", "Average deal", "Sales cycle", "Self-sourced pipeline"):
            assert name in text

    @pytest.mark.parametrize("month", ["2026-12", "2024-01", "2026Q3", "soon"])
    def test_a_month_that_is_none_does_not_exist(self, busy, client, month):
        assert page(client, busy.ae, reverse("scorecards:own") + f"?month={month}")[0] == 404

    def test_somebody_who_is_no_rep_yet_is_told_so(self, cast, client):
        Rep.objects.filter(user=cast.am).delete()
        status, text = page(client, cast.am, reverse("scorecards:own"))
        assert status == 200
        assert "You are in no team yet" in text

    def test_is_read_in_a_bounded_number_of_statements(
        self, busy, client, django_assert_max_num_queries: DjangoAssertNumQueries
    ):
        client.force_login(busy.ae)
        for month, most in (("2026-10", 34), ("2026-11", 40)):
            with django_assert_max_num_queries(most):
                client.get(reverse("scorecards:own"), {"month": month})


def card_address(user: object) -> str:
    return reverse("scorecards:scorecard_of", args=[Rep.objects.get(user=user).pk, "2026-10"])


class TestWhoSeesACard:
    """The card of the AE: role by role. Out of scope is 404, a role with no business here is 403."""

    TABLE = (
        ("ae", 200),
        ("second_ae", 404),
        ("sdr", 404),
        ("am", 404),
        ("manager", 200),
        ("outside_manager", 404),
        ("revops", 200),
        ("finance", 403),
        ("marketing", 403),
    )

    @pytest.mark.parametrize("part, expected", TABLE)
    def test_by_rep_and_month(self, busy, client, part, expected):
        assert page(client, getattr(busy, part), card_address(busy.ae))[0] == expected

    @pytest.mark.parametrize("part, expected", TABLE)
    def test_by_number(self, busy, client, part, expected):
        row = Scorecard.objects.get(rep__user=busy.ae, month_on=OCTOBER.start)
        assert (
            page(client, getattr(busy, part), reverse("scorecards:scorecard", args=[row.pk]))[0] == expected
        )

    @pytest.mark.parametrize("part, expected", TABLE)
    def test_its_events(self, busy, client, part, expected):
        rep = Rep.objects.get(user=busy.ae)
        address = reverse("scorecards:events", args=[rep.pk, "2026-10", "revenue_won"])
        assert page(client, getattr(busy, part), address)[0] == expected

    def test_nobody_without_signing_in(self, busy, client):
        assert client.get(card_address(busy.ae)).status_code == 302


class TestList:
    @pytest.mark.parametrize(
        "part, expected",
        [("manager", 200), ("revops", 200), ("ae", 403), ("sdr", 403), ("finance", 403), ("marketing", 403)],
    )
    def test_is_for_managers_and_revops(self, busy, client, part, expected):
        assert page(client, getattr(busy, part), reverse("scorecards:list"))[0] == expected

    def test_a_manager_sees_own_teams_only(self, busy, client):
        _, own = page(client, busy.manager, reverse("scorecards:list"))
        _, foreign = page(client, busy.outside_manager, reverse("scorecards:list"))
        assert "Second Ae" in own
        assert "Outsider" not in own
        assert "Outsider" in foreign
        assert "Second Ae" not in foreign

    def test_counts_the_cards_that_wait_for_a_signature(self, busy, client):
        _, text = page(client, busy.manager, reverse("scorecards:list"))
        assert "5 wait for your signature" in text
        card = Scorecard.objects.get(rep__user=busy.ae)
        cards.sign(card=card, user=busy.manager, fingerprint=card.fingerprint, at=NOW)
        _, text = page(client, busy.manager, reverse("scorecards:list"))
        assert "4 wait for your signature" in text

    @pytest.mark.parametrize("month", ["2026-10", "2026-11"])
    def test_is_read_in_as_many_statements_with_more_people(
        self, busy, client, month, django_assert_max_num_queries: DjangoAssertNumQueries
    ):
        client.force_login(busy.manager)
        for number in range(6):
            Rep.objects.create(
                name=f"Newcomer {number}", team=busy.sdr_team, role=RepRole.ISR, hired_on=date(2026, 1, 1)
            )
        with django_assert_max_num_queries(36):
            client.get(reverse("scorecards:list"), {"month": month})

    def test_goes_on_to_another_page(self, busy, client, monkeypatch):
        monkeypatch.setattr("apps.scorecards.views.cards.PAGE_SIZE", 3)
        client.force_login(busy.manager)
        first = client.get(reverse("scorecards:list"))
        second = client.get(reverse("scorecards:list"), {"after": first.context["page"].next_after})
        names = [row["rep"].name for response in (first, second) for row in response.context["rows"]]
        assert len(names) == len(set(names)) == 5


class TestNotesAndSignatures:
    def note(self, client: Client, user: object, about: object, text: str = "Well done.") -> int:
        client.force_login(user)
        rep = Rep.objects.get(user=about)
        return client.post(reverse("scorecards:note", args=[rep.pk, "2026-10"]), {"text": text}).status_code

    @pytest.mark.parametrize(
        "part, expected",
        [
            ("ae", 302),
            ("manager", 302),
            ("second_ae", 404),
            ("outside_manager", 404),
            ("revops", 403),
            ("finance", 403),
            ("marketing", 403),
        ],
    )
    def test_the_rep_and_the_manager_write(self, busy, client, part, expected):
        assert self.note(client, getattr(busy, part), busy.ae) == expected
        assert ScorecardNote.objects.count() == (expected == 302)

    def test_an_empty_note_says_so_at_the_field(self, busy, client):
        assert self.note(client, busy.ae, busy.ae, "  ") == 400

    @pytest.mark.parametrize(
        "part, expected",
        [
            ("ae", 302),
            ("manager", 302),
            ("second_ae", 404),
            ("outside_manager", 404),
            ("revops", 403),
            ("finance", 403),
            ("marketing", 403),
        ],
    )
    def test_the_rep_and_the_manager_sign_for_themselves(self, busy, client, part, expected):
        client.force_login(getattr(busy, part))
        row = Scorecard.objects.get(rep__user=busy.ae, month_on=OCTOBER.start)
        forged = {"signed_as": "manager", "user": busy.manager.pk, "fingerprint": row.fingerprint}
        assert client.post(reverse("scorecards:sign", args=[row.pk]), forged).status_code == expected
        found = list(ScorecardSignature.objects.values_list("user", "signed_as", "fingerprint"))
        part_of = {"ae": "rep", "manager": "manager"}
        expected_rows = [(getattr(busy, part).pk, part_of[part], row.fingerprint)] if expected == 302 else []
        assert found == expected_rows

    @pytest.mark.parametrize("given", [{}, {"fingerprint": "0" * 64}, {"fingerprint": "x" * 65}])
    def test_what_was_not_read_cannot_be_signed(self, busy, client, given):
        client.force_login(busy.ae)
        row = Scorecard.objects.get(rep__user=busy.ae, month_on=OCTOBER.start)
        assert client.post(reverse("scorecards:sign", args=[row.pk]), given).status_code == 409
        assert not ScorecardSignature.objects.exists()

    def test_reading_never_writes(self, busy, client):
        before = Scorecard.objects.count()
        for month in ("2026-08", "2026-11"):
            page(client, busy.ae, reverse("scorecards:own") + f"?month={month}")
        assert Scorecard.objects.count() == before


class TestRankingPage:
    @pytest.mark.parametrize(
        "part, expected",
        [
            ("ae", 200),
            ("manager", 200),
            ("revops", 200),
            ("sdr", 403),
            ("am", 403),
            ("finance", 403),
            ("marketing", 403),
        ],
    )
    def test_is_for_aes_managers_and_revops(self, busy, client, part, expected):
        assert page(client, getattr(busy, part), reverse("scorecards:ranking"))[0] == expected

    def test_shows_an_ae_the_peers_and_the_own_row(self, busy, client):
        client.force_login(busy.ae)
        response = client.get(reverse("scorecards:ranking"))
        rows = response.context["rows"]
        assert {row["name"] for row in rows} == {"Ae", "Second Ae"}
        assert [row["name"] for row in rows if row["is_own"]] == ["Ae"]

    def test_shows_a_stranger_nobody(self, busy, client):
        client.force_login(busy.outside_manager)
        response = client.get(reverse("scorecards:ranking"))
        assert response.context["rows"] == []
        assert "Second Ae" not in response.content.decode()

    def test_explains_a_standing_to_peers_only(self, busy, client):
        row = rankings.RankingRow.objects.filter(rep__user=busy.second_ae).first()
        address = reverse("scorecards:standing", args=[row.pk])
        assert page(client, busy.ae, address)[0] == 200
        assert page(client, busy.outside_manager, address)[0] == 404
        _, text = page(client, busy.ae, address)
        assert "Nearest step" not in text, "a peer's advice is the peer's own"
        client.force_login(busy.ae)
        fragment = client.get(address, headers={"HX-Request": "true"}).content.decode()
        assert "<html" not in fragment

    def test_says_what_to_do_before_the_first_ranking(self, cast, client):
        status, text = page(client, cast.revops, reverse("scorecards:ranking"))
        assert status == 200
        assert "No ranking was made yet" in text

    def test_a_day_that_is_none_is_said_and_the_newest_shown(self, busy, client):
        status, text = page(client, busy.ae, reverse("scorecards:ranking") + "?as_of=soon")
        assert status == 200
        assert "not a day" in text

    def test_a_manager_asks_for_a_new_one_and_sees_how_far_it_is(
        self, busy, client, run_jobs: Callable[[], int]
    ):
        client.force_login(busy.manager)
        response = client.post(reverse("scorecards:recompute"), {"as_of": "2026-11-12"})
        assert response.status_code == 302
        job = Job.objects.get(kind=rankings.JOB_KIND)
        assert job.requested_by == busy.manager
        waiting = client.get(response.url).content.decode()
        assert f"job-{job.pk}" in waiting
        run_jobs()
        done = client.get(response.url)
        assert done.context["snapshot"].as_of == date(2026, 11, 12)

    @pytest.mark.parametrize("part", ["ae", "sdr", "finance", "marketing"])
    def test_nobody_else_asks_for_one(self, busy, client, part):
        client.force_login(getattr(busy, part))
        assert client.post(reverse("scorecards:recompute")).status_code == 403
        assert not Job.objects.filter(kind=rankings.JOB_KIND).exists()

    def test_a_day_to_come_is_refused_in_words(self, busy, client):
        client.force_login(busy.revops)
        response = client.post(reverse("scorecards:recompute"), {"as_of": "2027-01-01"}, follow=True)
        assert "is still to come" in response.content.decode()

    def test_tells_an_ae_of_a_tier_change(self, busy, client):
        from apps.reps.services.tiers import change_tier

        change_tier(
            rep=busy.rep(busy.ae),
            tier_before=busy.rep(busy.ae).tier,
            tier_after=2,
            effective_on=date(2026, 11, 3),
            reason="The index is 0.7000.",
            at=NOW,
        )
        _, text = page(client, busy.ae, reverse("scorecards:ranking"))
        assert "You moved from tier" in text

    def test_is_read_in_a_bounded_number_of_statements(
        self, busy, client, django_assert_max_num_queries: DjangoAssertNumQueries
    ):
        client.force_login(busy.ae)
        with django_assert_max_num_queries(16):
            client.get(reverse("scorecards:ranking"))


class TestTeamTargetPage:
    @pytest.mark.parametrize("part", EVERYONE)
    def test_is_for_everybody(self, busy, client, part):
        assert page(client, getattr(busy, part), reverse("scorecards:team_target"))[0] == 200

    def test_shows_figures_and_what_is_needed(self, busy, client):
        _, text = page(client, busy.sdr, reverse("scorecards:team_target"))
        handed = FunnelEvent.objects.effective().filter(kind="handed_off")
        first, last = quarter_of(date(2026, 10, 1)).bounds("Europe/Berlin")
        count = handed.filter(occurred_at__gte=first, occurred_at__lt=last).count()
        assert count
        assert f'{count} <span class="of">of 40</span>' in text
        assert "a week are needed" in text

    @pytest.mark.parametrize(
        "part, sees",
        [("sdr", True), ("manager", True), ("revops", True), ("marketing", False), ("finance", False)],
    )
    def test_shows_who_contributed_to_the_team_its_manager_and_revops(self, busy, client, part, sees):
        address = f"{reverse('scorecards:team_target')}?team={busy.sdr_team.pk}"
        assert ("Who contributed" in page(client, getattr(busy, part), address)[1]) == sees

    def test_a_team_out_of_scope_does_not_exist(self, busy, client):
        address = f"{reverse('scorecards:team_target')}?team={busy.other_team.pk}"
        assert page(client, busy.sdr, address)[0] == 404
        assert page(client, busy.marketing, address)[0] == 200

    def test_a_period_that_is_none_is_said(self, busy, client):
        status, text = page(client, busy.sdr, reverse("scorecards:team_target") + "?period=soon")
        assert status == 200
        assert "is not a period" in text

    @pytest.mark.parametrize(
        "part, expected",
        [("manager", 200), ("revops", 200), ("outside_manager", 404), ("sdr", 403), ("marketing", 403)],
    )
    def test_its_events_are_for_the_manager_and_revops(self, busy, client, part, expected):
        address = reverse(
            "scorecards:team_target_events", args=[busy.sdr_team.pk, "2026Q4", "converted-leads"]
        )
        assert page(client, getattr(busy, part), address)[0] == expected

    def test_is_read_in_a_bounded_number_of_statements(
        self, busy, client, django_assert_max_num_queries: DjangoAssertNumQueries
    ):
        client.force_login(busy.manager)
        with django_assert_max_num_queries(21):
            client.get(reverse("scorecards:team_target"))


class TestEventsPage:
    def address(self, user: object, key: str = "touches", period: str = "2026-10") -> str:
        return reverse("scorecards:events", args=[Rep.objects.get(user=user).pk, period, key])

    def test_lists_each_event_behind_the_figure(self, busy, client, monkeypatch):
        monkeypatch.setattr("apps.scorecards.views.events.PAGE_SIZE", 4)
        client.force_login(busy.sdr)
        seen, after = [], ""
        while True:
            response = client.get(self.address(busy.sdr), {"after": after})
            seen += [row["event"].pk for row in response.context["rows"]]
            after = response.context["page"].next_after
            if not after:
                break
        assert len(seen) == len(set(seen))
        assert response.context["figure"] == str(len(seen))

    def test_says_as_of_when_it_was_asked(self, busy, client):
        _, text = page(client, busy.sdr, self.address(busy.sdr) + "?as_of=2026-10-15")
        assert "as recorded by" in text

    @pytest.mark.parametrize("key, period", [("luck", "2026-10"), ("touches", "soon")])
    def test_an_unknown_metric_or_period_does_not_exist(self, busy, client, key, period):
        assert page(client, busy.sdr, self.address(busy.sdr, key, period))[0] == 404

    def test_an_instant_that_is_none_is_refused_in_words(self, busy, client):
        status, text = page(client, busy.sdr, self.address(busy.sdr) + "?as_of=soon")
        assert status == 400
        assert "not a day" in text

    def test_is_read_in_a_bounded_number_of_statements(
        self, busy, client, django_assert_max_num_queries: DjangoAssertNumQueries
    ):
        client.force_login(busy.sdr)
        with django_assert_max_num_queries(14):
            client.get(self.address(busy.sdr))


class TestMetricsPage:
    @pytest.mark.parametrize("part", EVERYONE)
    def test_defines_every_metric_for_everybody(self, cast, client, part):
        status, text = page(client, getattr(cast, part), reverse("scorecards:metrics"))
        assert status == 200
        assert "Speed to first touch" in text
