"""Nobody alone on the lowest tier; goals of one step, measured from the record; meetings to listen to."""

from datetime import UTC, date, datetime, timedelta
from fractions import Fraction

import pytest
from django.test import Client
from django.urls import reverse

from apps.accounts.models import Notification
from apps.audit.models import AuditEntry
from apps.core.errors import InvalidInput
from apps.core.periods import month_of, parse_period
from apps.leads.models import Lead, Meeting
from apps.leads.services.meetings import link_recording
from apps.reps.models import Rep, RepRole
from apps.scorecards.models import PracticeGoal, SharedRecording, SupportAction
from apps.scorecards.notification_kinds import COACHED, SUPPORT_ASKED
from apps.scorecards.rules.coaching import GoalState
from apps.scorecards.selectors.coaching import peers_at, progress_of, recorded_meetings, strength_of
from apps.scorecards.services import coaching, rankings, support
from tests.cast import NOW, Cast
from tests.leads.test_hand_off_races import race
from tests.scorecards.plain import PlainRecord
from tests.scorecards.sellers import Sellers
from tests.stage import staged

TODAY = NOW.date()
TEXT = "Every Tuesday at four we listen to one call."


@pytest.fixture
@staged
def sellers(cast: Cast) -> Sellers:
    """Four AEs of the cast's manager, on tiers 1, 2, 3 and 3, each weaker than the last; the last is the cast's AE."""
    made = Sellers(1, 2, 3, 3)
    Rep.objects.filter(user=cast.ae).update(user=None)
    Rep.objects.filter(pk=made.reps[3].pk).update(user=cast.ae)
    made.team.manager = cast.manager
    made.team.save()
    made.reps = list(Rep.objects.filter(team=made.team).select_related("team", "user").order_by("pk"))
    for rep, won, lost in zip(made.reps, (12, 9, 6, 3), (3, 6, 9, 12), strict=True):
        made.deals(rep, won=won, lost=lost)
    return made


def ranked(day: date = TODAY, at: datetime = NOW) -> int:
    rankings.recompute_rankings(as_of=day, at=at)
    return support.raise_for_newest_ranking(at=at)


def lowest() -> set[int]:
    return set(Rep.objects.filter(role="ae", tier=3, team__name="AEs").values_list("pk", flat=True))


