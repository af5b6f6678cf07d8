"""The close rate seen for each framework and version, counted from hand-offs and their opportunities."""

from datetime import timedelta

import pytest
from django.urls import reverse

from apps.leads.models import Definition, HandOff, OpportunityStage
from apps.leads.rules.agreements import Terms
from apps.leads.rules.close_rates import Rate
from apps.leads.rules.frameworks import FRAMEWORKS
from apps.leads.selectors import close_rates
from apps.leads.selectors.close_rates import Bar, Compared, Comparison, Outcome
from apps.leads.services import definitions, hand_offs, opportunities
from apps.leads.services.definitions import Side
from tests.cast import NOW, Cast
from tests.leads.scenes import handed_off, opened, won
from tests.stage import staged

DAY = timedelta(days=1)


def lost(cast: Cast, company: str):
    return opportunities.move_opportunity(
        opportunity=opened(cast, company),
        stage=OpportunityStage.LOST,
        loss_reason="timing",
        at=NOW + DAY,
        actor=cast.ae,
    )


def rejected(cast: Cast, company: str) -> HandOff:
    return hand_offs.reject_hand_off(
        hand_off=handed_off(cast, company),
        criterion="budget",
        reason="unsupported",
        comment="No figure",
        at=NOW + DAY,
        actor=cast.ae,
    )


def agree(cast: Cast, key: str, on) -> Definition:
    one = FRAMEWORKS[key]
    drafted = definitions.draft_definition(
        kind=Definition.Kind.SQL,
        terms=Terms(one.name, one.needed, key, one.criteria, one.expected),
        effective_on=on.date(),
        at=on,
        actor=cast.revops,
    )
    for side, signer in ((Side.MARKETING, cast.marketing), (Side.SALES, cast.manager)):
        drafted = definitions.sign_definition(
            definition=drafted, side=side, today=on.date(), at=on, actor=signer
        )
    return drafted


@pytest.fixture
@staged
def some_outcomes(cast: Cast) -> Cast:
    """One each: won, lost, open, rejected, waiting; and one waiting beyond the profile."""
    won(cast, "Ashford Logistics")
    lost(cast, "Birch Logistics")
    opened(cast, "Cobalt Logistics")
    rejected(cast, "Dunmore Logistics")
    handed_off(cast, "Elm Logistics", slot=1)
    handed_off(cast, "Flint Mining", slot=2, industry="Mining")
    return cast


class TestComparison:
    def test_counts_what_became_of_each_version(self, some_outcomes):
        found = close_rates.comparison()
        (version,) = found.versions
        assert version.within == Outcome(
            qualified=5, handed_off=5, waiting=1, rejected=1, open=1, won=1, lost=1
        )
        assert version.exploration == Outcome(qualified=1, handed_off=1, waiting=1)
        assert (version.rate.won, version.rate.decided) == (1, 2)
        assert [one.name for one in found.frameworks] == ["BANT"]

    def test_a_hand_off_stays_with_the_version_that_judged_it(self, some_outcomes):
        agree(some_outcomes, "bant", NOW - DAY)
        agree(some_outcomes, "an", NOW)
        won(some_outcomes, "Garnet Logistics")
        found = close_rates.comparison()
        assert [(one.name, one.within.won) for one in found.versions] == [
            ("v3 AN", 1),
            ("v2 BANT", 0),
            ("v1 BANT", 1),
        ]
        assert {one.name: (one.within.won, one.expected) for one in found.frameworks} == {
            "BANT": (1, (25, 35)),
            "AN": (1, (10, 20)),
        }

    def test_a_hand_off_without_a_judgement_is_stated_apart(self, some_outcomes):
        HandOff.objects.filter(lead__company="Ashford Logistics").update(qualification=None)
        found = close_rates.comparison()
        assert (found.unjudged, found.versions[0].within.won) == (1, 0)

    def test_a_draft_has_judged_nobody(self, cast):
        one = FRAMEWORKS["anum"]
        definitions.draft_definition(
            kind=Definition.Kind.SQL,
            terms=Terms("ANUM", 3, "anum", one.criteria, one.expected),
            effective_on=NOW.date(),
            at=NOW,
        )
        assert [one.name for one in close_rates.comparison().versions] == ["v1 BANT"]

    def test_takes_three_statements_whatever_there_is(self, some_outcomes, django_assert_num_queries):
        agree(some_outcomes, "an", NOW)
        with django_assert_num_queries(3):
            close_rates.comparison()


