"""Scoring by the version in force: on arrival, and again when somebody does something."""

from dataclasses import replace
from datetime import timedelta

import pytest

from apps.leads.models import Definition, EventKind, FunnelEvent, Lead, LeadStage, Persona, Source
from apps.leads.rules.agreements import Terms
from apps.leads.rules.points import DEFAULT_NEEDED, Counted, PointTable
from apps.leads.selectors.definitions import made_mql_by
from apps.leads.services import definitions, intake, scoring, visits
from apps.leads.services.definitions import Side
from apps.leads.services.record import NewEvent, record_event, reverse_event
from tests.cast import NOW, Cast

DAY = timedelta(days=1)


def agree(cast: Cast, *, needed: int = 30, on=NOW, **parts) -> Definition:
    table = replace(PointTable.default(("Energy",)), **parts)
    drafted = definitions.draft_definition(
        kind=Definition.Kind.MQL,
        terms=Terms("Points", needed, table=table),
        effective_on=on.date(),
        at=on,
        actor=cast.revops,
    )
    for side, signer in ((Side.MARKETING, cast.marketing), (Side.SALES, cast.manager)):
        drafted = definitions.sign_definition(
            definition=drafted, side=side, today=on.date(), at=on, actor=signer
        )
    return drafted


def arrive(cast: Cast, *, at=NOW, key: str = "form:1", **known) -> Lead:
    incoming = intake.Incoming(**{"company": "Brightmoor", "source": "Webinar"} | known)
    lead, _ = intake.take_in(incoming=incoming, team=cast.sdr_team, at=at, source=Source.PAGE, source_key=key)
    return Lead.objects.get(pk=lead.pk)


def did(lead: Lead, kind: EventKind, key: str, at=NOW) -> FunnelEvent:
    event = NewEvent(kind=kind, occurred_at=at, source=Source.API, source_key=key, lead=lead)
    return record_event(event=event, at=at)


def rescore(lead: Lead, at=NOW) -> Lead:
    """As whoever takes in, merges and records visits does, by what is in force at ``at``."""
    found = Lead.objects.get(pk=lead.pk)
    intent = scoring.intent_of([found]).get(found.pk, scoring.NO_INTENT)
    scoring.apply_score(lead=found, in_force=scoring.table_in_force(at.date()), at=at, intent=intent)
    found.save()
    return found


class TestOnArrival:
    def test_the_built_in_points_hold_while_nothing_is_agreed(self, cast, settings):
        settings.TARGET_INDUSTRIES = ["Energy"]
        lead = arrive(cast, title="CEO", employees=420, industry="Mining")
        assert (lead.score_points, lead.score) == (20 + 20 + 4 + 25, "B")
        assert (lead.mql_definition, lead.is_exploration, lead.persona) == (None, True, Persona.EXECUTIVE)
        assert (lead.stage, lead.mql_at) == (LeadStage.MQL, NOW)

    def test_the_version_in_force_judges_and_is_kept(self, cast):
        first = agree(cast, needed=60, on=NOW - 9 * DAY)
        agree(cast, needed=20, on=NOW + DAY)
        lead = arrive(cast, employees=420)
        assert (lead.mql_definition, lead.stage, lead.mql_at) == (first, LeadStage.MCL, None)

    def test_target_industries_are_those_of_the_version(self, cast, settings):
        settings.TARGET_INDUSTRIES = ["Retail"]
        agree(cast)
        assert not arrive(cast, industry="ENERGY").is_exploration
        assert arrive(cast, industry="Retail", key="form:2").is_exploration

    def test_the_event_says_which_version_made_it_an_mql(self, cast):
        version = agree(cast)
        arrive(cast, employees=420)
        event = FunnelEvent.objects.get(kind=EventKind.MQL)
        assert (event.data["definition"], event.data["points"]) == (version.version, 45)

    def test_a_batch_of_several_days_asks_once_which_versions_held(self, cast, django_assert_num_queries):
        old, new = agree(cast, on=NOW - 9 * DAY), agree(cast, needed=40)
        days = [(NOW - number * DAY).date() for number in range(12)]
        with django_assert_num_queries(1):
            found = scoring.tables_in_force(days)
        assert [found[day].definition for day in (days[0], days[5], days[11])] == [new, old, None]
        assert found[days[11]].needed == DEFAULT_NEEDED


