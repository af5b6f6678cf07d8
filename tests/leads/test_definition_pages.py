"""The pages of definitions: reading, drafting in the editor, trying a draft on leads, signing, withdrawing."""

from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.urls import reverse

from apps.leads.forms.definition_editors import MqlEditor, SqlEditor, values_of
from apps.leads.models import Definition, Lead, Source
from apps.leads.rules.agreements import Terms
from apps.leads.rules.frameworks import FRAMEWORKS
from apps.leads.rules.points import PointTable
from apps.leads.selectors import trial
from apps.leads.services import definitions, intake
from tests.cast import NOW, Cast

BANT = FRAMEWORKS["bant"]
POINTS = Terms("Points", 30, table=PointTable.default(("Energy", "Logistics")))


def drafted(cast: Cast, terms: Terms = POINTS) -> Definition:
    kind = Definition.Kind.MQL if terms.table else Definition.Kind.SQL
    return definitions.draft_definition(
        kind=kind, terms=terms, effective_on=NOW.date(), at=NOW, actor=cast.revops
    )


def filled(terms: Terms, **changes: Any) -> dict[str, Any]:
    """What a browser sends when the editor of ``terms`` is sent with some values changed."""
    values = values_of(terms) | {"effective_on": "2026-12-01", "note": "Because"}
    data: dict[str, Any] = {}
    for name, value in values.items():
        if isinstance(value, list):
            data[f"{name}-rows"] = len(value)
            for place, row in enumerate(value):
                data |= {f"{name}-{place}-{key}": "" if one is None else one for key, one in row.items()}
        else:
            data[name] = "" if value is None else value
    return data | {key.replace("__", "-"): one for key, one in changes.items()}


@pytest.fixture
def marketing(cast: Cast, client):
    client.force_login(cast.marketing)
    return client


def address(kind: str) -> str:
    return f"{reverse('leads:definition_draft')}?kind={kind}"


class TestDefinitionsPage:
    def test_is_read_by_all(self, cast, client):
        for user in cast.everyone().values():
            client.force_login(user)
            assert b"In force" in client.get(reverse("leads:definitions")).content

    def test_offers_each_side_its_own_signature(self, cast, client):
        one = drafted(cast)
        page, url = (
            reverse("leads:definition", args=[one.pk]),
            reverse("leads:definition_sign", args=[one.pk]),
        )
        client.force_login(cast.marketing)
        response = client.get(page)
        assert b"Sign for marketing" in response.content
        client.post(url, {"read": response.context["terms"].fingerprint})
        client.force_login(cast.manager)
        assert b"Read it and sign for sales" in client.get(reverse("leads:definitions")).content
        client.post(url, {"side": "marketing"})
        one.refresh_from_db()
        assert (one.marketing_signed_by, one.sales_signed_by) == (cast.marketing, cast.manager)
        assert client.post(url).status_code == 409
        assert b"Sign for" not in client.get(page).content

    def test_words_that_changed_meanwhile_are_not_signed(self, cast, client):
        one = drafted(cast)
        client.force_login(cast.manager)
        response = client.post(reverse("leads:definition_sign", args=[one.pk]), {"read": "other words"})
        assert response.status_code == 409
        assert b"read it again" in response.content

    @pytest.mark.parametrize("part", ["sdr", "ae", "finance", "revops", "am"])
    def test_is_signed_by_no_other_role(self, cast, client, part):
        client.force_login(getattr(cast, part))
        one = drafted(cast)
        assert client.post(reverse("leads:definition_sign", args=[one.pk])).status_code == 403

    def test_takes_a_bounded_number_of_statements(self, cast, client, django_assert_max_num_queries):
        for _ in range(4):
            drafted(cast)
        client.force_login(cast.sdr)
        with django_assert_max_num_queries(12):
            client.get(reverse("leads:definitions"))

    def test_a_draft_is_withdrawn_and_stays_readable(self, cast, marketing):
        one = drafted(cast)
        marketing.post(reverse("leads:definition_withdraw", args=[one.pk]))
        text = marketing.get(reverse("leads:definition", args=[one.pk])).content.decode()
        assert "Withdrawn" in text
        assert "Sign for" not in text

    def test_a_version_that_is_not_there_is_not_found(self, marketing):
        assert marketing.get(reverse("leads:definition", args=[4711])).status_code == 404


