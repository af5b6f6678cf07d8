"""The breach forecast: played on plain values, and held against a day that is played through the services."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given as assume_given
from hypothesis import strategies as st

from apps.leads.models import Channel, Disposition, Lead, Reassignment, Source, Touch
from apps.leads.services import queue, touches
from apps.leads.services.intake import Arrival, Incoming, take_in_many
from apps.leads.services.reassignment import reassign, take_back
from apps.reps.models import Rep, TimeOff
from apps.slas.models import Clock, ClockKind, ClockState
from apps.slas.rules import forecast as rules
from apps.slas.rules.forecast import Waiting, Worker, forecast, plan_moves
from apps.slas.rules.handling import Handling, gaps_of, usual
from apps.slas.selectors.forecast import plan, rep_forecast, team_forecast
from apps.slas.services import sweep as sweeping
from apps.slas.services.forecast import UnableToMove, move_what_breaks
from tests.cast import NOW, Cast

START = datetime(2026, 11, 12, 9, tzinfo=UTC)
CLOSE = START + timedelta(hours=8)
EIGHT = Handling(timedelta(minutes=8), "as set")


def minutes(number: float) -> datetime:
    return START + timedelta(minutes=number)


def inbound(pk: int, due: float, rep: int | None = None, ready: float = -60) -> Waiting:
    return Waiting(pk, 2, minutes(due), minutes(ready), minutes(due), rep)


def worker(rep: int, *windows: tuple[datetime, datetime], handling: Handling = EIGHT, **more: Any) -> Worker:
    return Worker(rep, f"Rep {rep}", handling, windows or ((START, CLOSE),), **more)


def played(waiting: list[Waiting], *workers: Worker) -> rules.Forecast:
    return forecast(waiting=waiting, workers=workers, now=START, until=CLOSE)


class TestPlay:
    def test_says_how_many_are_due_how_many_fit_and_which_break(self) -> None:
        found = played([inbound(pk, 64, rep=1) for pk in range(1, 12)], worker(1))
        assert (found.due, found.capacity, len(found.breaking)) == (11, 8, 3)
        assert [one.lead_id for one in found.breaking] == [9, 10, 11]
        words = rules.headline(found, {found.by: "10:04"})
        assert words == "11 due, capacity 8; these 3 will breach by 10:04"

    def test_a_touch_at_the_due_instant_keeps_it(self) -> None:
        assert not played([inbound(1, 8, rep=1)], worker(1)).breaking
        assert played([inbound(1, 7.99, rep=1)], worker(1)).breaking

    def test_the_pool_goes_to_whoever_is_free_first_and_of_two_to_the_lower_id(self) -> None:
        found = played([inbound(pk, 100 + pk) for pk in (1, 2, 3)], worker(2), worker(1, (minutes(2), CLOSE)))
        assert [(one.lead_id, one.rep_id) for one in found.served] == [(1, 2), (2, 1), (3, 2)]
        tie = played([inbound(1, 100), inbound(2, 100)], worker(7), worker(3))
        assert [(one.lead_id, one.rep_id) for one in tie.served] == [(1, 3), (2, 7)]

    def test_nobody_works_while_it_is_closed(self) -> None:
        found = played(
            [inbound(1, 120, 1), inbound(2, 130, 1)], worker(1, (START, minutes(12)), (minutes(60), CLOSE))
        )
        assert [one.ends_at for one in found.served] == [minutes(8), minutes(64)]

    def test_what_comes_first_in_the_queue_takes_its_time(self) -> None:
        callback = Waiting(9, 1, minutes(5), minutes(-10), None, 1)
        found = played([callback, inbound(1, 10, 1)], worker(1))
        assert found.broken_leads == {1}
        assert found.before == 1

    def test_a_lead_is_not_taken_before_it_is_offered(self) -> None:
        found = played([inbound(1, 90, 1, ready=30)], worker(1))
        assert found.served[0].begins_at == minutes(30)

    def test_what_is_in_hand_is_finished_first(self) -> None:
        held = Waiting(5, 3, minutes(0), minutes(-1), None, 1, held_by=1)
        found = played([inbound(1, 90, 1), held], worker(1))
        assert [one.lead_id for one in found.served] == [5, 1]

    def test_of_somebody_away_everything_breaks(self) -> None:
        away = Worker(1, "Away", EIGHT, ())
        found = played([inbound(1, 90, 1)], away, worker(2))
        assert found.breaking[0].answered_at is None

    def test_passes_untouched_ones_over_once_the_days_new_leads_are_used_up(self) -> None:
        new = [Waiting(pk, 4, minutes(pk), minutes(-9), minutes(60), 1) for pk in (1, 2)]
        found = played(
            [*new, Waiting(3, 5, minutes(0), minutes(-9), None, 1, is_new=False)], worker(1, new_left=1)
        )
        assert [one.lead_id for one in found.served] == [1, 3]
        assert found.broken_leads == {2}

    def test_hours_say_due_late_and_capacity(self) -> None:
        found = played([inbound(pk, 20, 1) for pk in (1, 2, 3)], worker(1, (START, minutes(90))))
        assert [(one.due, one.late, one.capacity) for one in found.hours] == [(3, 1, 7), (0, 0, 3)]

    @assume_given(
        st.lists(
            st.tuples(st.integers(1, 300), st.sampled_from([None, 1, 2]), st.integers(-30, 120)), max_size=25
        )
    )
    def test_nobody_does_two_things_at_once_and_each_lead_is_served_once(
        self, rows: list[tuple[int, int | None, int]]
    ) -> None:
        waiting = [inbound(pk, due, rep, ready) for pk, (due, rep, ready) in enumerate(rows, 1)]
        found = played(waiting, worker(1), worker(2, (minutes(15), minutes(100)), (minutes(140), CLOSE)))
        by_id = {one.lead_id: one for one in waiting}
        assert len({one.lead_id for one in found.served}) == len(found.served)
        for rep in (1, 2):
            own = [one for one in found.served if one.rep_id == rep]
            assert all(one.ends_at <= later.begins_at for one, later in zip(own, own[1:], strict=False))
            assert all(by_id[one.lead_id].rep_id in (None, rep) for one in own)
        assert all(one.begins_at >= by_id[one.lead_id].ready_at for one in found.served)
        shuffled = played(
            waiting[::-1], worker(2, (minutes(15), minutes(100)), (minutes(140), CLOSE)), worker(1)
        )
        assert shuffled.served == found.served

    def test_a_reps_part_is_what_the_teams_play_gives_them(self) -> None:
        waiting = [inbound(pk, 30 + pk, (None, 1, 2)[pk % 3]) for pk in range(1, 12)]
        whole = played(waiting, worker(1), worker(2))
        part = rules.of_rep(waiting=waiting, found=whole, rep_id=1)
        assert part.served == tuple(one for one in whole.served if one.rep_id == 1)


class TestHandling:
    def test_takes_the_reps_median_else_the_teams_else_what_is_set(self) -> None:
        own, team = [timedelta(minutes=5)] * 10, [timedelta(minutes=9)] * 30
        assert usual(name="Ana", own=own, team=team, otherwise=timedelta(minutes=8)).minutes == "5"
        few = usual(name="Ana", own=own[:9], team=team, otherwise=timedelta(minutes=8))
        assert (few.minutes, few.words) == ("9", "median of 30 gaps between the team’s touches")
        none = usual(name="Ana", own=[], team=[], otherwise=timedelta(minutes=8))
        assert (none.minutes, none.words) == ("8", "as set: too few touches to tell")

    def test_a_night_is_no_gap(self) -> None:
        day, next_day = date(2026, 11, 11), date(2026, 11, 12)
        made = [(day, minutes(0)), (day, minutes(6)), (next_day, minutes(900))]
        assert gaps_of(made) == [timedelta(minutes=6)]


class TestMoves:
    def test_gives_what_will_break_to_whoever_has_room(self) -> None:
        waiting = [inbound(pk, 16, rep=1) for pk in (1, 2, 3, 4)]
        found = plan_moves(waiting=waiting, workers=[worker(1), worker(2)], now=START, until=CLOSE)
        assert [(move.lead_id, move.to) for move in found.moves] == [(3, 2), (4, 2)]
        assert not found.after.breaking

    def test_breaks_no_promise_to_keep_another(self) -> None:
        waiting = [inbound(1, 8, 1), inbound(2, 8, 1), inbound(3, 8, 2)]
        found = plan_moves(waiting=waiting, workers=[worker(1), worker(2)], now=START, until=CLOSE)
        assert not found.moves
        assert [one.lead_id for one in found.stuck] == [2]


# --- Against the services -------------------------------------------------------------------------


def arrivals(
    cast: Cast, number: int, owner: Rep | None = None, first: int = 0, at: datetime = NOW
) -> list[Lead]:
    """Score A, thirty minutes of promise."""
    take_in_many(
        arrivals=[
            Arrival(
                incoming=Incoming(
                    name=f"P {n}",
                    title="Chief Executive",
                    company=f"Company {n}",
                    email=f"p{n}@company{n}.example",
                    industry="Logistics",
                    employees=500,
                    source="Demo request",
                ),
                team=cast.sdr_team,
                at=at,
                source=Source.PAGE,
                source_key=f"form:{n}",
                owner=owner,
            )
            for n in range(first, first + number)
        ]
    )
    return list(
        Lead.objects.filter(company__in=[f"Company {n}" for n in range(first, first + number)]).order_by("pk")
    )


def play_through_the_services(cast: Cast, found: rules.Forecast) -> set[int]:
    """Everybody presses Next, works for the forecast's handling time, logs the touch; a sweep every minute."""
    people = {one.rep_id: one for one in found.workers if one.windows}
    reps = Rep.objects.in_bulk(people)
    free = {rep_id: one.windows[0][0] for rep_id, one in people.items()}
    busy: dict[int, Lead] = {}
    moment = found.at
    while moment <= found.until:
        for rep_id in sorted(people):
            if free[rep_id] > moment:
                continue
            if rep_id in busy:
                touches.log_touch(
                    lead=busy.pop(rep_id),
                    rep=reps[rep_id],
                    channel=Channel.EMAIL,
                    disposition=Disposition.NOT_NOW,
                    at=moment,
                )
        sweeping.sweep(at=moment)
        for rep_id in sorted(people):
            at_work = any(opens <= moment < closes for opens, closes in people[rep_id].windows)
            if rep_id in busy or free[rep_id] > moment or not at_work:
                continue
            lead = queue.claim_next(rep=reps[rep_id], at=moment)
            if lead is not None:
                busy[rep_id] = lead
                free[rep_id] = moment + people[rep_id].handling.time
        moment += timedelta(minutes=1)
    sweeping.sweep(at=found.until + timedelta(seconds=1))
    broken = Clock.objects.filter(kind=ClockKind.FIRST_RESPONSE, state=ClockState.BREACHED)
    return set(broken.values_list("lead_id", flat=True))


