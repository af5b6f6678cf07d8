"""Throttles: whose limit holds, what is left of a day, and how steps spread over the days that follow."""

from collections import Counter
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.audit.models import AuditEntry
from apps.core.errors import InvalidInput
from apps.leads.models import Enrolment, Lead, Throttle
from apps.leads.rules.throttles import Days, Limits, place
from apps.leads.services import enrolments, owners, throttles
from tests.cast import NOW, Cast
from tests.leads.test_enrolments import DAY, HOUR, cadence_of, log, own
from tests.leads.test_touches import arrive


def _next_morning(day: date) -> datetime:
    """Nine o'clock on the working day after ``day``."""
    day += timedelta(days=1)
    while day.weekday() >= 5:
        day += timedelta(days=1)
    return datetime.combine(day, time(9), UTC)


def _on_a_working_day(at: datetime) -> datetime:
    return at if at.weekday() < 5 else _next_morning(at.date())


class TestSpread:
    @given(
        due=st.lists(
            st.tuples(st.integers(0, 60 * 24 * 10), st.sampled_from(["call", "email"])), max_size=40
        ),
        steps=st.none() | st.integers(1, 5),
        calls=st.none() | st.integers(1, 3),
    )
    def test_no_day_is_above_its_limit_nothing_is_early_and_the_order_is_kept(
        self, due: list[tuple[int, str]], steps: int | None, calls: int | None
    ) -> None:
        limits = Limits(steps=steps, by_channel={"call": calls} if calls else {})
        days = Days(limits)
        placed = [
            (
                due_at,
                place(days, due_at=due_at, channel=channel, day_of=datetime.date, from_day=_next_morning),
                channel,
            )
            for due_at, channel in (
                (_on_a_working_day(NOW + timedelta(minutes=minutes)), channel)
                for minutes, channel in sorted(due)
            )
        ]
        assert all(at >= due_at for due_at, at, _ in placed)
        on_day = Counter(at.date() for _, at, _ in placed)
        calls_on_day = Counter(at.date() for _, at, channel in placed if channel == "call")
        assert steps is None or all(count <= steps for count in on_day.values())
        assert calls is None or all(count <= calls for count in calls_on_day.values())
        for channel in ("call", "email"):
            found = [at.date() for _, at, one in placed if one == channel]
            assert found == sorted(found)

    def test_without_a_limit_everything_stays_where_it_is_due(self) -> None:
        days = Days(Limits())
        for _ in range(50):
            assert (
                place(days, due_at=NOW, channel="call", day_of=datetime.date, from_day=_next_morning) == NOW
            )

    def test_a_limit_of_none_a_day_hides_nothing_for_ever(self) -> None:
        found = place(
            Days(Limits(steps=0)), due_at=NOW, channel="call", day_of=datetime.date, from_day=_next_morning
        )
        assert found > NOW


class TestWhose:
    def test_the_reps_own_wins_over_the_teams_and_that_over_the_companys(self, cast: Cast) -> None:
        rep, mate, outsider = (cast.rep(user) for user in (cast.sdr, cast.teammate, cast.outsider))
        for most, whose in ((30, {}), (20, {"team": cast.sdr_team}), (10, {"rep": rep})):
            throttles.set_throttle(kind="steps", most=most, at=NOW, actor=cast.revops, **whose)  # type: ignore[arg-type]
        throttles.set_throttle(kind="steps", channel="call", most=5, at=NOW, actor=cast.revops)
        assert [throttles.limits_of(one).steps for one in (rep, mate, outsider)] == [10, 20, 30]
        assert throttles.limits_of(rep).by_channel == {"call": 5}
        throttles.set_throttle(kind="steps", rep=rep, most=None, at=NOW, actor=cast.revops)
        assert throttles.limits_of(rep).steps == 20

    def test_setting_the_same_again_records_nothing(self, cast: Cast) -> None:
        for _ in range(2):
            throttles.set_throttle(kind="new_leads", most=8, at=NOW, actor=cast.revops)
        assert Throttle.objects.get().most == 8
        assert AuditEntry.objects.filter(verb="leads.throttle.set").count() == 1

    @pytest.mark.parametrize(
        ("wrong", "field"),
        [
            ({"kind": "fun"}, "kind"),
            ({"kind": "new_leads", "channel": "call"}, "channel"),
            ({"channel": "pigeon"}, "channel"),
            ({"most": -1}, "most"),
            ({"most": 10_001}, "most"),
        ],
    )
    def test_names_what_is_wrong(self, cast: Cast, wrong: dict[str, Any], field: str) -> None:
        with pytest.raises(InvalidInput) as refused:
            throttles.set_throttle(**{"kind": "steps", "most": 1, "at": NOW, "actor": cast.revops} | wrong)
        assert refused.value.field == field

    def test_is_a_teams_or_a_reps(self, cast: Cast) -> None:
        with pytest.raises(InvalidInput, match="not both"):
            throttles.set_throttle(
                kind="steps", team=cast.sdr_team, rep=cast.rep(cast.sdr), most=1, at=NOW, actor=cast.revops
            )


