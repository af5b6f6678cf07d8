"""Definitions: drafted by one, signed by two sides, in force from then on."""

from datetime import date, timedelta

import pytest
from django.urls import reverse

from apps.audit.models import AuditEntry
from apps.core.errors import InvalidInput
from apps.leads.models import Definition
from apps.leads.selectors.definitions import standings
from apps.leads.services import definitions as services
from apps.leads.services.definitions import Criterion, Side
from tests.cast import NOW, Cast

TODAY = NOW.date()


def draft(cast: Cast, effective_on: date = TODAY, **more) -> Definition:
    given = {
        "kind": Definition.Kind.SQL,
        "name": "ANUM",
        "criteria": [Criterion("Authority", "Who signs?"), Criterion("Need"), Criterion("Urgency")],
        "needed": 2,
        "effective_on": effective_on,
        "at": NOW,
        "actor": cast.revops,
    }
    return services.draft_definition(**given | more)


def sign(definition: Definition, side: Side, actor) -> Definition:
    return services.sign_definition(definition=definition, side=side, today=TODAY, at=NOW, actor=actor)


def in_force() -> Definition:
    return Definition.objects.in_force("sql", TODAY).first()


class TestSignDefinition:
    def test_takes_effect_with_the_second_signature(self, cast):
        drafted = draft(cast)
        assert (drafted.version, in_force().version) == (2, 1)
        sign(drafted, Side.MARKETING, cast.marketing)
        assert in_force().version == 1
        sign(drafted, Side.SALES, cast.manager)
        assert in_force().version == 2
        verbs = list(AuditEntry.objects.order_by("pk").values_list("verb", "data__in_force"))
        assert verbs == [
            ("leads.definition.drafted", None),
            ("leads.definition.signed", False),
            ("leads.definition.signed", True),
        ]

    def test_never_reaches_back_before_it_was_agreed(self, cast):
        drafted = draft(cast, effective_on=TODAY - timedelta(days=30))
        sign(drafted, Side.SALES, cast.manager)
        assert sign(drafted, Side.MARKETING, cast.marketing).effective_on == TODAY

    def test_may_begin_later(self, cast):
        drafted = draft(cast, effective_on=TODAY + timedelta(days=30))
        sign(drafted, Side.SALES, cast.manager)
        sign(drafted, Side.MARKETING, cast.marketing)
        assert in_force().version == 1
        assert [one.state for one in standings(TODAY)] == ["coming", "in_force"]
        assert [one.state for one in standings(TODAY + timedelta(days=30))] == ["in_force", "past"]

    def test_is_done_once_a_side(self, cast):
        drafted = draft(cast)
        sign(drafted, Side.SALES, cast.manager)
        with pytest.raises(services.UnableToSign, match="Sales has signed"):
            sign(drafted, Side.SALES, cast.outside_manager)

    def test_needs_two_people(self, cast):
        drafted = draft(cast)
        sign(drafted, Side.SALES, cast.manager)
        with pytest.raises(services.UnableToSign, match="two"):
            sign(drafted, Side.MARKETING, cast.manager)


class TestDraftDefinition:
    @pytest.mark.parametrize(
        ("change", "field"),
        [
            ({"criteria": []}, "criteria"),
            ({"criteria": [Criterion("Need"), Criterion("need ")]}, "criteria"),
            ({"criteria": [Criterion("!")]}, "criteria"),
            ({"needed": 4}, "needed"),
            ({"needed": 0}, "needed"),
        ],
    )
    def test_says_what_is_wrong_with_it(self, cast, change, field):
        with pytest.raises(InvalidInput) as refused:
            draft(cast, **change)
        assert refused.value.field == field


class TestDefinitionsPage:
    def test_is_read_by_all(self, cast, client):
        for user in cast.everyone().values():
            client.force_login(user)
            assert b"In force" in client.get(reverse("leads:definitions")).content

    def test_offers_each_side_its_own_signature(self, cast, client):
        drafted = draft(cast)
        url = reverse("leads:definition_sign", args=[drafted.pk])
        client.force_login(cast.marketing)
        assert b"Sign for marketing" in client.get(reverse("leads:definitions")).content
        client.post(url)
        client.force_login(cast.manager)
        assert b"Sign for sales" in client.get(reverse("leads:definitions")).content
        client.post(url, {"side": "marketing"})
        drafted.refresh_from_db()
        assert (drafted.marketing_signed_by, drafted.sales_signed_by) == (cast.marketing, cast.manager)
        assert client.post(url).status_code == 409

    @pytest.mark.parametrize("part", ["sdr", "ae", "finance", "revops", "am"])
    def test_is_signed_by_no_other_role(self, cast, client, part):
        client.force_login(getattr(cast, part))
        assert client.post(reverse("leads:definition_sign", args=[draft(cast).pk])).status_code == 403

    def test_is_drafted_from_the_version_that_stands(self, cast, client):
        client.force_login(cast.marketing)
        form = client.get(reverse("leads:definition_draft")).context["form"]
        assert form.initial["criteria"].startswith("Budget: What is set aside")
        response = client.post(
            reverse("leads:definition_draft"),
            {
                "kind": "sql",
                "name": "AN",
                "criteria": "Authority: who signs?\n\nNeed",
                "needed": "2",
                "effective_on": "2026-12-01",
            },
        )
        assert response.status_code == 302
        made = Definition.objects.get(version=2)
        assert made.criteria == [
            {"key": "authority", "name": "Authority", "asks": "who signs?"},
            {"key": "need", "name": "Need", "asks": ""},
        ]

    def test_keeps_what_was_typed_beside_an_error(self, cast, client):
        client.force_login(cast.revops)
        response = client.post(
            reverse("leads:definition_draft"),
            {"kind": "sql", "name": "AN", "criteria": ": nothing", "needed": "9", "effective_on": "soon"},
        )
        text = response.content.decode()
        assert response.status_code == 422
        assert "Line 1: begin with a name" in text
        assert 'value="soon"' in text

    @pytest.mark.parametrize("part", ["sdr", "ae", "manager", "finance"])
    def test_is_not_drafted_by_the_rest(self, cast, client, part):
        client.force_login(getattr(cast, part))
        assert client.get(reverse("leads:definition_draft")).status_code == 403