class TestTheDayPlayedForward:
    def test_what_the_forecast_says_is_what_happens(self, cast: Cast) -> None:
        sdr, mate = cast.rep(cast.sdr), cast.rep(cast.teammate)
        arrivals(cast, 6, owner=sdr)
        arrivals(cast, 2, owner=mate, first=20)
        arrivals(cast, 4, first=40)
        found = team_forecast(team=cast.sdr_team, at=NOW).found
        assert found.breaking, "a day on which nothing breaks shows nothing"
        kept = {one.lead_id for one in found.served} - found.broken_leads
        happened = play_through_the_services(cast, found)
        assert happened == set(found.broken_leads)
        answered = dict(Lead.objects.filter(pk__in=kept).values_list("pk", "first_touch_at"))
        assert answered == {one.lead_id: one.ends_at for one in found.served if one.lead_id in kept}

    def test_and_after_the_proposed_moves_it_is_again(self, cast: Cast) -> None:
        sdr = cast.rep(cast.sdr)
        arrivals(cast, 6, owner=sdr)
        one = team_forecast(team=cast.sdr_team, at=NOW)
        proposed = plan(one)
        assert len(one.found.breaking) > len(proposed.after.breaking)
        move_what_breaks(
            team=cast.sdr_team,
            moves={move.lead_id: move.to for move in proposed.moves},
            at=NOW,
            actor=cast.manager,
            request_key="press",
        )
        again = team_forecast(team=cast.sdr_team, at=NOW).found
        assert again.broken_leads == proposed.after.broken_leads
        assert play_through_the_services(cast, again) == set(again.broken_leads)

    def test_somebody_with_a_day_off_answers_nothing(self, cast: Cast) -> None:
        sdr = cast.rep(cast.sdr)
        TimeOff.objects.create(rep=sdr, starts_on=NOW.date(), ends_on=NOW.date() + timedelta(days=1))
        leads = arrivals(cast, 2, owner=sdr)
        found = team_forecast(team=cast.sdr_team, at=NOW).found
        assert found.broken_leads == {lead.pk for lead in leads}
        assert rep_forecast(rep=sdr, at=NOW).found.capacity == 0