class TestSupport:
    def test_is_asked_for_each_whom_a_ranking_leaves_on_the_lowest_tier(self, cast: Cast, sellers: Sellers):
        ranked()
        asked = SupportAction.objects.filter(rep__team=sellers.team)
        assert {one.rep_id for one in asked} == lowest() != set()
        assert all(one.is_open and one.reason for one in asked)

    def test_is_asked_for_one_whom_a_ranking_moves_there(self, cast: Cast, sellers: Sellers):
        Rep.objects.filter(pk=sellers.reps[3].pk).update(tier=2)
        ranked()
        assert Rep.objects.get(pk=sellers.reps[3].pk).tier == 3
        action = SupportAction.objects.get(rep=sellers.reps[3])
        assert "tier" in action.reason

    def test_is_asked_once_a_month_however_often_it_is_ranked(self, cast: Cast, sellers: Sellers):
        first = ranked()
        assert first == SupportAction.objects.count() > 0
        assert ranked() == 0
        assert ranked(TODAY + timedelta(days=1), NOW + timedelta(days=1)) == 0
        assert Notification.objects.filter(kind=SUPPORT_ASKED, user=cast.manager).count() == len(
            SupportAction.objects.filter(rep__team__manager=cast.manager)
        )

    def test_an_open_one_is_not_asked_twice_and_an_answered_one_is_asked_anew_next_month(
        self, cast: Cast, sellers: Sellers
    ):
        ranked()
        later = datetime(2026, 12, 2, 9, tzinfo=UTC)
        rep = sellers.reps[3]
        assert SupportAction.objects.filter(rep=rep).count() == 1
        ranked(later.date(), later)
        assert SupportAction.objects.filter(rep=rep).count() == 1, "still open"
        answered(cast, rep)
        again = datetime(2027, 1, 2, 9, tzinfo=UTC)
        ranked(again.date(), again)
        assert SupportAction.objects.filter(rep=rep).count() == 2

    def test_the_ranking_job_asks_by_itself(self, cast: Cast, sellers: Sellers, run_jobs):
        rankings.ask_for_ranking(as_of=TODAY, at=NOW)
        run_jobs()
        assert SupportAction.objects.filter(rep=sellers.reps[3]).exists()

    def test_stays_open_and_is_told_again_to_revops_too_until_it_is_answered(
        self, cast: Cast, sellers: Sellers
    ):
        ranked()
        action = SupportAction.objects.get(rep=sellers.reps[3])
        SupportAction.objects.exclude(pk=action.pk).update(is_open=False)
        assert support.sweep(at=NOW + timedelta(days=7, seconds=-1)) == 0
        assert support.sweep(at=NOW + timedelta(days=7)) == 1
        assert support.sweep(at=NOW + timedelta(days=7)) == 0
        assert support.sweep(at=NOW + timedelta(days=14)) == 1
        action.refresh_from_db()
        assert (action.is_open, action.escalations) == (True, 2)
        told = Notification.objects.filter(kind=SUPPORT_ASKED)
        assert told.filter(user=cast.revops).count() == 2
        answered(cast, sellers.reps[3])
        assert support.sweep(at=NOW + timedelta(days=60)) == 0

    def test_of_a_team_without_a_manager_is_asked_of_revops(self, cast: Cast, sellers: Sellers):
        sellers.team.manager = None
        sellers.team.save()
        ranked()
        action = SupportAction.objects.get(rep=sellers.reps[3])
        told = Notification.objects.get(kind=SUPPORT_ASKED, key=f"support:{action.pk}:0")
        assert told.user == cast.revops

    def test_an_answer_is_told_to_the_rep_kept_once_and_audited(self, cast: Cast, sellers: Sellers):
        ranked()
        answer = answered(cast, sellers.reps[3])
        assert Notification.objects.get(kind=COACHED).user == cast.ae
        assert AuditEntry.objects.get(verb="scorecards.support.answered").actor == cast.manager
        with pytest.raises(support.UnableToAnswer, match="already"):
            support.answer_support(action=answer.action, kind="other", text=TEXT, at=NOW, actor=cast.manager)

    @pytest.mark.parametrize(("kind", "text", "field"), [("hope", TEXT, "kind"), ("other", "Soon", "text")])
    def test_silence_is_no_answer(self, cast: Cast, sellers: Sellers, kind, text, field):
        ranked()
        with pytest.raises(InvalidInput) as refused:
            answered(cast, sellers.reps[3], kind=kind, text=text)
        assert refused.value.field == field

    @pytest.mark.django_db(transaction=True)
    def test_two_sweeps_at_once_ask_once(self, cast: Cast, sellers: Sellers):
        rankings.recompute_rankings(as_of=TODAY, at=NOW)
        race([lambda: support.raise_for_newest_ranking(at=NOW)] * 2)
        assert SupportAction.objects.filter(rep=sellers.reps[3]).count() == 1
        assert Notification.objects.filter(
            kind=SUPPORT_ASKED, user=cast.manager, title__startswith=sellers.reps[3].name
        ).count() == 1  # fmt: skip

    @pytest.mark.django_db(transaction=True)
    def test_two_who_answer_at_once_give_one_answer(self, cast: Cast, sellers: Sellers):
        ranked()
        asked = SupportAction.objects.get(rep=sellers.reps[3], is_open=True).pk

        def answer():
            # Whoever comes second read the page while it was open, however late the answer is.
            return support.answer_support(
                action=SupportAction.objects.select_related("rep__user").get(pk=asked),
                kind="coaching",
                text=TEXT,
                at=NOW,
                actor=cast.manager,
            )

        outcomes = race([answer] * 2)
        assert sum(isinstance(one, support.UnableToAnswer) for one in outcomes) == 1


