"""Focus blocks as they are set and kept: the rep's own or the company's, audited, refused by name."""

from datetime import UTC, datetime, time

import pytest

from apps.audit.models import AuditEntry
from apps.core.errors import InvalidInput
from apps.leads.rules.focus import Block, default_day
from apps.leads.selectors.focus import strip_of, week_of
from apps.leads.services import focus
from apps.reps.models import Rep
from tests.cast import NOW, Cast
from tests.stage import staged

pytestmark = pytest.mark.django_db

CALLS = Block(time(9), time(12), "calls")
EMAIL = Block(time(13), time(15), "email")
THURSDAY = 3


@pytest.fixture
@staged
def rep(cast: Cast) -> Rep:
    return cast.rep(cast.sdr)


class TestSetBlocks:
    def test_replaces_the_weekday_and_leaves_the_others(self, rep: Rep, cast: Cast) -> None:
        focus.set_week(rep=rep, week={0: [EMAIL], 1: [EMAIL]}, at=NOW, actor=cast.revops)
        focus.set_blocks(rep=rep, weekday=1, blocks=[CALLS], at=NOW, actor=cast.revops)
        assert week_of(rep).blocks == {0: [EMAIL], 1: [CALLS]}

    def test_says_in_the_audit_who_set_what(self, rep: Rep, cast: Cast) -> None:
        focus.set_blocks(rep=rep, weekday=1, blocks=[CALLS], at=NOW, actor=cast.manager)
        entry = AuditEntry.objects.get(verb="leads.focus.set")
        assert (entry.actor, entry.subject_id) == (cast.manager, str(rep.pk))
        assert entry.data["week"] == {"1": [["09:00", "12:00", "calls"]]}

    def test_refuses_an_overlap_and_keeps_what_was(self, rep: Rep) -> None:
        focus.set_blocks(rep=rep, weekday=1, blocks=[EMAIL], at=NOW)
        with pytest.raises(focus.BlocksInvalid, match="overlaps") as refused:
            focus.set_blocks(rep=rep, weekday=1, blocks=[CALLS, Block(time(11), time(13), "email")], at=NOW)
        assert refused.value.faults[0].index == 1
        assert week_of(rep).blocks == {1: [EMAIL]}

    def test_refuses_a_weekday_that_is_none(self, rep: Rep) -> None:
        with pytest.raises(InvalidInput, match="weekday"):
            focus.set_blocks(rep=rep, weekday=7, blocks=[EMAIL], at=NOW)


class TestWhoseBlocksHold:
    def test_the_companys_where_the_rep_has_none(self, rep: Rep) -> None:
        focus.set_blocks(rep=None, weekday=THURSDAY, blocks=default_day(), at=NOW)
        assert not week_of(rep).is_own
        assert focus.block_at(rep=rep, at=NOW) == Block(time(10), time(13), "email")

    def test_only_the_reps_own_where_there_are_any(self, rep: Rep) -> None:
        focus.set_blocks(rep=None, weekday=THURSDAY, blocks=default_day(), at=NOW)
        focus.set_blocks(rep=rep, weekday=0, blocks=[CALLS], at=NOW)
        assert week_of(rep).is_own
        assert focus.block_at(rep=rep, at=NOW) is None

    def test_a_teammates_blocks_are_not_theirs(self, rep: Rep, cast: Cast) -> None:
        focus.set_blocks(rep=cast.rep(cast.teammate), weekday=THURSDAY, blocks=[CALLS], at=NOW)
        assert focus.block_at(rep=rep, at=NOW) is None

    def test_the_block_is_that_of_the_reps_own_zone(self, rep: Rep) -> None:
        focus.set_blocks(rep=rep, weekday=THURSDAY, blocks=default_day(), at=NOW)
        rep.time_zone = "Europe/Lisbon"
        assert focus.block_at(rep=rep, at=NOW) == Block(time(9), time(10), "clean_up")


class TestOwnWeek:
    def test_begins_as_the_companys(self, rep: Rep) -> None:
        focus.set_week(rep=None, week={0: [CALLS], 4: [EMAIL]}, at=NOW)
        focus.begin_own_week(rep=rep, at=NOW)
        assert week_of(rep).is_own
        assert week_of(rep).blocks == {0: [CALLS], 4: [EMAIL]}

    def test_begins_as_the_default_one_where_the_company_has_none(self, rep: Rep) -> None:
        focus.begin_own_week(rep=rep, at=NOW)
        assert week_of(rep).blocks == {weekday: list(focus.default_day()) for weekday in range(5)}

    def test_dropped_lets_the_companys_hold_again(self, rep: Rep) -> None:
        focus.set_blocks(rep=None, weekday=0, blocks=[CALLS], at=NOW)
        focus.set_blocks(rep=rep, weekday=0, blocks=[EMAIL], at=NOW)
        focus.drop_own_week(rep=rep, at=NOW)
        assert week_of(rep).blocks == {0: [CALLS]}
        with pytest.raises(focus.NoOwnBlocks):
            focus.drop_own_week(rep=rep, at=NOW)


class TestStrip:
    def test_says_what_is_now_and_what_follows(self, rep: Rep, django_assert_num_queries) -> None:
        focus.set_blocks(rep=rep, weekday=THURSDAY, blocks=[CALLS, EMAIL], at=NOW)
        with django_assert_num_queries(1):
            strip = strip_of(rep, NOW, UTC)
        assert [(part.label, part.state) for part in strip.parts] == [
            ("Calls", "now"),
            ("Pause", "off"),
            ("Email", "later"),
        ]
        assert strip.sentence == "Calls until 11:00, Email from 12:00."
        assert (strip.channel, strip.label, strip.clock) == ("call", "Calls", "09:42")
        assert strip.now_left == pytest.approx(28.33, abs=0.01)
        assert sum(part.width for part in strip.parts) == pytest.approx(100, abs=0.1)

    def test_names_the_next_one_at_once_where_there_is_no_gap(self, rep: Rep) -> None:
        focus.set_blocks(rep=rep, weekday=THURSDAY, blocks=default_day(), at=NOW)
        assert strip_of(rep, NOW, UTC).sentence == "Email until 12:00, then Calls."

    def test_outside_all_says_when_the_next_begins(self, rep: Rep) -> None:
        focus.set_blocks(rep=rep, weekday=0, blocks=[CALLS], at=NOW)
        strip = strip_of(rep, NOW, UTC)
        assert not strip
        assert strip.sentence == "No block now; Calls from 08:00 on Monday."

    def test_of_a_rep_without_any_is_empty(self, rep: Rep) -> None:
        strip = strip_of(rep, datetime(2026, 11, 14, 9, tzinfo=UTC), UTC)
        assert (bool(strip), strip.sentence, strip.channel) == (False, "", "")
