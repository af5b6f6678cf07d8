"""Stage gates: a criterion that is not met stops a move, unless somebody overrides it by name."""

from datetime import date, timedelta
from threading import Barrier, Thread

import pytest
from django.db import IntegrityError, connection, transaction
from django.urls import reverse
from hypothesis import given
from hypothesis import strategies as st

from apps.audit.models import AuditEntry
from apps.leads.models import (
    EventKind,
    FunnelEvent,
    GateAnswer,
    GatePassage,
    Opportunity,
    OpportunityKind,
    OpportunityStage,
    StageGate,
)
from apps.leads.rules import gates as rules
from apps.leads.rules.gates import GateCriterion, Known
from apps.leads.selectors import gates as selectors
from apps.leads.services import gates as services
from apps.leads.services import opportunities
from tests.cast import NOW, Cast
from tests.leads.scenes import opened

TODAY = NOW.date()
BUDGET = GateCriterion("budget", "Budget", "Who approved it?", "budget")
DATE = GateCriterion("date", "Date", "By when?", "timeframe")
SPONSOR = GateCriterion("sponsor", "Sponsor", "Who wants it?")
LATER = NOW + timedelta(hours=3)


@pytest.fixture(autouse=True)
def _now(time_machine):
    time_machine.move_to(NOW + timedelta(days=1), tick=False)


def gate(cast: Cast, *criteria: GateCriterion, **more) -> StageGate:
    given_more = {
        "stage": OpportunityStage.STAGE_2,
        "kind": OpportunityKind.NEW,
        "overrider": StageGate.Overrider.MANAGER,
        "effective_on": TODAY,
        **more,
    }
    return services.write_gate(criteria=criteria, today=TODAY, at=NOW, actor=cast.revops, **given_more)


def move(deal: Opportunity, actor, override: str = "") -> Opportunity:
    return opportunities.move_opportunity(
        opportunity=deal, stage=OpportunityStage.STAGE_2, override=override, at=LATER, actor=actor
    )


def answer(deal: Opportunity, cast: Cast, **known: Known) -> int:
    return services.answer_criteria(
        opportunity=deal, stage=OpportunityStage.STAGE_2, answers=known, at=LATER, actor=cast.ae
    )


class TestRules:
    criteria = st.lists(st.sampled_from("abcdef"), unique=True).map(
        lambda keys: [GateCriterion(key, key.upper(), "", key if key < "c" else "") for key in keys]
    )
    knowns = st.dictionaries(
        st.sampled_from("abcdef"), st.builds(Known, st.booleans(), st.sampled_from(["", " ", "said so"]))
    )

    @given(criteria, knowns, knowns)
    def test_nothing_passes_unmet(self, criteria, answers, qualified):
        shut = {one.criterion.key for one in rules.unmet(rules.judge(criteria, answers, qualified))}
        for one in criteria:
            said = answers.get(one.key) or (qualified.get(one.fills_from) if one.fills_from else None)
            is_met = said is not None and said.is_met and bool(said.evidence.strip())
            assert (one.key in shut) == (not is_met)

    def test_an_own_answer_wins_over_the_qualification(self):
        (one,) = rules.judge([BUDGET], {"budget": Known(False, "Frozen")}, {"budget": Known(True, "Yes")})
        assert not one.is_met

    def test_keys_are_told_apart(self):
        assert rules.key_of("Budget!") == "budget"
        assert rules.key_of("Budget", {"budget", "budget_2"}) == "budget_3"
        assert rules.key_of("???") == "criterion"
        assert len(rules.key_of("x" * 60, {"x" * 20})) <= 20

    def test_changes_name_what_is_asked_otherwise(self):
        found = rules.changes([BUDGET, DATE], [GateCriterion("budget", "Budget", "How much?"), SPONSOR])
        assert [(one.what, one.kind) for one in found] == [
            ("Budget", "changed"), ("Sponsor", "added"), ("Date", "removed"),
        ]  # fmt: skip


