"""Context switches: what the database counts is what one would count by hand."""

from datetime import UTC, date, datetime, timedelta
from fractions import Fraction
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase

from apps.leads.models import Channel, Disposition, Lead, Persona, Touch
from apps.leads.rules.switches import Comparison, DayOfSwitches, plain
from apps.leads.selectors.switches import compare, switches_by_day
from apps.reps.models import Rep
from tests.cast import NOW, Cast, assemble
from tests.stage import staged

BERLIN = ZoneInfo("Europe/Berlin")
CALL, EMAIL, SOCIAL = Channel.CALL, Channel.EMAIL, Channel.SOCIAL
WEEK = (NOW - timedelta(days=7), NOW + timedelta(days=1))


def touched(
    rep: Rep, at: datetime, channel: Channel, persona: int | None = None, *, undone: bool = False
) -> Touch:
    """A touch as the record keeps it; what it does to its lead is not looked at here."""
    lead = Lead.objects.first() or Lead.objects.create(company="Brightmoor", created_at=NOW, team=rep.team)
    return Touch.objects.create(
        lead=lead,
        rep=rep,
        channel=channel,
        disposition=Disposition.SENT,
        persona=persona,
        occurred_at=at,
        undone_at=at + timedelta(minutes=1) if undone else None,
    )


def several(rep: Rep, *channels: Channel, days_ago: int = 0) -> None:
    for place, channel in enumerate(channels):
        touched(rep, NOW - timedelta(days=days_ago, minutes=60 - place), channel)


@pytest.fixture
@staged
def rep(cast: Cast) -> Rep:
    return cast.rep(cast.sdr)


@pytest.mark.django_db
class TestCount:
    def test_counts_each_change_of_channel(self, rep: Rep) -> None:
        several(rep, CALL, CALL, EMAIL, CALL, SOCIAL, SOCIAL)
        (day,) = switches_by_day([rep.pk], *WEEK)[rep.pk]
        assert (day.day, day.touches, day.switches) == (date(2026, 11, 12), 6, 3)

    def test_leaves_out_what_was_undone(self, rep: Rep) -> None:
        touched(rep, NOW - timedelta(minutes=3), CALL)
        touched(rep, NOW - timedelta(minutes=2), EMAIL, undone=True)
        touched(rep, NOW - timedelta(minutes=1), CALL)
        (day,) = switches_by_day([rep.pk], *WEEK)[rep.pk]
        assert (day.touches, day.switches) == (2, 0)

    def test_counts_personas_apart(self, rep: Rep) -> None:
        executive, manager = Persona.EXECUTIVE, Persona.MANAGER
        for minute, persona in enumerate([executive, manager, manager, None, Persona.UNKNOWN]):
            touched(rep, NOW + timedelta(minutes=minute), CALL, persona)
        (day,) = switches_by_day([rep.pk], *WEEK)[rep.pk]
        assert (day.switches, day.persona_switches) == (0, 2)

    def test_a_day_begins_at_the_companys_midnight(self, rep: Rep) -> None:
        touched(rep, datetime(2026, 11, 10, 22, 59, tzinfo=UTC), CALL)
        touched(rep, datetime(2026, 11, 10, 23, 0, tzinfo=UTC), EMAIL)
        days = switches_by_day([rep.pk], *WEEK)[rep.pk]
        assert [(one.day.day, one.switches) for one in days] == [(10, 0), (11, 0)]

    def test_anothers_touch_in_between_makes_none(self, rep: Rep, cast: Cast) -> None:
        teammate = cast.rep(cast.teammate)
        touched(rep, NOW - timedelta(minutes=3), CALL)
        touched(teammate, NOW - timedelta(minutes=2), EMAIL)
        touched(rep, NOW - timedelta(minutes=1), CALL)
        found = switches_by_day([rep.pk, teammate.pk], *WEEK)
        assert [one.switches for days in found.values() for one in days] == [0, 0]

    def test_is_one_statement_for_any_number_of_reps(self, cast: Cast, django_assert_num_queries) -> None:
        reps = [cast.rep(user) for user in (cast.sdr, cast.teammate, cast.outsider)]
        for one in reps:
            several(one, CALL, EMAIL)
        with django_assert_num_queries(1):
            assert len(compare(reps=reps, at=NOW)) == 3


