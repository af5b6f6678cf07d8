"""Definitions: drafted by one, changed until somebody signs, signed by two sides, in force from then on."""

from dataclasses import replace
from datetime import date, timedelta

import pytest
from django.db import IntegrityError, transaction

from apps.audit.models import AuditEntry
from apps.core.errors import InvalidInput
from apps.leads.models import Definition
from apps.leads.rules.agreements import Terms
from apps.leads.rules.frameworks import FRAMEWORKS, Criterion
from apps.leads.rules.points import Counted, PointTable
from apps.leads.selectors import definitions as selectors
from apps.leads.selectors.definitions import standings
from apps.leads.services import definitions as services
from apps.leads.services.definitions import Side
from tests.cast import NOW, Cast

TODAY = NOW.date()
OWN = Terms(
    "Ours",
    2,
    "own",
    (Criterion("Authority", "Who signs?"), Criterion("Need"), Criterion("Urgency")),
    (15, 25),
)
POINTS = Terms("Points", 30, table=PointTable.default(("Energy",)))


def draft(cast: Cast, effective_on: date = TODAY, terms: Terms = OWN, **more) -> Definition:
    kind = Definition.Kind.MQL if terms.table else Definition.Kind.SQL
    given = {"kind": kind, "terms": terms, "effective_on": effective_on, "at": NOW, "actor": cast.revops}
    return services.draft_definition(**given | more)


def sign(definition: Definition, side: Side, actor, **more) -> Definition:
    return services.sign_definition(
        definition=definition, side=side, today=TODAY, at=NOW, actor=actor, **more
    )


def signed(cast: Cast, effective_on: date = TODAY, terms: Terms = OWN) -> Definition:
    drafted = draft(cast, effective_on, terms)
    sign(drafted, Side.MARKETING, cast.marketing)
    return sign(drafted, Side.SALES, cast.manager)


def in_force() -> Definition:
    found = Definition.objects.in_force("sql", TODAY).first()
    assert found is not None
    return found


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
        signed(cast, effective_on=TODAY + timedelta(days=30))
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

    def test_is_given_to_the_words_that_were_read(self, cast):
        drafted = draft(cast)
        read = services.terms_of(drafted).fingerprint
        services.change_draft(
            definition=drafted, terms=replace(OWN, needed=3), effective_on=TODAY, at=NOW, actor=cast.revops
        )
        with pytest.raises(services.UnableToSign, match="read it again"):
            sign(drafted, Side.SALES, cast.manager, read=read)
        drafted.refresh_from_db()
        now = services.terms_of(drafted).fingerprint
        assert sign(drafted, Side.SALES, cast.manager, read=now).sales_signed_by == cast.manager

    def test_is_refused_for_a_withdrawn_draft(self, cast):
        drafted = draft(cast)
        services.withdraw_draft(definition=drafted, at=NOW, actor=cast.revops)
        with pytest.raises(services.UnableToSign, match="withdrawn"):
            sign(drafted, Side.SALES, cast.manager)


class TestDraftDefinition:
    @pytest.mark.parametrize(
        ("terms", "field"),
        [
            (replace(OWN, name=" "), "name"),
            (replace(OWN, criteria=()), "criteria"),
            (replace(OWN, criteria=(Criterion("Need"), Criterion("need "))), "criteria"),
            (replace(OWN, criteria=(Criterion("!"),)), "criteria"),
            (replace(OWN, criteria=(Criterion("N" * 41),), needed=1), "criteria"),
            (replace(OWN, needed=4), "needed"),
            (replace(OWN, needed=0), "needed"),
            (replace(OWN, framework="bant"), "framework"),
            (replace(OWN, framework="spin"), "framework"),
            (replace(OWN, expected=(30, 20)), "expected_from"),
            (replace(POINTS, needed=0), "needed"),
            (replace(POINTS, needed=10_000), "needed"),
            (replace(POINTS, table=PointTable((("A", 1), ("B", 2), ("C", 3)))), "letters"),
        ],
    )
    def test_says_what_is_wrong_with_it(self, cast, terms, field):
        with pytest.raises(InvalidInput) as refused:
            draft(cast, terms=terms)
        assert refused.value.field == field
        assert Definition.objects.count() == 1

    def test_a_framework_keeps_its_letters_whatever_the_words(self, cast):
        criteria = (Criterion("Need", "Why now?"), Criterion("Authority", "Whose pen?"))
        drafted = draft(cast, terms=Terms("Quick", 2, "an", criteria, (10, 20)))
        assert (drafted.framework, drafted.criteria[0]["key"]) == ("an", "need")
        with pytest.raises(InvalidInput, match="AN asks for Authority as well") as refused:
            draft(cast, terms=Terms("Quick", 1, "an", criteria[:1]))
        assert "or choose the own framework" in refused.value.message

    @pytest.mark.parametrize("key", FRAMEWORKS)
    def test_each_preset_is_a_definition(self, cast, key):
        one = FRAMEWORKS[key]
        criteria = one.criteria or (Criterion("Champion"),)
        assert draft(cast, terms=Terms(one.name, one.needed, key, criteria, one.expected)).pk

    def test_carries_the_table_of_points_and_reads_it_back(self, cast):
        drafted = draft(cast, terms=POINTS)
        drafted.refresh_from_db()
        assert drafted.criteria == []
        assert services.terms_of(drafted) == POINTS

    def test_reads_criteria_back(self, cast):
        drafted = draft(cast)
        drafted.refresh_from_db()
        assert services.terms_of(drafted) == OWN

    def test_a_version_without_a_framework_is_known_by_what_it_asks(self, cast):
        assert services.terms_of(in_force()).framework == "bant"