class TestMove:
    def test_goes_free_where_nothing_is_asked(self, cast):
        assert move(opened(cast), cast.ae).stage == "stage_2"
        assert not GatePassage.objects.exists()

    def test_is_stopped_by_what_is_not_met(self, cast):
        gate(cast, BUDGET, DATE, SPONSOR)
        deal = opened(cast)
        with pytest.raises(services.GateNotMet, match="Date, Sponsor") as refused:
            move(deal, cast.ae)
        assert not refused.value.may_override
        deal.refresh_from_db()
        assert deal.stage == "stage_1"
        assert not FunnelEvent.objects.filter(kind=EventKind.STAGE_2).exists()

    def test_passes_on_answers_and_what_the_qualification_fills(self, cast):
        version = gate(cast, BUDGET, SPONSOR)
        deal = opened(cast)
        assert answer(deal, cast, sponsor=Known(True, "The COO wrote on Monday")) == 1
        move(deal, cast.ae)
        passage = GatePassage.objects.get()
        assert (passage.gate, passage.is_override, passage.stage) == (version, False, "stage_2")
        assert passage.event == FunnelEvent.objects.get(kind=EventKind.STAGE_2)
        assert [(one["key"], one["met"], one["filled"]) for one in passage.judged] == [
            ("budget", True, True), ("sponsor", True, False),
        ]  # fmt: skip
        assert "Hanna Vogel" in passage.judged[0]["evidence"]

    def test_keeps_the_version_that_judged_it(self, cast):
        first = gate(cast, BUDGET)
        deal = move(opened(cast), cast.ae)
        gate(cast, BUDGET, SPONSOR)
        assert deal.passages.get().gate == first

    def test_a_version_judges_from_its_day_on(self, cast):
        gate(cast, SPONSOR, effective_on=TODAY + timedelta(days=1))
        assert move(opened(cast), cast.ae).stage == "stage_2"

    def test_other_kinds_are_judged_by_their_own(self, cast):
        gate(cast, SPONSOR, kind=OpportunityKind.RENEWAL)
        assert move(opened(cast), cast.ae).stage == "stage_2"

    def test_a_lost_one_needs_no_gate(self, cast):
        gate(cast, SPONSOR)
        deal = opportunities.move_opportunity(
            opportunity=opened(cast), stage=OpportunityStage.LOST, loss_reason="timing", at=LATER
        )
        assert deal.stage == "lost"


class TestOverride:
    def test_is_kept_by_name_with_its_reason(self, cast):
        gate(cast, BUDGET, SPONSOR)
        move(opened(cast), cast.manager, "The board meets in January")
        passage = GatePassage.objects.overrides().get()
        assert (passage.passed_by, passage.reason, passage.unmet) == (
            cast.manager, "The board meets in January", ["Sponsor"],
        )  # fmt: skip
        entry = AuditEntry.objects.get(verb="leads.gate.overridden")
        assert entry.data["unmet"] == ["sponsor"]

    @pytest.mark.parametrize("part", ["ae", "second_ae", "outside_manager", "revops"])
    def test_is_the_managers_alone(self, cast, part):
        gate(cast, SPONSOR)
        with pytest.raises(services.UnableToOverride):
            move(opened(cast), getattr(cast, part), "Please")

    def test_is_the_owners_where_the_version_says_so(self, cast):
        gate(cast, SPONSOR, overrider=StageGate.Overrider.OWNER)
        assert move(opened(cast), cast.ae, "They sign on Friday").stage == "stage_2"

    def test_nobody_overrides_without_a_name(self, cast):
        gate(cast, SPONSOR, overrider=StageGate.Overrider.OWNER)
        with pytest.raises(services.UnableToOverride):
            move(opened(cast), None, "Somebody said so")

    def test_the_database_refuses_one_without_a_reason(self, cast):
        gate(cast, SPONSOR)
        move(opened(cast), cast.manager, "Because")
        passage = GatePassage.objects.get()
        passage.pk, passage.reason, passage.event_id = None, "", FunnelEvent.objects.earliest("pk").pk
        with pytest.raises(IntegrityError), transaction.atomic():
            passage.save(force_insert=True)

    def test_a_reason_is_not_kept_where_none_was_needed(self, cast):
        gate(cast, BUDGET)
        move(opened(cast), cast.ae, "Not needed")
        assert not GatePassage.objects.overrides().exists()

    def test_what_became_of_it_is_told(self, cast):
        gate(cast, SPONSOR)
        through = move(opened(cast), cast.manager, "Because")
        opportunities.move_opportunity(
            opportunity=through, stage=OpportunityStage.LOST, loss_reason="no_budget", at=LATER, actor=cast.ae
        )
        came = selectors.became(cast.manager)
        assert (came[True].count, came[True].lost, came[False].count) == (1, 1, 0)
        (one,) = selectors.overrides_between(cast.revops, NOW, NOW + timedelta(days=1))
        assert (one.opportunity, one.is_void) == (through, False)
        assert selectors.overrides_between(cast.outside_manager, NOW, NOW + timedelta(days=1)) == []
        assert selectors.flags_of([through])[through.pk].overridden == 1

    def test_a_move_taken_back_counts_no_more(self, cast):
        gate(cast, SPONSOR)
        deal = move(opened(cast), cast.manager, "Because")
        opportunities.undo_move(opportunity=deal, reason="Wrong card", at=LATER, actor=cast.manager)
        assert selectors.became(cast.manager)[True].count == 0
        assert selectors.passages_of(deal)[0].is_void
        assert selectors.flags_of([deal]) == {}