class TestWhatIsRead:
    def test_statements_do_not_grow_with_the_leads(
        self, cast: Cast, django_assert_max_num_queries: Any
    ) -> None:
        arrivals(cast, 12, owner=cast.rep(cast.sdr))
        with django_assert_max_num_queries(8):
            team_forecast(team=cast.sdr_team, at=NOW)

    def test_the_handling_time_is_the_median_of_the_days_before(self, cast: Cast) -> None:
        sdr = cast.rep(cast.sdr)
        lead = arrivals(cast, 1, owner=sdr)[0]
        yesterday = NOW - timedelta(days=1)
        Touch.objects.bulk_create(
            Touch(
                lead=lead,
                rep=sdr,
                channel="email",
                disposition="sent",
                occurred_at=yesterday + timedelta(minutes=4 * n),
            )
            for n in range(12)
        )
        workers = {
            one.rep_id: one.handling for one in team_forecast(team=cast.sdr_team, at=NOW).found.workers
        }
        assert workers[sdr.pk].minutes == "4"
        assert workers[sdr.pk].words.startswith("median of 11 gaps between")
        assert workers[cast.rep(cast.teammate).pk].words.endswith("the team’s touches")


class TestMoving:
    def test_is_audited_undoable_and_done_once(self, cast: Cast) -> None:
        arrivals(cast, 6, owner=cast.rep(cast.sdr))
        proposed = plan(team_forecast(team=cast.sdr_team, at=NOW))
        moves = {move.lead_id: move.to for move in proposed.moves}
        for _ in range(2):
            moved = move_what_breaks(
                team=cast.sdr_team, moves=moves, at=NOW, actor=cast.manager, request_key="press"
            )
        assert Reassignment.objects.count() == 1
        done = moved.done[cast.rep(cast.teammate).pk]
        assert len(take_back(reassignment=done, at=NOW, actor=cast.manager)) == len(moves)

    def test_what_is_being_worked_stays_and_is_named(self, cast: Cast) -> None:
        sdr = cast.rep(cast.sdr)
        arrivals(cast, 6, owner=sdr)
        proposed = plan(team_forecast(team=cast.sdr_team, at=NOW))
        moves = {move.lead_id: move.to for move in proposed.moves}
        held = next(iter(moves))
        Lead.objects.filter(pk=held).update(
            claimed_by=sdr, claimed_at=NOW, claimed_until=NOW + timedelta(minutes=15)
        )
        moved = move_what_breaks(
            team=cast.sdr_team, moves=moves, at=NOW, actor=cast.manager, request_key="press"
        )
        done = moved.done[cast.rep(cast.teammate).pk]
        assert done.refused[0][1] == f"is being worked by {sdr.name} right now"
        assert str(held) not in done.moves

    def test_refuses_once_the_day_has_moved_on(self, cast: Cast) -> None:
        arrivals(cast, 6, owner=cast.rep(cast.sdr))
        mate = cast.rep(cast.teammate)
        moves = {move.lead_id: move.to for move in plan(team_forecast(team=cast.sdr_team, at=NOW)).moves}
        reassign(
            leads=list(Lead.objects.filter(pk__in=moves)),
            to=[mate],
            at=NOW,
            actor=cast.manager,
            request_key="x",
        )
        with pytest.raises(UnableToMove):
            move_what_breaks(team=cast.sdr_team, moves=moves, at=NOW, actor=cast.manager, request_key="press")