def answered(cast: Cast, rep: Rep, **more: object):
    action = SupportAction.objects.select_related("rep__user").get(rep=rep, is_open=True)
    return support.answer_support(
        **{"action": action, "kind": "coaching", "text": TEXT, "at": NOW, "actor": cast.manager, **more}
    )


NOVEMBER, DECEMBER = parse_period("2026-11"), parse_period("2026-12")


def goal(cast: Cast, rep: Rep, aim: Fraction, **more: object) -> PracticeGoal:
    return coaching.set_goal(
        **{
            "rep": rep, "metric": "win_rate", "aim": aim, "last_month": DECEMBER, "at": NOW,
            "actor": cast.manager, **more,
        }
    )  # fmt: skip


class TestGoals:
    def test_go_one_tier_up_to_its_mean_and_no_further(self, cast: Cast, sellers: Sellers):
        lowest_rep = sellers.reps[3]
        with pytest.raises(coaching.UnableToCoach, match="one small step at a time"):
            goal(cast, lowest_rep, Fraction(9, 15) + Fraction(1, 1000))
        made = goal(cast, lowest_rep, Fraction(9, 15))
        assert (made.baseline, made.aim, made.tier_from, made.tier_to) == ("1/5", "3/5", 3, 2)

    def test_never_go_backwards(self, cast: Cast, sellers: Sellers):
        with pytest.raises(coaching.UnableToCoach):
            goal(cast, sellers.reps[3], Fraction(1, 5))

    def test_run_one_at_a_time_for_a_metric(self, cast: Cast, sellers: Sellers):
        made = goal(cast, sellers.reps[3], Fraction(1, 2))
        with pytest.raises(coaching.UnableToCoach, match="runs already"):
            goal(cast, sellers.reps[3], Fraction(1, 3))
        coaching.end_goal(goal=made, reason="Another plan", at=NOW, actor=cast.manager)
        goal(cast, sellers.reps[3], Fraction(1, 3))
        with pytest.raises(coaching.UnableToCoach, match="ended already"):
            coaching.end_goal(goal=made, reason="Again", at=NOW, actor=cast.manager)

    @pytest.mark.parametrize(
        ("changed", "field"),
        [({"metric": "touches"}, "metric"), ({"last_month": parse_period("2026-10")}, "last_month"),
         ({"last_month": parse_period("2027-06")}, "last_month")],
    )  # fmt: skip
    def test_name_what_is_wrong(self, cast: Cast, sellers: Sellers, changed, field):
        with pytest.raises(InvalidInput) as refused:
            goal(cast, sellers.reps[3], Fraction(1, 2), **changed)
        assert refused.value.field == field

    def test_are_measured_from_the_record_and_from_nothing_else(self, cast: Cast, sellers: Sellers):
        made = goal(cast, sellers.reps[3], Fraction(2, 5))
        [before] = progress_of([made], TODAY)
        assert before.state is GoalState.RUNNING
        sellers.deals(sellers.reps[3], won=7, on=date(2026, 11, 5))
        [now] = progress_of([made], TODAY)
        plain = PlainRecord().value("win_rate", sellers.reps[3], now.basis)
        assert now.now == plain
        assert now.basis.months()[-1] == month_of(TODAY)
        assert now.state is GoalState.REACHED

    def test_that_run_out_are_missed(self, cast: Cast, sellers: Sellers):
        made = goal(cast, sellers.reps[3], Fraction(3, 5), last_month=NOVEMBER)
        [later] = progress_of([made], date(2026, 12, 1))
        assert later.state is GoalState.MISSED

    def test_without_anything_in_the_record_there_is_no_step(self, cast: Cast):
        with pytest.raises(coaching.UnableToCoach, match="nothing"):
            goal(cast, cast.rep(cast.ae), Fraction(1, 2))

    def test_are_seen_by_the_rep_the_manager_and_revops(self, cast: Cast, sellers: Sellers):
        goal(cast, sellers.reps[3], Fraction(2, 5))
        seen = {
            name for name, user in cast.everyone().items() if PracticeGoal.objects.visible_to(user).exists()
        }
        assert seen == {"ae", "manager", "revops"}


