"""Policies are written, ordered, switched on and retired; and none of it moves a clock that runs."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from apps.audit.models import AuditEntry
from apps.leads.services import touches
from apps.slas.models import Clock, ClockKind, ClockState, Policy
from apps.slas.rules import in_words
from apps.slas.services import policies
from apps.slas.services import sweep as sweeping
from apps.slas.services.policies import Draft
from tests.cast import NOW, Cast
from tests.leads.test_touches import VOICEMAIL, arrive

LATER = NOW + timedelta(hours=1)
SIZE = [{"field": "size", "operator": "at_least", "value": [200]}]
DRAFT = Draft(
    "Large companies", SIZE, first_response_minutes=15, touch_count=4, touch_days=5, touch_channels=("call",)
)


def write(cast: Cast, draft: Draft = DRAFT, place: int | None = 1) -> Policy:
    return policies.create_policy(draft=draft, place=place, at=NOW, actor=cast.revops)


def names() -> list[str]:
    placed = Policy.objects.exclude(state=Policy.State.RETIRED)
    assert sorted(placed.values_list("position", flat=True)) == list(range(1, placed.count() + 1))
    return list(placed.order_by("position").values_list("name", flat=True))


class TestWriting:
    def test_a_new_one_is_a_draft_at_its_place_and_promises_nothing(self, cast: Cast) -> None:
        policy = write(cast, place=2)
        assert (policy.state, policy.position, policy.changed_by) == ("draft", 2, cast.revops)
        assert names()[:3] == ["Inbound, score A", "Large companies", "Inbound, score B"]
        assert Clock.objects.filter(policy=policy).count() == 0
        arrive(cast, employees=900)
        assert Clock.objects.filter(policy=policy).count() == 0
        entry = AuditEntry.objects.get(verb="slas.policy.created")
        assert (entry.actor, entry.data["place"]) == (cast.revops, 2)

    @pytest.mark.parametrize("place", [None, 99])
    def test_goes_last_without_a_place_or_beyond_the_end(self, cast: Cast, place: int | None) -> None:
        write(cast, place=place)
        assert names()[-1] == "Large companies"

    @pytest.mark.parametrize(
        ("changes", "field"),
        [
            ({"name": " "}, "name"),
            ({"name": "n" * 81}, "name"),
            ({"name": "Outbound"}, "name"),
            ({"first_response_minutes": -1}, "first_response_minutes"),
            ({"disposition_minutes": 10_000_000}, "disposition_minutes"),
            ({"touch_days": None}, "touch_days"),
            ({"touch_count": None}, "touch_count"),
            ({"touch_count": 0}, "touch_count"),
            ({"touch_days": 0}, "touch_days"),
            ({"touch_count": None, "touch_days": None}, "touch_count"),
            ({"touch_count": 1, "touch_channels": ("call", "email")}, "touch_channels"),
            ({"touch_channels": ("pigeon",)}, "touch_channels"),
            ({"warn_percent": 0}, "warn_percent"),
            ({"ae_fallback": "reroute"}, "ae_fallback"),
            ({"ae_fallback": "panic"}, "ae_fallback"),
            ({"conditions": [{"field": "shoe"}]}, "conditions"),
            ({"steps": [{"act": "remind"}]}, "steps"),
        ],
    )
    def test_names_the_field_that_cannot_be_so(self, cast: Cast, changes: dict[str, Any], field: str) -> None:
        before = names()
        with pytest.raises(policies.InvalidInput) as refused:
            write(cast, replace(DRAFT, **changes))
        assert refused.value.field == field
        assert names() == before

    def test_names_the_row_of_a_condition_and_of_a_step(self, cast: Cast) -> None:
        with pytest.raises(policies.InvalidConditions) as condition:
            write(
                cast, replace(DRAFT, conditions=[*SIZE, {"field": "tier", "operator": "in", "value": ["4"]}])
            )
        assert (condition.value.index, condition.value.row_field) == (1, "value")
        steps = [{"act": "remind", "at_percent": 90}, {"act": "notify_manager", "at_percent": 80}]
        with pytest.raises(policies.InvalidSteps) as step:
            write(cast, replace(DRAFT, steps=steps))
        assert (step.value.index, step.value.row_field) == (1, "at_percent")
        with pytest.raises(policies.InvalidSteps):
            write(cast, replace(DRAFT, steps=[{"act": "auto_accept", "at_percent": 90}]))

    def test_matches_by_tier(self, cast: Cast) -> None:
        tier = [{"field": "tier", "operator": "in", "value": ["1"]}]
        policy = policies.switch_on(policy=write(cast, Draft("Tier 1", tier, 10)), at=NOW)
        first = arrive(cast, title="CEO", employees=500, industry="Energy")
        assert first.score == "A"
        assert Clock.objects.get(lead=first, kind=ClockKind.FIRST_RESPONSE).policy == policy
        other = arrive(cast, 2, company="Small", email="s@small.example", employees=2)
        assert other.score != "A"
        assert not Clock.objects.filter(lead=other, policy=policy).exists()


class TestChanging:
    def test_a_clock_opened_before_ends_exactly_as_promised_when_it_opened(self, cast: Cast) -> None:
        policy = Policy.objects.get(name="Inbound, score A")
        lead = arrive(cast, title="CEO", employees=500, industry="Energy")
        opened = {clock.kind: clock for clock in Clock.objects.filter(lead=lead)}
        assert opened["first_response"].due_at == NOW + timedelta(minutes=30)
        draft = replace(
            policies.draft_of(policy),
            first_response_minutes=1,
            touch_count=1,
            touch_days=1,
            touch_channels=(),
            steps=(),
            warn_percent=10,
        )
        policies.change_policy(policy=policy, draft=draft, seen=policy.changed_at, at=NOW, actor=cast.revops)
        policies.retire(policy=policy, at=NOW, actor=cast.revops)
        sweeping.sweep(at=NOW + timedelta(minutes=29))
        for clock in Clock.objects.filter(lead=lead):
            was = opened[clock.kind]
            assert (clock.due_at, clock.warn_at, clock.target_minutes, clock.terms, clock.wanted) == (
                was.due_at, was.warn_at, was.target_minutes, was.terms, was.wanted
            )  # fmt: skip
        touches.log_touch(lead=lead, rep=cast.rep(cast.sdr), at=NOW + timedelta(minutes=30), **VOICEMAIL)
        clock = Clock.objects.get(lead=lead, kind=ClockKind.FIRST_RESPONSE)
        assert (clock.state, clock.met_at) == (ClockState.MET, NOW + timedelta(minutes=30))
        # Five touches of the six that were promised are still to come, whatever the policy says now.
        assert Clock.objects.get(lead=lead, kind=ClockKind.TOUCHES).state == ClockState.RUNNING
        sweeping.sweep(at=opened["touches"].due_at + timedelta(seconds=1))
        kept = Clock.objects.get(lead=lead, kind=ClockKind.TOUCHES)
        assert (kept.state, kept.breached_at) == (ClockState.BREACHED, opened["touches"].due_at)

    def test_the_next_lead_is_promised_what_it_says_now(self, cast: Cast) -> None:
        policy = Policy.objects.get(name="Inbound, score A")
        draft = replace(policies.draft_of(policy), first_response_minutes=5)
        policies.change_policy(policy=policy, draft=draft, seen=None, at=NOW, actor=cast.revops)
        lead = arrive(cast, title="CEO", employees=500, industry="Energy")
        assert Clock.objects.get(lead=lead, kind=ClockKind.FIRST_RESPONSE).due_at == NOW + timedelta(
            minutes=5
        )

    def test_keeps_what_it_was_and_became_in_words(self, cast: Cast) -> None:
        policy = write(cast)
        draft = replace(DRAFT, first_response_minutes=60)
        policies.change_policy(
            policy=policy, draft=draft, seen=policy.changed_at, at=LATER, actor=cast.revops
        )
        entry = AuditEntry.objects.get(verb="slas.policy.changed")
        touches_said = "4 touches in 5 business days, a call among them"
        assert entry.data == {
            "changed": {
                "Promises": [
                    f"First response in 15 min; {touches_said}",
                    f"First response in 1 h; {touches_said}",
                ]
            }
        }

    def test_writes_nothing_where_nothing_differs(self, cast: Cast) -> None:
        policy = write(cast)
        policies.change_policy(
            policy=policy, draft=DRAFT, seen=policy.changed_at, at=LATER, actor=cast.revops
        )
        policy.refresh_from_db()
        assert policy.changed_at == NOW
        assert not AuditEntry.objects.filter(verb="slas.policy.changed").exists()

    def test_of_two_who_read_the_same_the_second_is_refused(self, cast: Cast) -> None:
        policy = write(cast)
        first = replace(DRAFT, first_response_minutes=20)
        policies.change_policy(policy=policy, draft=first, seen=NOW, at=LATER, actor=cast.revops)
        with pytest.raises(policies.PolicyMovedOn):
            policies.change_policy(policy=policy, draft=DRAFT, seen=NOW, at=LATER, actor=cast.revops)
        policy.refresh_from_db()
        assert policy.first_response_minutes == 20

    def test_a_retired_one_is_not_changed(self, cast: Cast) -> None:
        policy = policies.retire(policy=write(cast), at=NOW, actor=cast.revops)
        with pytest.raises(policies.UnableToSwitch):
            policies.change_policy(policy=policy, draft=DRAFT, seen=NOW, at=NOW, actor=cast.revops)


class TestOrder:
    def test_moves_to_a_place_and_a_second_click_moves_no_further(self, cast: Cast) -> None:
        policy = write(cast, place=3)
        for _ in range(2):
            policies.move_policy(policy=policy, place=2, at=NOW, actor=cast.revops)
        assert names()[1] == "Large companies"
        assert AuditEntry.objects.get(verb="slas.policy.moved").data == {"from": 3, "to": 2}

    def test_the_order_decides_who_takes_a_lead(self, cast: Cast) -> None:
        policy = policies.switch_on(policy=write(cast, place=None), at=NOW, actor=cast.revops)
        lead = arrive(cast, employees=900)
        assert not Clock.objects.filter(lead=lead, policy=policy).exists()
        policies.move_policy(policy=policy, place=1, at=NOW, actor=cast.revops)
        other = arrive(cast, 2, company="Second", email="b@second.example", employees=900)
        assert Clock.objects.filter(lead=other, policy=policy).exists()

    def test_a_retired_one_gives_its_place_up_and_comes_back_as_the_last(self, cast: Cast) -> None:
        policy = write(cast, place=1)
        policies.retire(policy=policy, at=NOW, actor=cast.revops)
        assert "Large companies" not in names()
        with pytest.raises(policies.UnableToSwitch):
            policies.move_policy(policy=policy, place=1, at=NOW, actor=cast.revops)
        for _ in range(2):
            policy = policies.switch_on(policy=policy, at=NOW, actor=cast.revops)
        assert names()[-1] == "Large companies"
        assert AuditEntry.objects.filter(verb="slas.policy.switched_on").count() == 1


class TestWords:
    @pytest.mark.parametrize(
        ("minutes", "words"),
        [
            (0, "no time at all"),
            (30, "30 min"),
            (90, "1 h 30 min"),
            (240, "4 h"),
            (480, "1 business day"),
            (960, "2 business days"),
        ],
    )
    def test_spans_read_as_one_says_them(self, minutes: int, words: str) -> None:
        assert in_words.span(minutes) == words

    def test_lists_channels_with_an_and(self) -> None:
        assert in_words.touches(3, 1, ["call", "email", "chat"]).endswith(
            "a call, an e-mail and a chat among them"
        )
