"""The framework: what makes an SQL, what is kept, and that a second click or a change of mind counts once."""

from datetime import date, timedelta

import pytest

from apps.core.errors import InvalidInput
from apps.leads.models import Definition, EventKind, FunnelEvent, LeadStage, Qualification
from apps.leads.services import qualifications, queue
from tests.cast import NOW, Cast
from tests.leads.test_touches import arrive

KEYS = ("budget", "authority", "need", "timeframe")
YES = {key: qualifications.Answer("met", "Said so", "On the call", "Hanna") for key in KEYS}


def _met(count: int) -> dict[str, qualifications.Answer]:
    return {
        key: qualifications.Answer("met", "Yes") if place < count else qualifications.Answer("partly")
        for place, key in enumerate(KEYS)
    }


def _sqls() -> int:
    return FunnelEvent.objects.filter(kind=EventKind.QUALIFIED).effective().count()


class TestQualify:
    @pytest.mark.parametrize(("met", "is_sql"), [(2, False), (3, True), (4, True)])
    def test_as_many_as_the_definition_needs_make_an_sql(self, cast: Cast, met: int, is_sql: bool) -> None:
        lead = arrive(cast)
        judged = qualifications.qualify(lead=lead, rep=cast.rep(cast.sdr), answers=_met(met), at=NOW)
        lead.refresh_from_db()
        assert judged.meets_definition is is_sql
        assert (lead.stage == LeadStage.SQL) is is_sql
        assert _sqls() == is_sql
        assert judged.definition.version == 1

    def test_the_same_answers_again_change_nothing(self, cast: Cast) -> None:
        lead, rep = arrive(cast), cast.rep(cast.sdr)
        first = qualifications.qualify(lead=lead, rep=rep, answers=YES, at=NOW)
        again = qualifications.qualify(lead=lead, rep=rep, answers=YES, at=NOW + timedelta(seconds=1))
        assert again == first
        assert (Qualification.objects.count(), _sqls()) == (1, 1)

    def test_better_answers_are_kept_and_count_once(self, cast: Cast) -> None:
        lead, rep = arrive(cast), cast.rep(cast.sdr)
        for met in (3, 4):
            qualifications.qualify(lead=lead, rep=rep, answers=_met(met), at=NOW)
        assert (Qualification.objects.count(), _sqls()) == (2, 1)

    def test_answers_that_no_longer_do_take_the_sql_back(self, cast: Cast) -> None:
        lead, rep = arrive(cast), cast.rep(cast.sdr)
        for met, sqls in ((3, 1), (1, 0), (4, 1)):
            qualifications.qualify(lead=lead, rep=rep, answers=_met(met), at=NOW)
            lead.refresh_from_db()
            assert _sqls() == sqls
            assert (lead.stage == LeadStage.SQL) is bool(sqls)
        assert FunnelEvent.objects.filter(kind=EventKind.REVERSED).count() == 1

    @pytest.mark.parametrize(
        ("wrong", "words"),
        [
            (None, "Say whether Need is met"),
            (qualifications.Answer("perhaps"), "Say whether Need is met"),
            (qualifications.Answer("met", "  "), "say what the answer was"),
            (qualifications.Answer("partly", "x" * 301), "300 characters"),
            (qualifications.Answer("partly", "", "x" * 501), "500 characters"),
        ],
    )
    def test_names_the_criterion_that_is_wrong_and_keeps_nothing(
        self, cast: Cast, wrong: qualifications.Answer | None, words: str
    ) -> None:
        answers = {key: answer for key, answer in YES.items() if key != "need"} | (
            {"need": wrong} if wrong else {}
        )
        with pytest.raises(InvalidInput, match=words) as refusal:
            qualifications.qualify(lead=arrive(cast), rep=cast.rep(cast.sdr), answers=answers, at=NOW)
        assert refusal.value.field == "need"
        assert not Qualification.objects.exists()

    def test_needs_a_definition_that_both_sides_signed(self, cast: Cast) -> None:
        Definition.objects.update(sales_signed_by=None)
        with pytest.raises(qualifications.UnableToQualify, match="signed"):
            qualifications.qualify(lead=arrive(cast), rep=cast.rep(cast.sdr), answers=YES, at=NOW)

    def test_a_definition_takes_effect_on_the_companys_day(self, cast: Cast) -> None:
        first = Definition.objects.get()
        Definition.objects.create(
            kind="sql",
            version=2,
            name="BANT",
            effective_on=date(2026, 11, 13),
            marketing_signed_by=first.marketing_signed_by,
            sales_signed_by=first.sales_signed_by,
        )
        before_midnight = NOW.replace(hour=22, minute=59)  # 23:59 in Berlin
        found = [qualifications.definition_in_force(before_midnight + timedelta(minutes=n)) for n in (0, 1)]
        assert [one.version if one else None for one in found] == [1, 2]

    def test_only_whoever_works_the_lead_judges_it(self, cast: Cast) -> None:
        lead = arrive(cast)
        qualifications.qualify(lead=lead, rep=cast.rep(cast.sdr), answers=YES, at=NOW)
        with pytest.raises(queue.AnothersLead):
            qualifications.qualify(lead=lead, rep=cast.rep(cast.teammate), answers=_met(4), at=NOW)
