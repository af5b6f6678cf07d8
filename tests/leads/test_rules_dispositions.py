"""What follows from a disposition: the built-in rows, a company's own, and what no company can change."""

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.leads.models import Channel, Disposition, Proposal
from apps.leads.rules.dispositions import (
    AGREED_TOUCHES,
    CHANNELS,
    CONTACTS,
    DISPOSITIONS,
    FIXED,
    PASSED_ON_TO,
    PROPOSALS,
    Act,
    NextStep,
    Rules,
    RulesInvalid,
    next_step,
    open_channel,
)

NO_CONTACT = ["voicemail", "no_answer", "gatekeeper", "bad_contact", "sent"]
DEFAULT = Rules.default()


def _next(disposition: str, attempts: int = 1, age_days: int = 0, **more: Any) -> NextStep:
    return next_step(
        disposition, attempts=attempts, age_days=age_days, rules=more.pop("rules", DEFAULT), **more
    )


class TestBuiltIn:
    def test_knows_the_dispositions_channels_and_proposals_of_the_models(self) -> None:
        assert set(DISPOSITIONS) == set(Disposition.values)
        assert set(CHANNELS) == set(Channel.values)
        assert set(PROPOSALS) == set(Proposal.values)

    @pytest.mark.parametrize("disposition", NO_CONTACT)
    def test_proposes_at_the_agreed_number_and_not_before(self, disposition: str) -> None:
        assert _next(disposition, AGREED_TOUCHES - 1).act is Act.RETRY
        assert _next(disposition, AGREED_TOUCHES).act is Act.PROPOSE

    def test_proposes_nurture_for_a_young_lead_and_the_end_for_an_old_one_or_bad_data(self) -> None:
        assert _next("voicemail", 9, 30).proposal == "recycle"
        assert _next("voicemail", 9, 365).proposal == "recycle"
        assert _next("voicemail", 9, 366).proposal == "disqualify"
        assert _next("bad_contact", 9, 1).proposal == "disqualify"
        assert _next("sent", 11, 1).reason == "No contact after 11 touches"

    def test_a_declined_proposal_waits_for_its_touches(self) -> None:
        assert _next("sent", 11, postponed_to=12) == NextStep(Act.RETRY, timedelta(days=1), "call")
        assert _next("sent", 12, postponed_to=12).act is Act.PROPOSE

    def test_says_in_words_what_follows(self) -> None:
        assert _next("voicemail").in_words == "email in 4 h"
        assert _next("gatekeeper").in_words == "call in 1 d"
        assert _next("opt_out").in_words == "never contact"
        assert _next("voicemail", 9).in_words == "propose to recycle"
        assert _next("not_now", rules=Rules(DEFAULT.rows, 9, 30)).in_words == "recycle, back in 30 d"

    def test_refuses_a_disposition_that_is_none(self) -> None:
        with pytest.raises(KeyError):
            _next("shouted")


class TestTotal:
    @given(
        disposition=st.sampled_from(DISPOSITIONS),
        attempts=st.integers(1, 500),
        age_days=st.integers(0, 5_000),
        closed=st.sets(st.sampled_from(CHANNELS)),
        postponed_to=st.integers(0, 500),
    )
    def test_there_is_always_an_answer_and_never_one_over_a_closed_channel(
        self, disposition: str, attempts: int, age_days: int, closed: set[str], postponed_to: int
    ) -> None:
        step = _next(disposition, attempts, age_days, closed=closed, postponed_to=postponed_to)
        assert step.channel not in closed
        if step.act in (Act.RETRY, Act.QUALIFY):
            assert step.channel
        if step.act is Act.PROPOSE:
            assert step.proposal in PROPOSALS
            assert step.reason
            assert attempts >= AGREED_TOUCHES or closed >= set(PASSED_ON_TO)

    @given(channel=st.sampled_from(CHANNELS), closed=st.sets(st.sampled_from(CHANNELS)))
    def test_a_closed_channel_is_replaced_by_an_open_one_while_there_is_one(
        self, channel: str, closed: set[str]
    ) -> None:
        found = open_channel(channel, closed)
        if channel not in closed:
            assert found == channel
        elif set(PASSED_ON_TO) - closed:
            assert found in set(PASSED_ON_TO) - closed
        else:
            assert found == ""

    def test_proposes_the_end_where_no_channel_is_left(self) -> None:
        step = _next("voicemail", closed=PASSED_ON_TO)
        assert (step.act, step.proposal, step.channel) == (Act.PROPOSE, "disqualify", "")


def _cover(**row: Any) -> list[dict[str, Any]]:
    """``row`` first, and a row for everything after it."""
    return [row, {"act": "retry", "wait_hours": 2, "channel": "call"}]