class TestSqlEditor:
    def test_begins_from_the_version_that_stands(self, marketing):
        response = marketing.get(address("sql"))
        rows = response.context["rows"]["criteria"]
        assert [row["name"].value() for row in rows] == ["Budget", "Authority", "Need", "Timeframe"]

    def test_keeps_a_draft(self, marketing, cast):
        an = FRAMEWORKS["an"]
        response = marketing.post(address("sql"), filled(Terms("AN", 2, "an", an.criteria, (10, 20))))
        made = Definition.objects.get(version=2)
        assert response.url == reverse("leads:definition", args=[made.pk])
        assert (made.framework, made.needed, made.note, made.drafted_by) == (
            "an",
            2,
            "Because",
            cast.marketing,
        )
        assert (made.expected_from_percent, made.expected_to_percent) == (10, 20)
        assert [one["key"] for one in made.criteria] == ["authority", "need"]

    def test_takes_the_questions_of_a_framework(self, marketing):
        data = filled(Terms("Mine", 3, "anum", BANT.criteria, (25, 35)), act="framework:take")
        form = marketing.post(address("sql"), data)
        assert [row["name"].value() for row in form.context["rows"]["criteria"]] == [
            "Authority", "Need", "Urgency", "Money",
        ]  # fmt: skip
        assert form.context["form"]["expected_to"].value() == 20
        assert form.context["form"]["name"].value() == "Mine"

    def test_adds_a_row_and_keeps_the_rest(self, marketing):
        data = filled(Terms("Mine", 3, "bant", BANT.criteria), act="criteria:add", name="Half typed")
        response = marketing.post(address("sql"), data)
        assert response.status_code == 200
        assert len(response.context["rows"]["criteria"]) == 5
        assert response.context["form"]["name"].value() == "Half typed"
        assert Definition.objects.count() == 1

    @pytest.mark.parametrize(
        ("changes", "words"),
        [
            ({"criteria__0__name": ""}, "Name the criterion."),
            ({"criteria__1__name": "budget!"}, "Row 1 has this name already"),
            ({"criteria__0__name": "?!"}, "Name it with letters or digits."),
            ({"framework": "an"}, "Budget and Timeframe are not part of AN: take them out"),
            ({"needed": "5"}, "Between 1 and 4 of the criteria can be needed."),
            ({"expected_from": "40"}, "Give 40 or more."),
            ({"expected_to": ""}, "Give both ends, or none."),
            ({"effective_on": "soon"}, "Write a day such as 2026-12-01."),
            ({"name": ""}, "Name this version."),
        ],
    )
    def test_says_at_the_field_what_is_wrong_and_keeps_what_was_typed(self, marketing, changes, words):
        data = filled(Terms("Mine", 3, "bant", BANT.criteria, (25, 35)), **changes)
        response = marketing.post(address("sql"), data)
        text = response.content.decode()
        assert response.status_code == 422
        assert words in text
        assert "What you typed is kept." in text
        assert 'value="Authority"' in text or "criteria__1__name" in changes
        assert Definition.objects.count() == 1

    @pytest.mark.parametrize("part", ["sdr", "ae", "manager", "finance"])
    def test_is_not_opened_by_the_rest(self, cast, client, part):
        client.force_login(getattr(cast, part))
        assert client.get(address("sql")).status_code == 403

    def test_reads_what_it_shows(self):
        terms = Terms("Mine", 3, "bant", BANT.criteria, (25, 35))
        editor = SqlEditor(data=filled(terms))
        assert editor.is_valid()
        assert editor.terms == terms