class TestAnswer:
    def test_met_needs_evidence(self, cast):
        from apps.core.errors import InvalidInput

        gate(cast, SPONSOR)
        deal = opened(cast)
        with pytest.raises(InvalidInput) as refused:
            answer(deal, cast, sponsor=Known(True, "  "))
        assert refused.value.field == "sponsor"
        with pytest.raises(InvalidInput):
            answer(deal, cast, nothing=Known(True, "x"))

    def test_the_latest_holds_and_the_same_again_is_nothing(self, cast):
        gate(cast, SPONSOR)
        deal = opened(cast)
        answer(deal, cast, sponsor=Known(True, "The COO"))
        assert answer(deal, cast, sponsor=Known(True, "The COO")) == 0
        answer(deal, cast, sponsor=Known(False, "He left"))
        assert GateAnswer.objects.count() == 2
        with pytest.raises(services.GateNotMet):
            move(deal, cast.ae)

    def test_is_refused_once_closed_or_where_nothing_is_asked(self, cast):
        deal = opened(cast)
        with pytest.raises(services.UnableToAnswer):
            answer(deal, cast, sponsor=Known(True, "x"))


class TestWrite:
    def test_versions_count_up_and_say_what_changed(self, cast):
        gate(cast, BUDGET)
        second = gate(cast, BUDGET, SPONSOR, effective_on=TODAY + timedelta(days=7))
        door = selectors.door_of(second, TODAY)
        assert [(one.gate.version, one.state) for one in door.versions] == [(2, "coming"), (1, "in_force")]
        assert [one.what for one in door.versions[0].changes] == ["Sponsor"]

    @pytest.mark.parametrize(
        ("more", "field"),
        [
            ({"effective_on": date(2026, 11, 11)}, "effective_on"),
            ({"stage": "lost"}, "stage"),
            ({"note": "x" * 301}, "note"),
        ],
    )
    def test_names_the_field_that_is_wrong(self, cast, more, field):
        from apps.core.errors import InvalidInput

        with pytest.raises(InvalidInput) as refused:
            gate(cast, BUDGET, **more)
        assert refused.value.field == field

    def test_none_in_force_is_changed(self, cast):
        now, coming = gate(cast, BUDGET), gate(cast, SPONSOR, effective_on=TODAY + timedelta(days=3))
        with pytest.raises(services.UnableToWriteGate):
            services.withdraw_gate(gate=now, today=TODAY, at=NOW, actor=cast.revops)
        services.withdraw_gate(gate=coming, today=TODAY, at=NOW, actor=cast.revops)
        later = TODAY + timedelta(days=5)
        assert services.gate_in_force(stage="stage_2", kind="new", day=later) == now

    def test_no_criteria_switch_it_off(self, cast):
        gate(cast, SPONSOR)
        gate(cast)
        assert services.gate_in_force(stage="stage_2", kind="new", day=TODAY) is None


