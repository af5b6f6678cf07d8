"""Cadences: which step comes next and when, by plain values; and making, changing and retiring one."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.audit.models import AuditEntry
from apps.core.errors import InvalidInput
from apps.leads.models import Cadence, Purpose
from apps.leads.rules.cadences import (
    PURPOSES,
    WORDS,
    Facts,
    Step,
    StepsInvalid,
    When,
    due_at,
    holds,
    next_step,
    parse_steps,
    working_day,
)
from apps.leads.rules.dispositions import CHANNELS, PASSED_ON_TO
from apps.leads.services import cadences
from apps.reps.rules.business_time import Hours, is_open
from tests.cast import NOW, Cast

WEEK = {day: [["09:00", "12:00"], ["13:00", "17:00"]] for day in ("mon", "tue", "wed", "thu", "fri")}
BERLIN = Hours.of("Europe/Berlin", WEEK, ["2026-11-16"])
SHUT = Hours.of("Europe/Berlin", {})

STEPS = [
    {"channel": "call", "purpose": "answer"},
    {"channel": "email", "wait_hours": 4, "when": "not_reached", "script": "Hello"},
    {"channel": "call", "wait_days": 2, "when": "no_reply"},
]


def given_cadence(**change: Any) -> dict[str, Any]:
    """What ``create_cadence`` and ``change_cadence`` take."""
    return {
        "name": "Inbound, fast",
        "motion": "inbound",
        "conditions": [{"field": "score", "operator": "in", "value": ["A", "B"]}],
        "position": 1,
        "enrols_by_itself": False,
        "steps": STEPS,
    } | change


class TestSteps:
    def test_what_it_reads_it_writes(self) -> None:
        steps = parse_steps(STEPS)
        assert parse_steps([step.as_dict() for step in steps]) == steps
        assert [step.number for step in steps] == [1, 2, 3]
        assert [step.wait_words for step in steps] == ["at once", "4 hours later", "2 working days later"]

    def test_every_condition_has_its_words_and_every_purpose_is_the_models(self) -> None:
        assert set(WORDS) == set(When)
        assert set(PURPOSES) == set(Purpose.values)

    @pytest.mark.parametrize(
        ("steps", "index", "field"),
        [
            ([], None, "steps"),
            ("call", None, "steps"),
            ([STEPS[0]] * 41, None, "steps"),
            ([STEPS[0], "call"], 1, "channel"),
            ([{"channel": "pigeon"}], 0, "channel"),
            ([{"channel": "call", "wait_days": -1}], 0, "wait_days"),
            ([{"channel": "call", "wait_hours": 1.5}], 0, "wait_hours"),
            ([{"channel": "call", "wait_hours": 1, "wait_days": 1}], 0, "wait_hours"),
            ([{"channel": "call", "when": "full_moon"}], 0, "when"),
            ([{"channel": "call", "purpose": "fun"}], 0, "purpose"),
            ([{"channel": "call", "script": "x" * 2001}], 0, "script"),
        ],
    )
    def test_names_the_step_and_the_field(self, steps: Any, index: int | None, field: str) -> None:
        with pytest.raises(StepsInvalid) as refused:
            parse_steps(steps)
        assert (refused.value.index, refused.value.field) == (index, field)


def _facts(**known: Any) -> Facts:
    return Facts(enrolled_at=NOW, since=NOW + timedelta(days=1), score="B", **known)


class TestConditions:
    BEFORE, AFTER, LATER = NOW - timedelta(days=1), NOW + timedelta(hours=1), NOW + timedelta(days=2)

    @pytest.mark.parametrize(
        ("when", "known", "expected"),
        [
            ("always", {}, True),
            ("not_reached", {}, True),
            ("not_reached", {"spoken_at": BEFORE}, True),
            ("not_reached", {"spoken_at": AFTER}, False),
            ("no_reply", {}, True),
            ("no_reply", {"emailed_at": AFTER}, True),
            ("no_reply", {"emailed_at": AFTER, "replied_at": LATER}, False),
            ("no_reply", {"emailed_at": AFTER, "spoken_at": LATER}, False),
            ("no_reply", {"emailed_at": LATER, "replied_at": AFTER}, True),
            ("visited", {}, False),
            ("visited", {"visited_at": AFTER}, False),
            ("visited", {"visited_at": LATER}, True),
            ("not_visited", {"visited_at": LATER}, False),
            ("not_visited", {"visited_at": AFTER}, True),
            ("score_a_b", {}, True),
            ("score_c_d", {}, False),
        ],
    )
    def test_each_looks_at_what_it_says(self, when: str, known: dict[str, Any], expected: bool) -> None:
        assert holds(When(when), _facts(**known)) is expected

    def test_passes_over_at_once_only_what_can_never_hold_again(self) -> None:
        steps = parse_steps(
            [
                {"channel": "email", "when": "not_reached"},
                {"channel": "call", "when": "visited"},
                {"channel": "call"},
            ]
        )
        found, passed = next_step(steps, 0, _facts(spoken_at=self.AFTER))
        assert (found, passed) == (steps[1], (steps[0],))
        assert next_step(steps, 3, _facts()) == (None, ())

    @given(
        channels=st.lists(st.sampled_from(CHANNELS), min_size=1, max_size=8),
        whens=st.lists(st.sampled_from(list(When)), min_size=8, max_size=8),
        closed=st.sets(st.sampled_from(CHANNELS)),
        after=st.integers(0, 8),
        spoken=st.booleans(),
    )
    def test_moves_only_forwards_and_accounts_for_every_step(
        self, channels: list[str], whens: list[When], closed: set[str], after: int, spoken: bool
    ) -> None:
        steps = tuple(
            Step(number, channel, when=when)
            for number, (channel, when) in enumerate(zip(channels, whens, strict=False), 1)
        )
        found, passed = next_step(steps, after, _facts(spoken_at=self.LATER if spoken else None), closed)
        numbers = [step.number for step in passed] + ([found.number] if found else [])
        assert numbers == list(range(after + 1, (found.number if found else len(steps)) + 1))
        if found and found.channel in closed:
            assert set(PASSED_ON_TO) - closed


class TestDue:
    THURSDAY = datetime(2026, 11, 12, 9, 42, tzinfo=UTC)

    @pytest.mark.parametrize(
        ("wait", "start", "expected"),
        [
            ({}, THURSDAY, THURSDAY),
            ({"wait_hours": 4}, THURSDAY, datetime(2026, 11, 12, 13, 42, tzinfo=UTC)),
            # A quarter to six is closed: the next opening is Friday's.
            ({"wait_hours": 7}, THURSDAY, datetime(2026, 11, 13, 8, 0, tzinfo=UTC)),
            ({"wait_days": 1}, THURSDAY, datetime(2026, 11, 13, 9, 42, tzinfo=UTC)),
            # Friday, then Monday is a holiday: Tuesday.
            ({"wait_days": 2}, THURSDAY, datetime(2026, 11, 17, 9, 42, tzinfo=UTC)),
            # Half past twelve is lunch; in the evening it is the day's first opening that is left.
            (
                {"wait_days": 1},
                datetime(2026, 11, 12, 11, 30, tzinfo=UTC),
                datetime(2026, 11, 13, 12, tzinfo=UTC),
            ),
            (
                {"wait_days": 1},
                datetime(2026, 11, 12, 21, 0, tzinfo=UTC),
                datetime(2026, 11, 13, 8, tzinfo=UTC),
            ),
        ],
    )
    def test_counts_working_days_and_real_hours(
        self, wait: dict[str, int], start: datetime, expected: datetime
    ) -> None:
        assert due_at(Step(1, "email", **wait), since=start, hours=BERLIN) == expected

    def test_keeps_the_wall_clock_when_the_clocks_change(self) -> None:
        # Friday 10:00 CEST to Monday 10:00 CET, over the last Sunday of October.
        friday = datetime(2026, 10, 23, 8, tzinfo=UTC)
        found = due_at(Step(1, "email", wait_days=1), since=friday, hours=BERLIN)
        assert found == datetime(2026, 10, 26, 9, tzinfo=UTC)

    def test_a_calendar_that_never_opens_counts_plain_time(self) -> None:
        assert due_at(Step(1, "email", wait_days=2), since=NOW, hours=SHUT) == NOW + timedelta(days=2)

    @given(
        minutes=st.integers(0, 60 * 24 * 30),
        days=st.integers(0, 30),
        hours=st.integers(0, 100),
    )
    def test_is_never_before_its_time_and_always_within_hours(
        self, minutes: int, days: int, hours: int
    ) -> None:
        start = NOW + timedelta(minutes=minutes)
        step = Step(1, "email", wait_days=days, wait_hours=0 if days else hours)
        found = due_at(step, since=start, hours=BERLIN)
        assert is_open(BERLIN, found)
        assert found >= start + timedelta(hours=step.wait_hours)
        if days:
            day = start.astimezone(found.tzinfo).date()
            assert (found.date() - day).days >= days

    def test_counts_only_days_that_open(self) -> None:
        assert working_day(BERLIN, date(2026, 11, 12), 3) == date(2026, 11, 18)


class TestCreateAndChange:
    def test_keeps_the_steps_as_the_first_version_on_record(self, cast: Cast) -> None:
        cadence = cadences.create_cadence(**given_cadence(), at=NOW, actor=cast.revops)
        version = cadence.versions.get()
        assert (version.number, version.created_by) == (1, cast.revops)
        assert parse_steps(version.steps) == parse_steps(STEPS)
        assert AuditEntry.objects.get(verb="leads.cadence.created").actor == cast.revops

    def test_makes_a_new_version_only_if_the_steps_differ(self, cast: Cast) -> None:
        cadence = cadences.create_cadence(**given_cadence(), at=NOW, actor=cast.revops)
        cadences.change_cadence(
            cadence=cadence, **given_cadence(name="Inbound, faster"), at=NOW, actor=cast.revops
        )
        assert cadence.versions.count() == 1
        cadences.change_cadence(cadence=cadence, **given_cadence(steps=STEPS[:2]), at=NOW, actor=cast.revops)
        newest = cadences.current_version(cadence)
        assert newest is not None
        assert (newest.number, len(newest.steps)) == (2, 2)
        assert len(cadence.versions.get(number=1).steps) == 3

    @pytest.mark.parametrize(
        ("wrong", "field"),
        [
            ({"name": "  "}, "name"),
            ({"name": "x" * 81}, "name"),
            ({"motion": "sideways"}, "motion"),
            ({"position": -1}, "position"),
            ({"steps": []}, "steps"),
            ({"steps": [{"channel": "pigeon"}]}, "steps"),
            ({"conditions": [{"field": "shoe size", "operator": "in", "value": ["44"]}]}, "conditions"),
        ],
    )
    def test_names_what_is_wrong_and_keeps_nothing(
        self, cast: Cast, wrong: dict[str, Any], field: str
    ) -> None:
        with pytest.raises(InvalidInput) as refused:
            cadences.create_cadence(**given_cadence(**wrong), at=NOW, actor=cast.revops)
        assert refused.value.field == field
        assert not Cadence.objects.exists()

    def test_refuses_a_name_that_is_taken(self, cast: Cast) -> None:
        cadences.create_cadence(**given_cadence(), at=NOW, actor=cast.revops)
        with pytest.raises(cadences.NameTaken):
            cadences.create_cadence(**given_cadence(), at=NOW, actor=cast.revops)

    def test_retiring_twice_is_retiring_once(self, cast: Cast) -> None:
        cadence = cadences.create_cadence(**given_cadence(), at=NOW, actor=cast.revops)
        for _ in range(2):
            cadence = cadences.retire(cadence=cadence, at=NOW, actor=cast.revops)
        assert not cadence.is_active
        assert AuditEntry.objects.filter(verb="leads.cadence.retired").count() == 1
        assert cadences.activate(cadence=cadence, at=NOW, actor=cast.revops).is_active
