"""How AEs answer, on the page: whose rows one sees, what a figure opens, what counts as an answer."""

from datetime import UTC, date, datetime, timedelta

import pytest
from django.urls import reverse

from apps.leads.models import AnsweredHow, Contest, HandOff, Lead
from apps.leads.rules.answer_patterns import Verdict
from apps.leads.selectors import answer_patterns as selectors
from apps.reps.models import Rep
from tests.cast import NOW, Cast
from tests.stage import staged

OCTOBER = datetime(2026, 10, 6, 10, tzinfo=UTC)


def answered(cast: Cast, ae: Rep, number: int, rejected: int, *, at=OCTOBER, source="Event", **more) -> None:
    """``number`` hand-offs to ``ae``, the first ``rejected`` of them rejected on need."""
    sdr = cast.rep(cast.sdr)
    leads = Lead.objects.bulk_create(
        Lead(name=f"P{i}", company=f"C{i}", source=source, score="B", team=sdr.team, created_at=at)
        for i in range(number)
    )
    HandOff.objects.bulk_create(
        HandOff(
            lead=lead,
            sdr=sdr,
            ae=ae,
            created_at=at,
            decided_at=at + timedelta(minutes=i),
            state="rejected" if i < rejected else "accepted",
            rejected_criterion="need" if i < rejected else "",
            rejection_reason="wrong_person" if i < rejected else "",
            **more,
        )
        for i, lead in enumerate(leads)
    )


@pytest.fixture
@staged
def company(cast: Cast) -> Cast:
    """A strict AE beside two ordinary ones, in October."""
    third = Rep.objects.create(
        name="Third", team=cast.other_team, role="ae", tier=1, hired_on=date(2025, 1, 1)
    )
    answered(cast, cast.rep(cast.ae), 60, 30)
    answered(cast, cast.rep(cast.second_ae), 80, 8)
    answered(cast, third, 70, 7)
    return cast


def rows(user, **more) -> dict[str, Verdict]:
    found = selectors.patterns(user, today=NOW.date(), **more)
    return {row.ae.name: row.pattern.verdict for row in found.aes}


class TestPatterns:
    def test_name_who_stands_out(self, company):
        found = rows(company.revops)
        assert found["Ae"] is Verdict.MORE
        assert list(found) == ["Ae", "Third", "Second Ae"] or set(found) == {"Ae", "Third", "Second Ae"}

    def test_show_everybody_their_own(self, company):
        assert set(rows(company.marketing)) == {"Ae", "Second Ae", "Third"}
        assert set(rows(company.manager)) == {"Ae", "Second Ae"}
        assert set(rows(company.outside_manager)) == {"Third"}
        assert set(rows(company.ae)) == {"Ae"}

    def test_compare_with_all_peers_whoever_looks(self, company):
        own = selectors.patterns(company.ae, today=NOW.date()).aes[0].pattern
        whole = next(
            row.pattern
            for row in selectors.patterns(company.revops, today=NOW.date()).aes
            if row.ae.name == "Ae"
        )
        assert own == whole

    def test_count_whole_months_alone(self, company):
        answered(company, company.rep(company.ae), 5, 5, at=NOW - timedelta(hours=1))
        found = selectors.patterns(company.revops, today=NOW.date())
        assert found.answered == 210
        assert found.period.last_day == date(2026, 10, 31)

    def test_do_not_count_what_was_accepted_by_itself(self, company):
        answered(company, company.rep(company.ae), 9, 0, answered_how=AnsweredHow.SILENCE)
        assert selectors.patterns(company.revops, today=NOW.date()).answered == 210

    def test_count_what_a_judge_overruled_as_the_rejection_it_was(self, company):
        one = HandOff.objects.filter(ae__name="Ae", state="rejected").first()
        Contest.objects.create(
            hand_off=one, state="upheld", opened_at=one.decided_at, opened_by=company.sdr, reason="No.",
            criterion="need", rejected_at=one.decided_at, judge=company.outside_manager, judge_because="",
            warn_at=NOW, due_at=NOW, closed_at=NOW, closed_by=company.outside_manager,
        )  # fmt: skip
        # Decided in November, while the AE's own answer was in October.
        HandOff.objects.filter(pk=one.pk).update(state="accepted", answered_how="contest", decided_at=NOW)
        found = selectors.patterns(company.revops, today=NOW.date())
        assert (found.answered, found.rejected) == (210, 45)

    def test_take_two_statements_however_many(self, company, django_assert_num_queries):
        with django_assert_num_queries(2):
            selectors.patterns(company.revops, today=NOW.date())

    def test_say_which_criterion_stands_out_for_whom(self, company):
        found = selectors.patterns(company.revops, today=NOW.date())
        (need,) = found.criteria
        assert (need.key, need.rejected) == ("need", 45)
        assert [row.ae.name for row in need.standing_out] == ["Ae"]

    def test_hold_an_ae_against_the_sdrs_other_aes(self, company):
        found = selectors.patterns(company.revops, today=NOW.date())
        first = found.pairs[0]
        assert (first.sdr.name, first.ae.name, first.pattern.verdict) == ("Sdr", "Ae", Verdict.MORE)

    def test_are_blind_to_a_source_that_is_hard_for_everybody(self, cast):
        for ae, easy, hard in ((cast.ae, 90, 10), (cast.second_ae, 10, 90)):
            answered(cast, cast.rep(ae), easy, easy // 10, source="Referral")
            answered(cast, cast.rep(ae), hard, hard * 6 // 10, source="Bought list")
        assert set(rows(cast.revops).values()) == {Verdict.CHANCE}


class TestPage:
    @pytest.fixture(autouse=True)
    def _now(self, time_machine):
        time_machine.move_to(NOW, tick=False)

    def test_opens_each_figure_to_the_hand_offs_behind_it(self, company, client):
        client.force_login(company.revops)
        text = client.get(reverse("leads:answer_patterns")).content.decode()
        ae = company.rep(company.ae).pk
        assert "Rejects far more" in text
        url = f"{reverse('leads:answer_patterns_behind')}?months=6&amp;ae={ae}&amp;what=rejected"
        assert url in text
        assert len(client.get(url.replace("&amp;", "&")).context["page"].rows) == 30

    def test_opens_to_a_manager_what_is_in_scope(self, company, client):
        client.force_login(company.outside_manager)
        third = Rep.objects.get(name="Third").pk
        url = reverse("leads:answer_patterns_behind")
        assert len(client.get(f"{url}?ae={third}&what=rejected").context["page"].rows) == 7
        assert client.get(f"{url}?ae={company.rep(company.ae).pk}").context["page"].rows == []

    def test_takes_no_nonsense(self, company, client):
        client.force_login(company.revops)
        assert client.get(reverse("leads:answer_patterns") + "?months=99").context["found"].months == 6
        assert client.get(reverse("leads:answer_patterns_behind") + "?what=all").status_code == 404

    @pytest.mark.parametrize("part", ["ae", "manager", "marketing", "revops"])
    def test_has_words_for_nothing(self, cast, client, part):
        client.force_login(getattr(cast, part))
        assert b"Nothing was answered" in client.get(reverse("leads:answer_patterns")).content