class TestParse:
    def test_what_it_writes_it_reads_back(self) -> None:
        assert Rules.parse(DEFAULT.as_rows()) == DEFAULT

    def test_the_first_row_that_matches_wins(self) -> None:
        rules = Rules.parse(
            [
                {"dispositions": ["voicemail"], "attempts_to": 2, "age_to": 10, "act": "retry",
                 "wait_hours": 1, "channel": "social"},
                {"dispositions": ["voicemail"], "attempts_to": 2, "act": "retry", "wait_days": 3,
                 "channel": "chat"},
                {"act": "retry", "wait_hours": 2, "channel": "call"},
            ]
        )  # fmt: skip
        assert _next("voicemail", 2, 10, rules=rules).channel == "social"
        assert _next("voicemail", 2, 11, rules=rules).channel == "chat"
        assert _next("voicemail", 3, 11, rules=rules).channel == "call"

    @pytest.mark.parametrize(
        ("rows", "row", "field"),
        [
            ([], None, "rules"),
            ("voicemail", None, "rules"),
            (["voicemail"], 0, "act"),
            (_cover(act="shout"), 0, "act"),
            (_cover(act="retry", wait_hours=1, channel="pigeon"), 0, "channel"),
            (_cover(act="retry", channel="call"), 0, "wait_hours"),
            (_cover(act="retry", channel="call", wait_hours=1, wait_days=1), 0, "wait_days"),
            (_cover(act="retry", channel="call", wait_days=366), 0, "wait_days"),
            (_cover(act="retry", channel="call", wait_hours="soon"), 0, "wait_hours"),
            (_cover(act="retry", channel="call", wait_hours=1, dispositions=["shouted"]), 0, "dispositions"),
            (_cover(act="retry", channel="call", wait_hours=1, dispositions=["opt_out"]), 0, "dispositions"),
            (_cover(act="retry", channel="call", wait_hours=1, attempts_from=0), 0, "attempts_from"),
            (
                _cover(act="retry", channel="call", wait_hours=1, attempts_from=5, attempts_to=4),
                0,
                "attempts_to",
            ),
            (_cover(act="retry", channel="call", wait_hours=1, age_from=-1), 0, "age_from"),
            (_cover(act="retry", channel="call", wait_hours=1, colour="red"), 0, "colour"),
            (_cover(act="propose", channel="call", wait_days=1, reason="x"), 0, "proposal"),
            (_cover(act="propose", channel="call", wait_days=1, proposal="recycle"), 0, "reason"),
            (
                _cover(
                    act="propose",
                    channel="call",
                    wait_days=1,
                    proposal="recycle",
                    reason="x",
                    attempts_from=8,
                ),
                0,
                "attempts_from",
            ),
            (_cover(act="recycle", reason="x"), 0, "dispositions"),
            (_cover(act="disqualify", reason="x", dispositions=["voicemail"]), 0, "act"),
            (_cover(act="disqualify", dispositions=["not_a_fit"]), 0, "reason"),
        ],
    )
    def test_names_the_row_and_the_field(self, rows: Any, row: int | None, field: str) -> None:
        with pytest.raises(RulesInvalid) as refused:
            Rules.parse(rows)
        assert (refused.value.row, refused.value.field) == (row, field)
        if row is not None:
            assert str(refused.value).startswith(f"Row {row + 1}, ")

    @pytest.mark.parametrize(
        ("gap", "words"),
        [
            ({"attempts_to": 8}, "connected, touch 9, at 0 days of age"),
            ({"attempts_from": 2}, "connected, touch 1, at 0 days of age"),
            ({"age_to": 100}, "connected, touch 1, at 101 days of age"),
            ({"age_from": 3}, "connected, touch 1, at 0 days of age"),
            ({"dispositions": ["connected", "voicemail"]}, "no answer, touch 1, at 0 days of age"),
        ],
    )
    def test_refuses_rows_that_leave_a_gap(self, gap: dict[str, Any], words: str) -> None:
        with pytest.raises(RulesInvalid, match=words):
            Rules.parse([{"act": "retry", "wait_hours": 2, "channel": "call", **gap}])

    @given(
        edges=st.lists(st.tuples(st.integers(1, 20), st.integers(0, 20), st.integers(0, 30)), max_size=4),
        attempts=st.integers(1, 60),
        age_days=st.integers(0, 90),
        disposition=st.sampled_from(sorted(set(DISPOSITIONS) - FIXED)),
    )
    def test_rules_that_it_takes_have_an_answer_for_everything(
        self, edges: list[tuple[int, int, int]], attempts: int, age_days: int, disposition: str
    ) -> None:
        rows: list[dict[str, Any]] = [
            {"act": "retry", "wait_hours": 1, "channel": "call", "attempts_from": start,
             "attempts_to": start + length, "age_from": age}
            for start, length, age in edges
        ]  # fmt: skip
        try:
            rules = Rules.parse([*rows, {"act": "retry", "wait_hours": 1, "channel": "call", "age_to": 40},
                                 {"act": "retry", "wait_hours": 1, "channel": "email", "age_from": 41}])  # fmt: skip
        except RulesInvalid:
            return
        assert next_step(disposition, attempts=attempts, age_days=age_days, rules=rules).act is Act.RETRY

    def test_contacts_are_talks(self) -> None:
        assert {"connected", "call_back"} == CONTACTS