class TestDay:
    def test_untouched_leads_taken_today_count_and_those_of_yesterday_do_not(self, cast: Cast) -> None:
        rep = cast.rep(cast.sdr)
        assert throttles.new_leads_left(rep=rep, at=NOW) is None
        throttles.set_throttle(kind="new_leads", most=2, at=NOW, actor=cast.revops)
        log(cast, arrive(cast, 1), "email", "sent", NOW - DAY)
        assert throttles.new_leads_left(rep=rep, at=NOW) == 2
        lead = arrive(cast, 2)
        log(cast, lead, "email", "sent")
        log(cast, lead, "email", "sent", NOW + HOUR)
        assert throttles.new_leads_left(rep=rep, at=NOW + HOUR) == 1
        log(cast, arrive(cast, 3), "email", "sent", NOW + HOUR)
        log(cast, arrive(cast, 4), "email", "sent", NOW + HOUR)
        assert throttles.new_leads_left(rep=rep, at=NOW + HOUR) == 0
        assert throttles.new_leads_left(rep=rep, at=NOW + DAY) == 2

    def test_steps_spread_over_the_following_working_days_in_their_order(self, cast: Cast) -> None:
        throttles.set_throttle(kind="steps", most=2, at=NOW, actor=cast.revops)
        leads = [own(cast, number) for number in range(1, 7)]
        enrolments.enrol(leads=leads, cadence=cadence_of(cast), at=NOW, actor=cast.sdr)
        due = [at for (at,) in Enrolment.objects.order_by("lead_id").values_list("due_at")]
        friday, monday = (datetime(2026, 11, day, 8, tzinfo=UTC) for day in (13, 16))
        assert due == [NOW, NOW, friday, friday, monday, monday]
        assert list(Lead.objects.order_by("pk").values_list("next_touch_at", flat=True)) == due

    def test_a_step_done_today_takes_its_place(self, cast: Cast) -> None:
        throttles.set_throttle(kind="steps", most=1, at=NOW, actor=cast.revops)
        first, second = own(cast, 1), own(cast, 2)
        cadence = cadence_of(cast, steps=[{"channel": "email"}])
        enrolments.enrol(leads=[first], cadence=cadence, at=NOW, actor=cast.sdr)
        log(cast, first, "email", "sent")
        found = enrolments.enrol(leads=[second], cadence=cadence, at=NOW + HOUR, actor=cast.sdr)
        assert found.enrolments[0].due_at == datetime(2026, 11, 13, 8, tzinfo=UTC)

    def test_leads_that_pass_to_another_rep_spread_over_the_days_of_that_one(self, cast: Cast) -> None:
        mate = cast.rep(cast.teammate)
        throttles.set_throttle(kind="steps", rep=mate, most=1, at=NOW, actor=cast.revops)
        leads = [own(cast, number) for number in range(1, 4)]
        enrolments.enrol(leads=leads, cadence=cadence_of(cast), at=NOW, actor=cast.sdr)
        owners.share_out(rep=cast.rep(cast.sdr), among=[mate], at=NOW + HOUR, actor=cast.manager)
        due = [at for (at,) in Enrolment.objects.order_by("lead_id").values_list("due_at")]
        friday, monday = (datetime(2026, 11, day, 8, tzinfo=UTC) for day in (13, 16))
        assert due == [NOW, friday, monday]
        assert list(Lead.objects.order_by("pk").values_list("next_touch_at", flat=True)) == due