class TestChangeDraft:
    def change(self, cast, drafted, terms, **more):
        given = {"effective_on": TODAY, "at": NOW, "actor": cast.marketing}
        return services.change_draft(definition=drafted, terms=terms, **given | more)

    def test_puts_it_in_other_words_and_records_which(self, cast):
        drafted = draft(cast)
        changed = self.change(cast, drafted, replace(OWN, needed=3), note="Stricter")
        assert (changed.version, changed.needed, changed.note) == (2, 3, "Stricter")
        entry = AuditEntry.objects.get(verb="leads.definition.changed")
        assert entry.data == {"changes": ["Needed: 3 of 3 criteria, was 2 of 3 criteria."]}

    def test_the_same_again_changes_nothing(self, cast):
        drafted = draft(cast)
        self.change(cast, drafted, OWN)
        assert not AuditEntry.objects.filter(verb="leads.definition.changed").exists()

    def test_is_refused_once_a_side_has_signed(self, cast):
        drafted = draft(cast)
        sign(drafted, Side.SALES, cast.manager)
        with pytest.raises(services.UnableToDraft, match="withdraw this draft"):
            self.change(cast, drafted, replace(OWN, needed=3))

    def test_what_is_agreed_is_never_changed(self, cast):
        with pytest.raises(services.UnableToDraft, match="Both sides"):
            self.change(cast, signed(cast), replace(OWN, needed=3))

    def test_nor_what_was_withdrawn(self, cast):
        drafted = draft(cast)
        services.withdraw_draft(definition=drafted, at=NOW, actor=cast.revops)
        with pytest.raises(services.UnableToDraft, match="withdrawn"):
            self.change(cast, drafted, replace(OWN, needed=3))


class TestWithdrawDraft:
    def test_keeps_it_in_the_history(self, cast):
        drafted = draft(cast)
        sign(drafted, Side.SALES, cast.manager)
        for _ in range(2):
            services.withdraw_draft(definition=drafted, at=NOW, actor=cast.marketing)
        assert [one.state for one in standings(TODAY)] == ["withdrawn", "in_force"]
        assert AuditEntry.objects.filter(verb="leads.definition.withdrawn").count() == 1

    def test_is_refused_for_what_is_agreed(self, cast):
        with pytest.raises(services.UnableToDraft, match="Draft a new version"):
            services.withdraw_draft(definition=signed(cast), at=NOW, actor=cast.revops)


class TestStandings:
    def test_tell_whose_signature_is_missing(self, cast):
        drafted = draft(cast)
        assert standings(TODAY)[0].waits_for == (Side.MARKETING, Side.SALES)
        sign(drafted, Side.MARKETING, cast.marketing)
        assert standings(TODAY)[0].waits_for == (Side.SALES,)

    def test_are_read_in_one_statement(self, cast, django_assert_num_queries):
        for number in range(3):
            signed(cast, TODAY + timedelta(days=number))
        with django_assert_num_queries(1):
            found = selectors.agreements(TODAY)
            assert [len(one.versions) for one in found] == [0, 4]

    def test_a_version_is_held_against_the_one_that_would_hold_without_it(self, cast):
        coming = signed(cast, TODAY + timedelta(days=10))
        later = draft(cast, TODAY + timedelta(days=20), replace(OWN, needed=3))
        sooner = draft(cast, TODAY + timedelta(days=5), replace(OWN, needed=1))
        follows = {
            one.pk: selectors.version(one.pk, TODAY).follows.definition.version
            for one in (coming, later, sooner)
        }
        assert follows == {coming.pk: 1, later.pk: 2, sooner.pk: 1}
        assert [one.words for one in selectors.version(later.pk, TODAY).changes] == [
            "Needed: 3 of 3 criteria, was 2 of 3 criteria."
        ]

    def test_a_change_of_the_table_is_told_in_words(self, cast):
        signed(cast, TODAY, POINTS)
        table = replace(PointTable.default(("Energy", "Retail")), visits=Counted(5, 20))
        drafted = draft(cast, terms=Terms("Points", 40, table=table))
        assert [one.words for one in selectors.version(drafted.pk, TODAY).changes] == [
            "Needed: 40 points, was 30 points.",
            "Target industry Retail",
            "Each page visit: 5 points, at most 20, was 3 points, at most 15.",
        ]


class TestTable:
    def test_the_database_wants_two_people_as_well(self, cast):
        one = draft(cast)
        with pytest.raises(IntegrityError), transaction.atomic():
            Definition.objects.filter(pk=one.pk).update(
                marketing_signed_by=cast.manager, sales_signed_by=cast.manager
            )