class TestRescore:
    def test_counts_what_they_did_and_makes_an_mql_once(self, cast):
        agree(cast, needed=40, visits=Counted(10, 30))
        lead = arrive(cast)
        assert lead.stage == LeadStage.MCL
        for number in range(2):
            visit = visits.NewVisit(lead=lead, occurred_at=NOW + DAY, page="/pricing", key=f"{number}")
            visits.record_visits(visits=[visit], at=NOW + DAY)
        found = Lead.objects.get(pk=lead.pk)
        assert (found.score_points, found.stage, found.mql_at) == (45, LeadStage.MQL, NOW + DAY)
        assert ["intent", "2 page visits", 20] in found.score_reasons
        assert FunnelEvent.objects.filter(kind=EventKind.MQL, lead=lead).count() == 1

    def test_what_was_taken_back_does_not_count(self, cast):
        lead = arrive(cast)
        event = did(lead, EventKind.ASKED, "form:again")
        assert rescore(lead).score_points == 35
        reverse_event(event=event, reason="A test", at=NOW)
        assert rescore(lead).score_points == 25

    def test_uses_the_version_now_in_force_and_says_so(self, cast):
        agree(cast, needed=20, on=NOW - 9 * DAY)
        lead = arrive(cast)
        assert made_mql_by(lead) == ""
        later = agree(cast, needed=60, on=NOW + DAY)
        assert Lead.objects.get(pk=lead.pk).mql_definition.version == 1
        found = rescore(lead, NOW + 2 * DAY)
        assert found.mql_definition == later
        assert made_mql_by(found) == "It became an MQL by version 1, and was scored again since."
        assert (found.stage, found.mql_at) == (LeadStage.MQL, NOW)

    @pytest.mark.parametrize("stage", [LeadStage.WORKING, LeadStage.RECYCLED])
    def test_leaves_a_lead_that_is_worked_where_it_is(self, cast, stage):
        lead = arrive(cast, source="Purchased list")
        Lead.objects.filter(pk=lead.pk).update(stage=stage)
        for number in range(2):
            did(lead, EventKind.ATTENDED, f"event:{number}")
            did(lead, EventKind.ASKED, f"form:{number}")
        found = rescore(lead)
        assert (found.stage, found.mql_at) == (stage, NOW)

    @pytest.mark.parametrize("stage", [LeadStage.DISQUALIFIED, LeadStage.SAL, LeadStage.SQL])
    def test_makes_no_mql_of_what_is_past_it(self, cast, stage):
        lead = arrive(cast, source="Purchased list")
        Lead.objects.filter(pk=lead.pk).update(stage=stage)
        for number in range(2):
            did(lead, EventKind.ATTENDED, f"event:{number}")
            did(lead, EventKind.ASKED, f"form:{number}")
        found = rescore(lead)
        assert found.score_points > DEFAULT_NEEDED
        assert (found.stage, found.mql_at) == (stage, None)

    def test_intent_of_many_leads_is_one_statement(self, cast, django_assert_num_queries):
        leads = [arrive(cast, key=f"form:{n}", company=f"Company {n}") for n in range(3)]
        did(leads[0], EventKind.VISITED, "v:1")
        did(leads[0], EventKind.ASKED, "a:1")
        did(leads[2], EventKind.ATTENDED, "e:1")
        with django_assert_num_queries(1):
            found = scoring.intent_of(leads)
        assert found == {
            leads[0].pk: scoring.Intent(forms=1, visits=1),
            leads[2].pk: scoring.Intent(events=1),
        }
