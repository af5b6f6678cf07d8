"""Contesting a rejection: in time, once, judged by a manager of neither side, who moves the credit or does not."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.accounts.models import Notification, Role, User
from apps.core.errors import InvalidInput
from apps.leads.models import (
    AnsweredHow,
    Contest,
    ContestState,
    EventKind,
    FunnelEvent,
    HandOff,
    Lead,
    LeadStage,
    Meeting,
    Opportunity,
    RejectionReason,
)
from apps.leads.notification_kinds import ANSWERED, CONTEST, TO_JUDGE
from apps.leads.rules.contests import CALENDAR, WORKING, Sides, choose_judge, ends_at
from apps.leads.selectors.what_follows import what_follows
from apps.leads.services import booking, contest_terms, contests, hand_offs, judges, merges, qualifications
from apps.leads.services.contests import UnableToContest, UnableToJudge, UnableToState
from apps.reps.rules.hours import Hours
from apps.slas.models import Clock, ClockState, Policy
from apps.slas.services import sweep, verdicts
from tests.cast import NOW, Cast
from tests.leads.scenes import handed_off

LATER = NOW + timedelta(hours=2)
BERLIN = Hours.of("Europe/Berlin", {day: [["09:00", "17:00"]] for day in ("mon", "tue", "wed", "thu", "fri")})


def rejected(cast: Cast, company: str = "Brightmoor Logistics", slot: int = 0) -> HandOff:
    return hand_offs.reject_hand_off(
        hand_off=handed_off(cast, company, slot=slot),
        criterion="timeframe",
        reason=RejectionReason.TOO_FAR_OUT,
        comment="A date, please.",
        at=NOW,
        actor=cast.ae,
    )


def opened(cast: Cast, hand_off: HandOff, at=LATER) -> Contest:
    return contests.open_contest(hand_off=hand_off, reason="She said January.", at=at, actor=cast.sdr)


def decided(cast: Cast, contest: Contest, uphold: bool, at=LATER + timedelta(hours=3)) -> Contest:
    return contests.decide_contest(
        contest=contest, uphold=uphold, reason="It stands in the notes.", at=at, actor=contest.judge
    )


def credited(cast: Cast, kind: EventKind) -> int:
    """How many effective events of the kind credit the SDR."""
    own = FunnelEvent.objects.effective().filter(kind=kind, credits__rep=cast.rep(cast.sdr))
    return own.distinct().count()


class TestEndsAt:
    def test_counts_working_days_after_the_day_itself(self):
        # Thursday 12 November: the fifth working day after it is Thursday the 19th, until 17:00 in Berlin.
        assert ends_at(hours=BERLIN, start=NOW, days=5, counts=WORKING) == datetime(
            2026, 11, 19, 16, tzinfo=UTC
        )

    def test_begins_on_monday_what_happened_at_a_weekend(self):
        saturday = datetime(2026, 11, 14, 12, tzinfo=UTC)
        assert ends_at(hours=BERLIN, start=saturday, days=1, counts=WORKING) == datetime(
            2026, 11, 16, 16, tzinfo=UTC
        )

    def test_keeps_the_time_of_day_over_a_change_of_the_clocks(self):
        start = datetime(2026, 10, 23, 10, tzinfo=UTC)  # 12:00 in Berlin, still in summer time
        assert ends_at(hours=BERLIN, start=start, days=3, counts=CALENDAR) == datetime(
            2026, 10, 26, 11, tzinfo=UTC
        )

    def test_counts_calendar_days_where_it_is_never_open(self):
        never = Hours.of("Europe/Berlin", {})
        assert ends_at(hours=never, start=NOW, days=2, counts=WORKING) == NOW + timedelta(days=2)

    @given(st.integers(0, 60 * 24 * 365), st.integers(1, 30))
    def test_is_later_the_more_days_there_are_and_ends_when_it_closes(self, minutes, days):
        start = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=minutes)
        end = ends_at(hours=BERLIN, start=start, days=days, counts=WORKING)
        assert end > start
        assert end < ends_at(hours=BERLIN, start=start, days=days + 1, counts=WORKING)
        assert end.astimezone(UTC).hour in (15, 16)


class TestChooseJudge:
    @given(
        st.lists(st.integers(1, 12), unique=True),
        st.frozensets(st.integers(1, 12)),
        st.dictionaries(st.integers(1, 12), st.tuples(st.integers(0, 3), st.integers(0, 9))),
    )
    def test_is_neutral_least_burdened_and_the_same_each_time(self, candidates, people, judged):
        chosen = choose_judge(candidates=candidates, sides=Sides(people), judged=judged)
        assert chosen == choose_judge(
            candidates=list(reversed(candidates)), sides=Sides(people), judged=judged
        )
        neutral = [one for one in candidates if one not in people]
        if not neutral:
            assert chosen is None
            return
        assert chosen in neutral
        assert all(judged.get(chosen, (0, 0)) <= judged.get(one, (0, 0)) for one in neutral)


class TestNeutralJudge:
    def test_is_a_manager_of_neither_side(self, cast):
        judge = judges.neutral_judge(hand_off=rejected(cast))
        assert judge.user == cast.outside_manager, "the cast's manager leads both sides"
        assert "neither side" in judge.because

    def test_is_revops_when_no_manager_is_neutral(self, cast):
        cast.other_team.manager = cast.manager
        cast.other_team.save()
        User.objects.filter(pk=cast.outside_manager.pk).update(is_active=False)
        judge = judges.neutral_judge(hand_off=rejected(cast))
        assert judge.user == cast.revops
        assert "RevOps judges" in judge.because

    def test_is_never_the_manager_of_the_aes_team_alone(self, cast):
        other = User.objects.create_user("m2@larkfield.example", "x", name="Second", role=Role.MANAGER)
        cast.ae_team.manager = other
        cast.ae_team.save()
        assert judges.neutral_judge(hand_off=rejected(cast)).user == cast.outside_manager

    def test_is_refused_when_there_is_nobody(self, cast):
        hand_off = rejected(cast)
        User.objects.filter(pk__in=[cast.outside_manager.pk, cast.revops.pk]).update(is_active=False)
        with pytest.raises(judges.NobodyNeutral):
            opened(cast, hand_off)
        assert not Contest.objects.exists()

    def test_spreads_contests_evenly(self, cast):
        second = User.objects.create_user("m2@larkfield.example", "x", name="Second", role=Role.MANAGER)
        found = [opened(cast, rejected(cast, f"Company{n} Ltd", n)).judge for n in range(4)]
        assert found.count(second) == found.count(cast.outside_manager) == 2


class TestOpenContest:
    def test_names_a_judge_tells_everybody_and_goes_on_record(self, cast):
        contest = opened(cast, rejected(cast))
        assert (contest.state, contest.judge) == (ContestState.OPEN, cast.outside_manager)
        assert (contest.criterion, contest.comment) == ("timeframe", "A date, please.")
        assert contest.warn_at < contest.due_at
        assert credited(cast, EventKind.CONTESTED) == 1
        told = dict(Notification.objects.filter(kind__in=(TO_JUDGE, CONTEST)).values_list("user", "kind"))
        assert told[cast.outside_manager.pk] == TO_JUDGE
        assert {cast.ae.pk, cast.manager.pk} <= told.keys()

    def test_is_open_until_the_window_closes_and_not_after(self, cast):
        hand_off = rejected(cast)
        assert (
            hand_off.contest_until == datetime(2026, 11, 19, 16, tzinfo=UTC) or hand_off.contest_until > NOW
        )
        with pytest.raises(UnableToContest, match="time in which it could be contested is over"):
            opened(cast, hand_off, at=hand_off.contest_until + timedelta(microseconds=1))
        assert opened(cast, hand_off, at=hand_off.contest_until).is_open

    def test_is_done_once(self, cast):
        hand_off = rejected(cast)
        contest = opened(cast, hand_off)
        with pytest.raises(UnableToContest, match="done once"):
            opened(cast, hand_off)
        contests.withdraw_contest(contest=contest, at=LATER, actor=cast.sdr)
        with pytest.raises(UnableToContest, match="done once"):
            opened(cast, HandOff.objects.get())
        assert Contest.objects.count() == 1

    def test_is_for_rejections(self, cast):
        hand_off = handed_off(cast)
        with pytest.raises(UnableToContest, match="Only a rejection"):
            opened(cast, hand_off)

    @pytest.mark.parametrize("reason", ["", "   ", "x" * 1001])
    def test_wants_a_reason_in_bounds(self, cast, reason):
        with pytest.raises(InvalidInput) as raised:
            contests.open_contest(hand_off=rejected(cast), reason=reason, at=LATER, actor=cast.sdr)
        assert raised.value.field == "reason"

    def test_keeps_the_window_it_began_with(self, cast):
        hand_off = rejected(cast)
        contest_terms.set_terms(window_days=1, judge_days=1, counts="calendar", at=NOW, actor=cast.revops)
        other = rejected(cast, "Aldous Tools", 2)
        assert other.contest_until == NOW + timedelta(days=1)
        assert HandOff.objects.get(pk=hand_off.pk).contest_until == hand_off.contest_until


class TestStatements:
    def test_are_one_of_each_side(self, cast):
        contest = opened(cast, rejected(cast))
        for user in (cast.sdr, cast.ae):
            contest = contests.add_statement(contest=contest, text=" Heard it. ", at=LATER, actor=user)
            with pytest.raises(UnableToState, match="each side adds one"):
                contests.add_statement(contest=contest, text="More.", at=LATER, actor=user)
        assert (contest.sdr_statement, contest.ae_statement) == ("Heard it.", "Heard it.")

    def test_are_nobody_elses_and_not_after_the_decision(self, cast):
        contest = opened(cast, rejected(cast))
        with pytest.raises(UnableToState, match="Only the SDR and the AE"):
            contests.add_statement(contest=contest, text="I saw it.", at=LATER, actor=cast.manager)
        decided(cast, contest, uphold=False)
        with pytest.raises(UnableToState, match="dismissed already"):
            contests.add_statement(contest=contest, text="But.", at=LATER, actor=cast.ae)


class TestDecide:
    def test_upheld_moves_the_credit_and_opens_the_opportunity(self, cast):
        hand_off = rejected(cast, slot=40)
        assert (credited(cast, EventKind.ACCEPTED), credited(cast, EventKind.REJECTED)) == (0, 1)
        contest = decided(cast, opened(cast, hand_off), uphold=True)
        assert (credited(cast, EventKind.ACCEPTED), credited(cast, EventKind.REJECTED)) == (1, 0)
        assert credited(cast, EventKind.UPHELD) == 1
        hand_off.refresh_from_db()
        assert (hand_off.state, hand_off.answered_how) == ("accepted", AnsweredHow.CONTEST)
        assert Opportunity.objects.get().owner == hand_off.ae
        lead = Lead.objects.get()
        assert (lead.stage, lead.queue_bucket, lead.next_touch_at) == (LeadStage.SAL, None, None)
        assert Meeting.objects.get().state == Meeting.State.BOOKED
        assert "The meeting stands again" in contest.followed

    def test_dismissed_changes_nothing_but_the_contest(self, cast):
        hand_off = rejected(cast)
        contest = decided(cast, opened(cast, hand_off), uphold=False)
        assert (credited(cast, EventKind.ACCEPTED), credited(cast, EventKind.REJECTED)) == (0, 1)
        assert credited(cast, EventKind.DISMISSED) == 1
        hand_off.refresh_from_db()
        assert (hand_off.state, contest.state) == ("rejected", ContestState.DISMISSED)
        assert not Opportunity.objects.exists()
        assert Lead.objects.get().stage == LeadStage.WORKING

    def test_leaves_the_aes_promise_as_it_was_kept(self, cast):
        """The AE answered in time; that a judge saw it otherwise breaks no promise, now or judged again."""
        hand_off = rejected(cast)
        clock = Clock.objects.get(hand_off=hand_off)
        assert (clock.state, clock.answered_at) == (ClockState.MET, NOW)
        decided(cast, opened(cast, hand_off), uphold=True, at=clock.due_at + timedelta(days=2))
        verdicts.judge_again(leads=[hand_off.lead_id], at=clock.due_at + timedelta(days=3))
        clock.refresh_from_db()
        assert (clock.state, clock.answered_at) == (ClockState.MET, NOW)

    def test_tells_both_sides_and_their_managers(self, cast):
        contest = decided(cast, opened(cast, rejected(cast)), uphold=True)
        told = set(
            Notification.objects.filter(key=f"contest:{contest.pk}:upheld").values_list("user", flat=True)
        )
        assert told == {cast.sdr.pk, cast.ae.pk, cast.manager.pk}

    def test_is_the_judges_alone_and_given_once(self, cast):
        contest = opened(cast, rejected(cast))
        for user in (cast.manager, cast.ae, cast.sdr, cast.revops):
            with pytest.raises(UnableToJudge, match="Outside Manager judges"):
                contests.decide_contest(contest=contest, uphold=True, reason="Mine.", at=LATER, actor=user)
        decided(cast, contest, uphold=False)
        with pytest.raises(UnableToJudge, match="dismissed already by Outside Manager"):
            decided(cast, contest, uphold=True)
        assert credited(cast, EventKind.ACCEPTED) == 0

    def test_is_not_for_a_judge_who_became_a_side(self, cast):
        contest = opened(cast, rejected(cast))
        cast.ae_team.manager = cast.outside_manager
        cast.ae_team.save()
        with pytest.raises(UnableToJudge, match="belong to one of the sides"):
            decided(cast, contest, uphold=True)
        given = judges.give_to_another(contest=contest, at=LATER, actor=cast.revops)
        assert given.judge == cast.revops

    def test_wants_a_reason(self, cast):
        contest = opened(cast, rejected(cast))
        with pytest.raises(InvalidInput) as raised:
            contests.decide_contest(
                contest=contest, uphold=True, reason=" ", at=LATER, actor=cast.outside_manager
            )
        assert raised.value.field == "reason"


class TestLeadThatWentOn:
    """Upheld, the credit of the contested hand-off moves; nothing that happened since is undone or doubled."""

    def handed_off_again(self, cast: Cast) -> HandOff:
        lead = Lead.objects.get()
        answers = {
            key: qualifications.Answer("met", "Yes", "On the phone", "Hanna Vogel")
            for key in ("budget", "authority", "need", "timeframe")
        }
        qualifications.qualify(lead=lead, rep=cast.rep(cast.sdr), answers=answers, at=LATER)
        starts_at = booking.offered_slots(lead=lead, at=LATER)[0].starts_at
        return booking.book_meeting(
            lead=Lead.objects.get(), sdr=cast.rep(cast.sdr), starts_at=starts_at, at=LATER, actor=cast.sdr
        )

    @pytest.mark.parametrize("accepted", [False, True])
    def test_by_another_hand_off_gets_no_second_opportunity(self, cast, accepted):
        first = rejected(cast)
        contest = opened(cast, first)
        second = self.handed_off_again(cast)
        if accepted:
            hand_offs.accept_hand_off(hand_off=second, at=LATER, actor=second.ae.user)
        stage = Lead.objects.get().stage
        contest = decided(cast, contest, uphold=True)
        assert "handed off again meanwhile" in contest.followed
        assert Opportunity.objects.count() == accepted
        assert credited(cast, EventKind.ACCEPTED) == 1 + accepted
        assert Lead.objects.get().stage == stage
        second.refresh_from_db()
        assert second.state == ("accepted" if accepted else "pending")

    def test_by_another_rejected_hand_off_opens_here(self, cast):
        contest = opened(cast, rejected(cast))
        second = self.handed_off_again(cast)
        hand_offs.reject_hand_off(
            hand_off=second, criterion="need", reason="wrong_person", comment="", at=LATER, actor=cast.ae
        )
        decided(cast, contest, uphold=True)
        assert Opportunity.objects.get().hand_off == contest.hand_off

    def test_into_another_lead_moves_the_credit_alone(self, cast):
        contest = opened(cast, rejected(cast))
        other = handed_off(cast, "Aldous Tools", slot=3).lead
        merges.merge(survivor=other, absorbed=contest.hand_off.lead, why="Same person", at=LATER)
        contest = decided(cast, contest, uphold=True)
        assert "closed meanwhile" in contest.followed
        assert not Opportunity.objects.exists()
        assert credited(cast, EventKind.ACCEPTED) == 1


class TestRemindJudges:
    def test_reminds_once_and_tells_revops_when_overdue(self, cast):
        contest = opened(cast, rejected(cast))

        def told(user) -> int:
            return Notification.objects.filter(user=user, kind=TO_JUDGE).count()

        assert judges.remind_judges(at=contest.warn_at - timedelta(seconds=1)) == 0
        assert judges.remind_judges(at=contest.warn_at) == 1
        assert judges.remind_judges(at=contest.warn_at) == 0
        assert (told(cast.outside_manager), told(cast.revops)) == (2, 0)
        assert judges.remind_judges(at=contest.due_at) == 1
        assert judges.remind_judges(at=contest.due_at + timedelta(days=1)) == 0
        assert (told(cast.outside_manager), told(cast.revops)) == (3, 1)

    def test_leaves_alone_what_is_decided(self, cast):
        contest = decided(cast, opened(cast, rejected(cast)), uphold=False)
        assert judges.remind_judges(at=contest.due_at) == 0


class TestGiveToAnother:
    def test_starts_a_new_deadline_and_refuses_what_is_decided(self, cast):
        second = User.objects.create_user("m2@larkfield.example", "x", name="Second", role=Role.MANAGER)
        contest = opened(cast, rejected(cast))
        before = contest.due_at
        other = judges.give_to_another(contest=contest, at=before, actor=cast.revops)
        assert {contest.judge, other.judge} == {second, cast.outside_manager}
        assert other.due_at > before
        decided(cast, other, uphold=False)
        with pytest.raises(judges.UnableToPassOn):
            judges.give_to_another(contest=other, at=before, actor=cast.revops)


class TestSetTerms:
    @pytest.mark.parametrize(
        ("given", "field"),
        [
            ({"window_days": 0}, "window_days"),
            ({"window_days": 61}, "window_days"),
            ({"judge_days": 0}, "judge_days"),
            ({"counts": "moons"}, "counts"),
        ],
    )
    def test_refuses_what_makes_no_sense(self, cast, given, field):
        asked = {"window_days": 3, "judge_days": 3, "counts": "working"} | given
        with pytest.raises(InvalidInput) as raised:
            contest_terms.set_terms(**asked, at=NOW, actor=cast.revops)
        assert raised.value.field == field

    def test_holds_from_then_on(self, cast):
        assert contest_terms.terms_in_force().in_words == "5 working days to contest, 5 to decide"
        contest_terms.set_terms(window_days=1, judge_days=2, counts="calendar", at=NOW, actor=cast.revops)
        assert contest_terms.terms_in_force().in_words == "1 calendar day to contest, 2 to decide"


class TestSilence:
    """What the policy does when nobody answers, from the clock to the page."""

    def after(self, hand_off: HandOff) -> HandOff:
        late = hand_off.due_at + timedelta(hours=12)
        sweep.sweep(at=late)
        sweep.escalate(at=late)
        return HandOff.objects.get(pk=hand_off.pk)

    def test_accepts_by_itself_as_nobodys_answer_and_tells_both(self, cast):
        Policy.objects.update(ae_fallback="auto_accept")
        found = self.after(handed_off(cast, slot=40))
        assert (found.state, found.answered_how) == ("accepted", AnsweredHow.SILENCE)
        told = Notification.objects.filter(kind=ANSWERED).values_list("user", flat=True)
        assert set(told) == {cast.sdr.pk, cast.ae.pk}
        event = FunnelEvent.objects.get(kind=EventKind.ACCEPTED)
        assert (event.source, event.actor) == ("schedule", None)

    def test_goes_to_the_next_ae_who_gets_a_promise_of_their_own(self, cast):
        Policy.objects.update(ae_fallback="reroute")
        hand_off = handed_off(cast, slot=40)
        found = self.after(hand_off)
        assert (found.state, found.ae) == ("pending", cast.rep(cast.second_ae))
        assert found.due_at > hand_off.due_at
        follows = what_follows(found, found.created_at)
        assert [one.words for one in follows][-1] == "goes to the next AE who is free then"
        assert [one.at for one in follows] == sorted(one.at for one in follows)
        accepted = hand_offs.accept_hand_off(hand_off=found, at=found.due_at, actor=cast.second_ae)
        assert accepted.owner == cast.rep(cast.second_ae)

    def test_follows_nothing_once_it_is_answered(self, cast):
        assert what_follows(rejected(cast), NOW) == []