class TestBehind:
    @pytest.mark.parametrize(
        ("what", "companies"),
        [
            ("won", ["Ashford Logistics"]),
            ("lost", ["Birch Logistics"]),
            ("open", ["Cobalt Logistics"]),
            ("rejected", ["Dunmore Logistics"]),
            ("waiting", ["Elm Logistics"]),
        ],
    )
    def test_opens_each_figure(self, some_outcomes, client, what, companies):
        client.force_login(some_outcomes.revops)
        response = client.get(reverse("leads:close_rates_behind"), {"version": 1, "what": what})
        assert [one.lead.company for one in response.context["page"].rows] == companies
        assert response.context["total"] == len(companies)

    def test_exploration_is_listed_apart(self, some_outcomes, client):
        client.force_login(some_outcomes.revops)
        response = client.get(reverse("leads:close_rates_behind"), {"framework": "bant", "outside": "1"})
        assert [one.lead.company for one in response.context["page"].rows] == ["Flint Mining"]

    def test_shows_only_what_is_within_ones_scope(self, some_outcomes, client):
        client.force_login(some_outcomes.outsider)
        response = client.get(reverse("leads:close_rates_behind"), {"version": 1, "what": "won"})
        assert (response.context["page"].rows, response.context["total"]) == ([], 1)
        assert b"Ashford" not in response.content
        assert b"None of them is within your view" in response.content

    @pytest.mark.parametrize("query", [{"version": 9}, {"framework": "spin"}, {"what": "pay"}])
    def test_knows_nothing_else(self, some_outcomes, client, query):
        client.force_login(some_outcomes.revops)
        assert client.get(reverse("leads:close_rates_behind"), query).status_code == 404


class TestPage:
    def test_says_expected_seen_and_how_sure(self, some_outcomes, client):
        client.force_login(some_outcomes.marketing)
        text = client.get(reverse("leads:close_rates")).content.decode()
        assert "Too few to say: 2 decided, 20 are needed." in text
        assert "1 of 2 decided" in text
        assert "?version=1&amp;what=won" in text
        assert "?version=1&amp;what=waiting&amp;outside=1" in text

    def test_is_empty_before_anything_was_agreed(self, cast, client):
        Definition.objects.all().delete()
        client.force_login(cast.revops)
        assert b"No SQL definition was ever in force" in client.get(reverse("leads:close_rates")).content

    def test_the_scale_holds_every_interval_that_is_drawn(self):
        few, many = Outcome(), Outcome(won=30, lost=30)
        bant = FRAMEWORKS["bant"]
        small, wide = (
            Comparison([Compared(bant, None, (25, 35), few, exploration)], [], 0)
            for exploration in (few, many)
        )
        assert (close_rates.scale_of(small), close_rates.scale_of(wide)) == (40, 70)
        assert close_rates.ticks(70)[-1] == (60, 85.71)

    def test_draws_on_one_scale(self):
        bar = Bar(Rate(30, 100, (25, 35)), 50)
        assert (bar.expected, bar.seen) == ((50.0, 20.0), 60.0)
        assert bar.interval == pytest.approx((43.79, 35.37), abs=0.02)
        assert (Bar(Rate(1, 2, (25, 35)), 50).interval, Bar(Rate(1, 2), 50).expected) == (None, None)