class TestStrength:
    def test_lists_the_best_first_by_the_records_figure(self, cast: Cast, sellers: Sellers):
        found = strength_of(reps=sellers.reps, role="ae", metric="win_rate", before=NOVEMBER.start)
        plain = PlainRecord()
        wanted = {rep.pk: plain.value("win_rate", rep, found.basis) for rep in sellers.reps}
        assert {one.rep_id: one.value for one in found.peers} == wanted
        assert [one.rep_id for one in found.peers] == [rep.pk for rep in sellers.reps]
        assert found.mean == sum(wanted.values()) / 4
        assert {one.rep_id: one.tier for one in found.peers} == found.tiers

    def test_where_lower_is_better_the_lowest_leads(self, cast: Cast, sellers: Sellers):
        sellers.deals(sellers.reps[3], won=20, days=1, on=date(2026, 10, 5))
        found = strength_of(reps=sellers.reps, role="ae", metric="sales_cycle", before=NOVEMBER.start)
        assert found.peers[0].rep_id == sellers.reps[3].pk

    def test_peers_of_money_are_those_of_the_currency(self, cast: Cast, sellers: Sellers):
        other = Rep.objects.create(
            name="Dollar", team=cast.other_team, role=RepRole.AE, tier=3, hired_on=date(2025, 1, 1)
        )
        cast.other_team.currency = "USD"
        cast.other_team.save()
        found = peers_at(rep=sellers.reps[0], metric="revenue_won", before=NOVEMBER.start)
        assert other.pk not in {one.rep_id for one in found}


@pytest.fixture
@staged
def recorded(cast: Cast) -> Meeting:
    """A meeting of the cast's AE that was held and recorded."""
    meeting = Meeting.objects.create(
        lead=Lead.objects.create(company="Acme", created_at=NOW, team=cast.sdr_team),
        ae=cast.rep(cast.ae),
        starts_at=NOW - timedelta(days=2),
        ends_at=NOW - timedelta(days=2, hours=-1),
        state=Meeting.State.HELD,
        state_changed_at=NOW,
    )
    return link_recording(meeting=meeting, url="https://calls.example/1", at=NOW, actor=cast.ae)


class TestRecordings:
    @pytest.mark.parametrize("url", ["http://calls.example/1", "javascript:alert(1)", "calls"])
    def test_are_linked_at_https_addresses_alone(self, cast: Cast, recorded: Meeting, url):
        with pytest.raises(InvalidInput):
            link_recording(meeting=recorded, url=url, at=NOW, actor=cast.ae)

    def test_are_listed_to_those_who_see_the_meeting(self, cast: Cast, recorded: Meeting):
        seen = {name for name, user in cast.everyone().items() if recorded_meetings(user).exists()}
        assert seen == {"ae", "manager", "revops"}

    def test_named_to_somebody_are_theirs_to_open_once(self, cast: Cast, recorded: Meeting):
        rep = cast.rep(cast.second_ae)
        for _ in range(2):
            coaching.share_recording(
                meeting=recorded, reps=[rep], why="The silence", at=NOW, actor=cast.manager
            )
        shared = SharedRecording.objects.get()
        assert (shared.url, shared.rep) == ("https://calls.example/1", rep)
        assert Notification.objects.get(kind=COACHED).user == cast.second_ae
        link_recording(meeting=recorded, url="https://calls.example/2", at=NOW, actor=cast.ae)
        shared.refresh_from_db()
        assert shared.url == "https://calls.example/1", "kept as it was named"

    def test_without_a_link_there_is_nothing_to_name(self, cast: Cast, recorded: Meeting):
        link_recording(meeting=recorded, url="", at=NOW, actor=cast.ae)
        with pytest.raises(coaching.UnableToCoach, match="no recording"):
            coaching.share_recording(
                meeting=recorded, reps=[cast.rep(cast.second_ae)], why="x", at=NOW, actor=cast.manager
            )