MINUTES = 3 * 24 * 60
TOUCHES = st.lists(
    st.tuples(
        st.integers(0, MINUTES - 1),
        st.sampled_from(Channel.values),
        st.sampled_from([None, *Persona.values]),
        st.booleans(),
        st.booleans(),
    ),
    max_size=25,
)


class TestAgainstCountingByHand(TestCase):
    @classmethod
    def setUpTestData(cls) -> None:
        cast = assemble()
        cls.reps = [cast.rep(cast.sdr), cast.rep(cast.teammate)]

    @hypothesis_settings(max_examples=40)
    @given(told=TOUCHES)
    def test_both_are_the_same(self, told: list) -> None:
        start = NOW - timedelta(days=2)
        rows = [
            touched(self.reps[second], start + timedelta(minutes=minute), channel, persona, undone=undone)
            for minute, channel, persona, second, undone in told
        ]
        found = switches_by_day([rep.pk for rep in self.reps], start, start + timedelta(minutes=MINUTES))
        assert {rep: [_plainly(day) for day in days] for rep, days in found.items()} == _by_hand(rows)


def _plainly(day: DayOfSwitches) -> tuple[date, int, int, int]:
    return (day.day, day.touches, day.switches, day.persona_switches)


def _by_hand(rows: list[Touch]) -> dict[int, list[tuple[date, int, int, int]]]:
    days: dict[tuple[int, date], list[Touch]] = {}
    for row in sorted(rows, key=lambda one: (one.occurred_at, one.pk)):
        if row.undone_at is None:
            days.setdefault((row.rep_id, row.occurred_at.astimezone(BERLIN).date()), []).append(row)
    found: dict[int, list[tuple[date, int, int, int]]] = {}
    for (rep, day), touches in sorted(days.items()):
        channels = personas = 0
        for place in range(1, len(touches)):
            one, other = touches[place - 1], touches[place]
            channels += one.channel != other.channel
            personas += (one.persona or Persona.UNKNOWN) != (other.persona or Persona.UNKNOWN)
        found.setdefault(rep, []).append((day, len(touches), channels, personas))
    return found


@pytest.mark.django_db
class TestCompare:
    def test_says_today_beside_the_own_median(self, rep: Rep) -> None:
        several(rep, CALL, EMAIL, CALL, days_ago=1)
        several(rep, CALL, EMAIL, CALL, EMAIL, CALL, days_ago=2)
        several(rep, CALL, CALL, EMAIL)
        found = compare(reps=[rep], at=NOW)[rep.pk]
        assert found.words == "1 switch today; your median is 3."
        assert found.rate_words == "3.3 for each ten touches, against 7.3."
        assert (found.verdict, found.course) == ("calmer", [4, 2, 1])

    def test_leaves_weekends_and_later_touches_out(self, rep: Rep) -> None:
        several(rep, CALL, EMAIL, days_ago=4)
        touched(rep, NOW + timedelta(minutes=1), CALL)
        found = compare(reps=[rep], at=NOW)[rep.pk]
        assert (found.days, found.current.touches) == ((), 0)
        assert found.words == "0 switches today; there is no earlier day to compare with yet."
        assert (found.verdict, found.rate_words) == ("", "")

    def test_takes_the_last_twenty_days_only(self, rep: Rep) -> None:
        for days_ago in range(1, 40):
            several(rep, CALL, EMAIL, days_ago=days_ago)
        found = compare(reps=[rep], at=NOW)[rep.pk]
        assert len(found.days) == 20
        assert found.days[-1].day == date(2026, 11, 11)


class TestWords:
    @pytest.mark.parametrize(
        ("value", "words"),
        [(Fraction(14), "14"), (Fraction(27, 2), "13.5"), (Fraction(10, 3), "3.3"), (Fraction(19, 20), "1")],
    )
    def test_a_figure_has_one_decimal_at_the_most(self, value: Fraction, words: str) -> None:
        assert plain(value) == words

    def test_a_day_near_the_usual_rate_is_as_usual(self) -> None:
        past = (DayOfSwitches(date(2026, 11, 11), 100, 50, 0),)
        for switches, verdict in ((54, "usual"), (56, "busier"), (44, "calmer")):
            day = DayOfSwitches(date(2026, 11, 12), 100, switches, 0)
            assert Comparison(day, past).verdict == verdict