class TestMqlEditor:
    def test_reads_what_it_shows(self):
        editor = MqlEditor(data=filled(POINTS))
        assert editor.is_valid(), [editor.form.errors, [row.errors for row in editor.rows["employees"]]]
        assert editor.terms == POINTS

    def test_begins_from_the_points_built_in(self, marketing, settings):
        settings.TARGET_INDUSTRIES = ["Energy"]
        response = marketing.get(address("mql"))
        assert response.context["form"]["industries"].value() == "Energy"
        assert response.context["form"]["needed"].value() == 30

    def test_a_draft_is_changed_in_place(self, marketing, cast):
        one = drafted(cast)
        url = reverse("leads:definition_edit", args=[one.pk])
        assert marketing.get(url).context["form"]["name"].value() == "Points"
        marketing.post(url, filled(POINTS, needed="45", visits_each="5"))
        one.refresh_from_db()
        assert (one.version, one.needed, one.points["visits"]["each"]) == (1, 45, 5)

    def test_a_signed_draft_is_no_longer_changed(self, marketing, cast):
        one = drafted(cast)
        marketing.post(reverse("leads:definition_sign", args=[one.pk]))
        response = marketing.get(reverse("leads:definition_edit", args=[one.pk]))
        assert response.url == reverse("leads:definition", args=[one.pk])

    def test_a_new_band_goes_on_where_the_last_one_ends(self, marketing):
        data = filled(POINTS, employees__4__most="4999", act="employees:add")
        rows = marketing.post(address("mql"), data).context["rows"]["employees"]
        assert (len(rows), rows.forms[5]["least"].value()) == (6, 5000)

    @pytest.mark.parametrize(
        ("changes", "place", "words"),
        [
            ({"employees__1__least": "20"}, ("employees", 1, "least"), "Row 1 ends at 9: begin row 2 at 10."),
            ({"employees__1__points": "six"}, ("employees", 1, "points"), "Give a whole number."),
            ({"titles__0__words": " , "}, ("titles", 0, "words"), "name at least one word of a title"),
            ({"sources__0__points": "9999"}, ("sources", 0, "points"), "Give 1000 or less."),
            ({"letter_b": "95"}, ("", None, "letter_b"), "B must begin below A: give less than 80."),
            ({"industries": "Energy\nenergy"}, ("", None, "industries"), "energy stands here twice"),
            ({"predictive_c": ""}, ("", None, "predictive_c"), "Give all four letters points, or none."),
            ({"visits_each": "-3"}, ("", None, "visits_each"), "Give 0 or more."),
            ({"needed": "9000"}, ("", None, "needed"), "No lead can reach 9000 points"),
        ],
    )
    def test_says_at_the_row_and_field_what_is_wrong(self, marketing, changes, place, words):
        response = marketing.post(address("mql"), filled(POINTS, **changes))
        part, row, field = place
        context = response.context
        errors = context["rows"][part].forms[row].errors if part else context["form"].errors
        assert response.status_code == 422
        assert any(words in one for one in errors[field])
        assert Definition.objects.filter(kind="mql").count() == 0

    def test_no_points_for_a_predictive_score_is_none_at_all(self):
        empty = dict.fromkeys(["predictive_a", "predictive_b", "predictive_c", "predictive_d"], "")
        editor = MqlEditor(data=filled(POINTS, **empty))
        assert editor.is_valid()
        assert editor.terms.table.predictive == ()


def arrive(cast: Cast, number: int = 0, days: int = 1, **known: Any) -> Lead:
    incoming = intake.Incoming(**{"company": f"Company {number}", "source": "Webinar"} | known)
    lead, _ = intake.take_in(
        incoming=incoming,
        team=cast.sdr_team,
        at=NOW - timedelta(days=days),
        source=Source.PAGE,
        source_key=f"form:{number}",
    )
    return lead