def page(client: Client, user: object, address: str, status: int = 200) -> str:
    client.force_login(user)
    response = client.get(address)
    assert response.status_code == status
    return response.content.decode()


class TestPages:
    def test_the_manager_answers_and_the_ae_reads_it(self, cast: Cast, sellers: Sellers, client: Client):
        ranked()
        action = SupportAction.objects.get(rep=sellers.reps[3])
        html = page(client, cast.manager, reverse("scorecards:coaching"))
        assert "AE 4 stands on the lowest tier." in html
        assert "Support is being arranged" in page(client, cast.ae, reverse("scorecards:own_training"))
        address = reverse("scorecards:support", args=[action.pk])
        client.force_login(cast.manager)
        silent = client.post(address, {"kind": "coaching", "text": ""})
        assert silent.status_code == 422
        assert client.post(address, {"kind": "coaching", "text": TEXT}).status_code == 302
        assert TEXT in page(client, cast.ae, reverse("scorecards:own_training"))
        assert TEXT in page(client, cast.manager, address)
        page(client, cast.outside_manager, address, 404)

    def test_the_rail_counts_what_is_open(self, cast: Cast, sellers: Sellers, client: Client):
        ranked()
        html = page(client, cast.manager, reverse("scorecards:coaching"))
        assert "on the lowest tier without an answer" in html

    def test_a_goal_is_agreed_with_its_step_shown_and_ended(
        self, cast: Cast, sellers: Sellers, client: Client
    ):
        rep = sellers.reps[3]
        address = reverse("scorecards:goal_new", args=[rep.pk])
        html = page(client, cast.manager, f"{address}?metric=win_rate")
        assert "Win rate stands at 20.0 %." in html
        assert "the mean of tier 2" in html
        given = {"metric": "win_rate", "aim": "90", "last_month": "2026-12", "why": "Two calls a week"}
        far = client.post(address, given)
        assert far.status_code == 422
        assert "one small step at a time" in far.content.decode()
        assert client.post(address, {**given, "aim": "45.5 %"}).status_code == 302
        made = PracticeGoal.objects.get()
        assert Fraction(made.aim) == Fraction("0.455")
        assert "45.5 %" in page(client, cast.ae, reverse("scorecards:own_training"))
        client.force_login(cast.manager)
        client.post(reverse("scorecards:goal_end", args=[made.pk]), {"reason": "Done early"})
        assert "Ended" in page(client, cast.manager, reverse("scorecards:coaching"))

    def test_a_recording_is_named_on_its_page(self, cast: Cast, recorded: Meeting, client: Client):
        assert "https://calls.example/1" in page(
            client, cast.manager, reverse("scorecards:coaching_recordings")
        )
        address = reverse("scorecards:recording_share", args=[recorded.pk])
        page(client, cast.manager, address)
        given = {"why": "The silence", "reps": [cast.rep(cast.second_ae).pk]}
        assert client.post(address, given).status_code == 302
        assert "https://calls.example/1" in page(client, cast.second_ae, reverse("scorecards:own_training"))
        assert "https://calls.example/1" not in page(
            client, cast.teammate, reverse("scorecards:own_training")
        )
        client.force_login(cast.manager)
        assert client.post(address, {"why": "x", "reps": [cast.rep(cast.outsider).pk]}).status_code == 422

    def test_without_anything_the_pages_say_what_to_do(self, cast: Cast, client: Client):
        html = page(client, cast.manager, reverse("scorecards:coaching"))
        assert "Nobody is left alone on the lowest tier" in html
        assert "No recording yet" in page(client, cast.manager, reverse("scorecards:coaching_recordings"))
        assert "Nothing is asked of you" in page(client, cast.am, reverse("scorecards:own_training"))