class TestTrial:
    def test_says_what_would_stop_and_writes_nothing(self, cast):
        opened(cast)
        opened(cast, "Tessellate Software")
        found = selectors.trial(user=cast.revops, stage="stage_2", kind="new", criteria=[BUDGET, DATE])
        assert (found.waiting, found.stopped, found.by_criterion) == (2, 2, (("Date", 2),))
        assert selectors.trial(user=cast.revops, stage="stage_2", kind="new", criteria=[BUDGET]).stopped == 0
        assert (
            selectors.trial(user=cast.outside_manager, stage="stage_2", kind="new", criteria=[DATE]).waiting
            == 0
        )
        assert not StageGate.objects.exists()

    def test_costs_the_same_whatever_the_number(self, cast, django_assert_num_queries):
        opened(cast)
        for number in range(30):
            opportunities.open_opportunity(owner=cast.rep(cast.ae), name=f"Deal {number}", at=NOW)
        with django_assert_num_queries(3):
            assert (
                selectors.trial(user=cast.revops, stage="stage_2", kind="new", criteria=[DATE]).waiting == 31
            )


class TestPages:
    def test_revops_writes_a_version(self, cast, client):
        client.force_login(cast.revops)
        shown = client.get(reverse("leads:gate_new"))
        assert "Decision maker met" in shown.content.decode()
        typed = {
            "stage": "stage_2", "kind": "new", "overrider": "manager", "effective_on": "2026-11-13",
            "note": "From now on", "criteria-rows": "1", "criteria-0-name": "Sponsor",
            "criteria-0-asks": "Who?", "criteria-0-fills_from": "", "criteria-0-key": "",
        }  # fmt: skip
        tried = client.post(reverse("leads:gate_new"), typed | {"act": "try"})
        assert b"Tried on what is open today" in tried.content
        assert not StageGate.objects.exists()
        response = client.post(reverse("leads:gate_new"), typed)
        written = StageGate.objects.get()
        assert response["Location"] == reverse("leads:gate", args=[written.pk])
        assert written.criteria[0]["key"] == "sponsor"
        assert client.get(response["Location"]).status_code == 200
        assert client.get(reverse("leads:gates")).status_code == 200

    def test_wrong_rows_keep_what_was_typed(self, cast, client):
        client.force_login(cast.revops)
        typed = {"stage": "stage_2", "kind": "new", "overrider": "manager", "effective_on": "2026-11-01",
                 "criteria-rows": "1", "criteria-0-name": "", "criteria-0-asks": "Who pays?"}  # fmt: skip
        response = client.post(reverse("leads:gate_new"), typed)
        assert response.status_code == 422
        assert b"Who pays?" in response.content

    def test_the_owner_answers_and_moves(self, cast, client):
        gate(cast, SPONSOR)
        deal = opened(cast)
        client.force_login(cast.ae)
        here = reverse("leads:opportunity", args=[deal.pk])
        assert b"Not all met" in client.get(here).content
        stopped = client.post(
            reverse("leads:opportunity_move", args=[deal.pk]), {"stage": "stage_2", "amount": "75,000"}
        )
        assert stopped.status_code == 409
        assert b"75,000" in stopped.content
        answers = reverse("leads:opportunity_answers", args=[deal.pk])
        assert client.post(answers, {"met_sponsor": "met", "evidence_sponsor": ""}).status_code == 422
        client.post(answers, {"met_sponsor": "met", "evidence_sponsor": "The COO"})
        assert b"All met" in client.get(here).content
        client.post(reverse("leads:opportunity_move", args=[deal.pk]), {"stage": "stage_2", "amount": ""})
        deal.refresh_from_db()
        assert deal.stage == "stage_2"

    def test_a_dropped_card_is_stopped_as_well(self, cast, client):
        gate(cast, SPONSOR)
        deal = opened(cast)
        client.force_login(cast.ae)
        response = client.post(reverse("leads:opportunity_board_move", args=[deal.pk]), {"stage": "stage_2"})
        assert response["HX-Retarget"] == "#modal-body"
        assert b"Sponsor" in response.content
        deal.refresh_from_db()
        assert deal.stage == "stage_1"

    def test_the_manager_overrides_on_the_page(self, cast, client):
        gate(cast, SPONSOR)
        deal = opened(cast)
        client.force_login(cast.manager)
        client.post(
            reverse("leads:opportunity_move", args=[deal.pk]),
            {"stage": "stage_2", "amount": "", "override": "I know them"},
        )
        text = client.get(reverse("leads:overrides")).content.decode()
        assert "I know them" in text
        assert "Sponsor" in text
        assert "I know them" in client.get(reverse("leads:opportunity", args=[deal.pk])).content.decode()

    def test_the_lists_cost_the_same_whatever_their_length(self, cast, client, django_assert_max_num_queries):
        gate(cast, SPONSOR)
        rep = cast.rep(cast.ae)
        for number in range(40):
            deal = opportunities.open_opportunity(owner=rep, name=f"Deal {number}", at=NOW)
            move(deal, cast.manager, "Because")
        client.force_login(cast.manager)
        client.get(reverse("leads:overrides"))
        with django_assert_max_num_queries(11):
            assert len(client.get(reverse("leads:overrides")).context["page"].rows) == 40
        with django_assert_max_num_queries(14):
            client.get(reverse("leads:opportunities") + "?view=list")