class TestTryIt:
    def test_scores_a_lead_under_the_draft_and_under_what_holds(self, marketing, cast):
        data = filled(
            POINTS,
            sources__1__points="5",
            act="try:all",
            try__source="Webinar",
            try__employees="420",
            try__visits="2",
        )
        response = marketing.post(address("mql"), data)
        single = response.context["single"]
        assert (single.draft.score.points, single.now.score.points) == (20 + 5 + 6, 20 + 25 + 6)
        assert (single.draft.qualifies, single.now.qualifies) == (True, True)
        assert [(one.words, one.draft, one.now) for one in single.lines][-2:] == [
            ("Webinar", 5, 25),
            ("2 page visits", 6, 6),
        ]
        assert Definition.objects.filter(kind="mql").count() == 0

    def test_counts_the_leads_of_90_days_under_both(self, marketing, cast):
        kept = arrive(cast, 1, employees=420)
        arrive(cast, 2, source="Purchased list", employees=5)
        arrive(cast, 3, days=91, employees=420)
        gone = arrive(cast, 4)
        Lead.objects.filter(pk=gone.pk).update(merged_into=kept, queue_bucket=None)
        leaves = arrive(cast, 5, employees=60)
        with time_machine.travel(NOW, tick=False):
            response = marketing.post(address("mql"), filled(POINTS, needed="40", act="try:all"))
        effect = response.context["effect"]
        assert (effect.total, effect.looked_at, effect.step) == (3, 3, 1)
        assert (effect.draft.qualify, effect.now.qualify) == (1, 2)
        assert (effect.joining, [one.pk for one in effect.leaves]) == (0, [leaves.pk])
        assert "1 would not any more" in response.content.decode()

    def test_many_leads_are_sampled_and_the_page_says_so(self, marketing, cast, monkeypatch):
        monkeypatch.setattr(trial, "MOST", 5)
        for number in range(12):
            arrive(cast, number)
        with time_machine.travel(NOW, tick=False):
            response = marketing.post(address("mql"), filled(POINTS, act="try:all"))
        effect = response.context["effect"]
        assert (effect.total, effect.step) == (12, 3)
        assert effect.looked_at == 4
        assert "Every 3th" not in response.content.decode()
        assert "Every 3rd of the 12 leads" in response.content.decode()

    def test_examples_are_leads_that_one_may_open(self, cast):
        arrive(cast, 1, employees=60)
        with time_machine.travel(NOW, tick=False):
            shown = [
                trial.effect(table=POINTS.table, needed=90, at=NOW, user=user).leaves
                for user in (cast.marketing, cast.outside_manager)
            ]
        assert [len(leads) for leads in shown] == [1, 0]

    @pytest.mark.parametrize("named", ["number", "email"])
    def test_fills_in_from_a_lead(self, marketing, cast, named):
        lead = arrive(cast, 1, employees=60, title="CEO", email="h@brightmoor.example")
        text = str(lead.pk) if named == "number" else "H@brightmoor.example"
        response = marketing.post(address("mql"), filled(POINTS, act="try:fill", needed="77", try__lead=text))
        tries = response.context["try"]
        assert (tries["title"].value(), tries["employees"].value()) == ("CEO", 60)
        assert response.context["form"]["needed"].value() == "77"

    def test_an_unknown_lead_is_said_at_its_field(self, marketing):
        response = marketing.post(address("mql"), filled(POINTS, act="try:fill", try__lead="nobody"))
        assert "There is no such lead" in response.content.decode()

    def test_needs_no_name_and_no_day_yet(self, marketing):
        response = marketing.post(address("mql"), filled(POINTS, name="", effective_on="", act="try:all"))
        assert response.status_code == 200
        assert response.context["single"].draft.score.points == 0

    def test_a_wrong_table_is_not_tried(self, marketing):
        response = marketing.post(address("mql"), filled(POINTS, needed="", act="try:all"))
        assert response.status_code == 422
        assert "single" not in response.context

    def test_those_who_sign_see_what_a_draft_would_change(self, cast, client):
        arrive(cast, 1, employees=60)
        one = drafted(cast, Terms("Points", 90, table=POINTS.table))
        client.force_login(cast.manager)
        with time_machine.travel(NOW, tick=False):
            url = reverse("leads:definition", args=[one.pk])
            assert b"Count them" in client.get(url).content
            assert b"1 would not any more" in client.get(url, {"effect": "1"}).content
            client.force_login(cast.sdr)
            assert b"Count them" not in client.get(url).content
            assert b"would not any more" not in client.get(url, {"effect": "1"}).content
