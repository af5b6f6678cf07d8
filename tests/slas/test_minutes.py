"""Where the time of a promise went: the parts always add up to the whole."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from apps.reps.rules.business_time import open_seconds
from apps.reps.rules.hours import Hours
from apps.slas.rules.minutes import INTAKE, REP, ROUTING, UNAVAILABLE, Held, where_it_went

OFFICE = Hours.of("Europe/Berlin", {day: [["09:00", "17:00"]] for day in ("mon", "tue", "wed", "thu", "fri")})
START = datetime(2026, 10, 23, 8, 30, tzinfo=UTC)
_seconds = st.integers(0, 5 * 86_400)


def after(seconds: int) -> datetime:
    return START + timedelta(seconds=seconds)


class TestWhereItWent:
    def test_says_intake_routing_absence_and_the_reps_own(self) -> None:
        monday = datetime(2026, 11, 9, 8, tzinfo=UTC)  # 09:00 in Berlin
        hour = timedelta(hours=1)
        found = where_it_went(
            hours=OFFICE,
            arrived_at=monday,
            started_at=monday + hour / 4,
            ended_at=monday + 4 * hour,
            held=[Held(monday + hour, 7)],
            away={7: [(monday + 2 * hour, monday + 3 * hour)]},
        )
        assert found == {INTAKE: 900, ROUTING: 2_700, UNAVAILABLE: 3_600, REP: 7_200}

    @given(
        intake=_seconds,
        length=_seconds,
        hands=st.lists(st.tuples(_seconds, st.sampled_from([None, 1, 2])), max_size=5),
        off=st.lists(st.tuples(_seconds, _seconds), max_size=4),
        stills=st.lists(st.tuples(_seconds, _seconds), max_size=3),
    )
    def test_the_parts_add_up_to_the_whole(self, intake, length, hands, off, stills) -> None:
        started, ended = after(intake), after(intake + length)
        pauses = [(after(min(pair)), after(max(pair))) for pair in stills]
        found = where_it_went(
            hours=OFFICE,
            arrived_at=START,
            started_at=started,
            ended_at=ended,
            held=[Held(after(when), rep) for when, rep in hands],
            away={1: [(after(min(pair)), after(max(pair))) for pair in off]},
            pauses=pauses,
        )
        assert sum(found.values()) == open_seconds(OFFICE, START, ended, pauses)
        assert all(seconds >= 0 for seconds in found.values())