@pytest.mark.django_db(transaction=True)
class TestRace:
    def test_two_moves_at_once_are_one(self, cast):
        gate(cast, BUDGET)
        deal = opened(cast)
        barrier, came = Barrier(4), []

        def act() -> None:
            try:
                barrier.wait(timeout=60)
                move(
                    Opportunity.objects.select_related("lead", "hand_off", "owner__team").get(pk=deal.pk),
                    cast.ae,
                )
                came.append("moved")
            except opportunities.UnableToMove:
                came.append("refused")
            finally:
                connection.close()

        threads = [Thread(target=act) for _ in range(4)]
        for one in threads:
            one.start()
        for one in threads:
            one.join(timeout=60)
        assert sorted(came) == ["moved", "refused", "refused", "refused"]
        assert GatePassage.objects.count() == 1


class TestByApi:
    def test_a_version_is_written_listed_and_given_up(self, cast, client):
        client.force_login(cast.revops)

        def post(name: str, body: dict, *args: int):
            return client.post(reverse(f"api:{name}", args=args), body, content_type="application/json")

        asked = {
            "stage": "stage_2",
            "kind": OpportunityKind.values[0],
            "overrider": StageGate.Overrider.values[0],
            "effective_on": (TODAY + timedelta(days=3)).isoformat(),
            "criteria": [{"key": "budget", "name": "Budget", "asks": "Who signs it off?"}],
        }
        twice = asked | {"criteria": asked["criteria"] * 2}
        assert list(post("gate_write", twice).json()["errors"]) == ["criteria"]
        made = post("gate_write", asked)
        assert (made.status_code, made.json()["state"]) == (201, "coming"), made.content
        assert made.json() in client.get(reverse("api:gates")).json()
        gone = [post("gate_withdraw", {}, made.json()["id"]) for _ in range(2)]
        assert [(one.status_code, one.json()["state"]) for one in gone] == [(200, "withdrawn")] * 2
        client.force_login(cast.ae)
        assert post("gate_write", asked).status_code == 403
        assert client.get(reverse("api:gates")).status_code == 200
