"""What comes after a month was closed: the card stays byte for byte, and the difference stands beside it."""

import json
from datetime import UTC, date, datetime, timedelta
from fractions import Fraction
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from apps.compensation.services import credit_splits
from apps.core.periods import Period, month_of
from apps.jobs import services as jobs
from apps.jobs.models import JobState
from apps.leads.models import Capacity, EventKind, FunnelEvent, Opportunity, Source
from apps.leads.services.record import NewEvent, owned, record_event, reverse_event
from apps.reps.models import Rep
from apps.scorecards import tasks
from apps.scorecards.models import Scorecard
from apps.scorecards.selectors.card_copies import from_json
from apps.scorecards.selectors.since_closed import SinceClosed, came_since, since_closed
from apps.scorecards.services import cards
from tests.cast import NOW, Cast
from tests.scorecards import company as generated
from tests.scorecards.plain import PlainRecord
from tests.scorecards.plain_card import METRICS
from tests.stage import staged

OCTOBER = month_of(date(2026, 10, 1))
TRAILING = Period(date(2026, 8, 1), date(2026, 11, 1))
CLOSED_AT = datetime(2026, 11, 2, 5, tzinfo=UTC)
LATER = NOW + timedelta(days=8)


@pytest.fixture
@staged
def closed(cast: Cast) -> Cast:
    """The cast with a record of some months, October closed and signed by both of the AE's card."""
    company = generated.Company(
        aes=[cast.rep(cast.ae), cast.rep(cast.second_ae)],
        sdrs=[cast.rep(cast.sdr), cast.rep(cast.teammate)],
        ae_team=cast.ae_team,
        sdr_team=cast.sdr_team,
    )
    generated.fill(company, seed=5, deals=60)
    cards.freeze_month(month=OCTOBER, at=CLOSED_AT)
    card = card_of(cast)
    for user in (cast.manager, cast.ae):
        cards.sign(card=card, user=user, fingerprint=card.fingerprint, at=NOW)
    return cast


def card_of(cast: Cast) -> Scorecard:
    return Scorecard.objects.get(rep=cast.rep(cast.ae), month_on=OCTOBER.start)


def everything() -> str:
    """All closed cards and their signatures, byte for byte."""
    rows = Scorecard.objects.frozen().order_by("pk").values_list("pk", "copy", "fingerprint", "frozen_at")
    return json.dumps([[pk, copy, mark, str(at)] for pk, copy, mark, at in rows], sort_keys=True)


def since(cast: Cast) -> SinceClosed:
    return since_closed(card=from_json(card_of(cast).copy), rep=cast.rep(cast.ae))


def figures(found: SinceClosed) -> dict[str, tuple[Any, Any]]:
    return {one.key: (one.then, one.now) for one in found.differences if one.key and not one.over}


def late_win(cast: Cast) -> FunnelEvent:
    deal = Opportunity.objects.create(
        name="Brightmoor", owner=cast.rep(cast.ae), opened_at=CLOSED_AT, stage_changed_at=CLOSED_AT
    )
    return record_event(
        event=NewEvent(
            kind=EventKind.WON,
            occurred_at=datetime(2026, 10, 20, 12, tzinfo=UTC),
            source=Source.IMPORT,
            source_key="late:won",
            opportunity=deal,
            credits=owned(cast.rep(cast.ae)),
            amount_minor=123_456,
            currency="EUR",
        ),
        at=LATER,
    )


def own_win(cast: Cast) -> FunnelEvent:
    known = PlainRecord(CLOSED_AT).of(cast.rep(cast.ae), TRAILING, "won", "owned")
    return next(event for event, share in known if share == 1 and event.currency == "EUR")


def split_win(cast: Cast) -> None:
    split = credit_splits.propose_split(
        event=own_win(cast),
        capacity=Capacity.OWNED,
        shares={cast.rep(cast.ae): 250_000, cast.rep(cast.second_ae): 750_000},
        reason="Both worked on it.",
        at=LATER,
        actor=cast.manager,
    )
    credit_splits.approve_split(split=split, at=LATER, actor=cast.finance)


def take_back(cast: Cast) -> None:
    reverse_event(event=own_win(cast), reason="Cancelled", at=LATER)


WAYS = {"late": late_win, "reversed": take_back, "split": split_win}


class TestLate:
    @pytest.mark.parametrize("way", WAYS)
    def test_leaves_what_was_signed_byte_for_byte(self, closed: Cast, way: str) -> None:
        before = everything()
        WAYS[way](closed)
        cards.freeze_month(month=OCTOBER, at=LATER)
        assert everything() == before

    @pytest.mark.parametrize("way", WAYS)
    def test_shows_the_difference_beside_the_card(self, closed: Cast, way: str) -> None:
        before = figures(since(closed))
        WAYS[way](closed)
        found = since(closed)
        assert any(one.what == way and one.at == LATER for one in found.arrivals)
        assert figures(found) != before
        assert "revenue_won" in figures(found)

    @pytest.mark.parametrize("way", WAYS)
    def test_both_sides_equal_a_plain_recomputation(self, closed: Cast, way: str) -> None:
        WAYS[way](closed)
        rep = closed.rep(closed.ae)
        then, now = PlainRecord(CLOSED_AT), PlainRecord()
        expected = {
            key: pair
            for key in METRICS["ae"]
            if (pair := (then.value(key, rep, TRAILING), now.value(key, rep, TRAILING)))[0] != pair[1]
        }
        assert figures(since(closed)) == expected

    def test_says_by_how_much(self, closed: Cast) -> None:
        before = figures(since(closed)).get("deals_won")
        late_win(closed)
        one = next(one for one in since(closed).differences if one.key == "deals_won" and not one.over)
        already = before[1] - before[0] if before else Fraction(0)
        assert one.by == already + 1

    def test_stands_on_the_page_with_the_figures(self, closed: Cast, client: Client) -> None:
        late_win(closed)
        client.force_login(closed.ae)
        address = reverse("scorecards:scorecard_of", args=[closed.rep(closed.ae).pk, "2026-10"])
        text = client.get(address).content.decode()
        assert "Since closed" in text
        assert "recorded late" in text
        api = client.get(reverse("api:scorecard", args=[closed.rep(closed.ae).pk, "2026-10"])).json()
        assert "revenue_won" in {one["metric"] for one in api["since_closed"]}

    @pytest.mark.parametrize("way", WAYS)
    def test_the_managers_list_says_whose_card_something_came_to(
        self, cast: Cast, client: Client, way: str
    ) -> None:
        if way == "late":
            cards.freeze_month(month=OCTOBER, at=CLOSED_AT)
        else:
            win = late_win(cast)
            cards.freeze_month(month=OCTOBER, at=LATER)
            end = LATER + timedelta(hours=1)
            if way == "reversed":
                reverse_event(event=win, reason="Cancelled", at=end)
            else:
                split = credit_splits.propose_split(
                    event=win,
                    capacity=Capacity.OWNED,
                    shares={cast.rep(cast.second_ae): 1_000_000},
                    reason="Theirs.",
                    at=end,
                    actor=cast.manager,
                )
                credit_splits.approve_split(split=split, at=end, actor=cast.finance)
        if way == "late":
            late_win(cast)
        found = came_since([from_json(row.copy) for row in Scorecard.objects.frozen()])
        both = {cast.rep(cast.ae).pk, cast.rep(cast.second_ae).pk}
        assert found == (both if way == "split" else {cast.rep(cast.ae).pk})
        client.force_login(cast.manager)
        text = client.get(reverse("scorecards:list"), {"month": "2026-10"}).content.decode()
        assert text.count("something came since") == len(found)

    def test_without_anything_new_there_is_nothing_to_say(self, cast: Cast, client: Client) -> None:
        cards.freeze_month(month=OCTOBER, at=CLOSED_AT)
        assert not since(cast)
        client.force_login(cast.ae)
        address = reverse("scorecards:scorecard_of", args=[cast.rep(cast.ae).pk, "2026-10"])
        assert "Since closed" not in client.get(address).content.decode()

    def test_a_change_of_team_and_role_leaves_the_comparison_by_the_cards_own_terms(
        self, closed: Cast
    ) -> None:
        before = figures(since(closed))
        Rep.objects.filter(user=closed.ae).update(team=closed.other_team, role="am", tier=None)
        assert figures(since(closed)) == before


class Stopped(Exception):
    """Somebody asked for the job to stop."""


class TestInLots:
    @pytest.fixture(autouse=True)
    def small_lots(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(cards, "REPS_AT_ONCE", 2)

    def stop_after(self, lots: int) -> Any:
        told: list[int] = []

        def progress(done: int, total: int, note: str) -> None:
            told.append(done)
            if len(told) > lots:
                raise Stopped

        return progress

    def test_a_stop_keeps_the_lots_that_are_done_and_going_on_closes_the_rest_alike(self, cast: Cast) -> None:
        company = generated.Company(
            aes=[cast.rep(cast.ae), cast.rep(cast.second_ae)],
            sdrs=[cast.rep(cast.sdr), cast.rep(cast.teammate)],
            ae_team=cast.ae_team,
            sdr_team=cast.sdr_team,
        )
        generated.fill(company, seed=9, deals=30)
        with pytest.raises(Stopped):
            cards.freeze_month(month=OCTOBER, at=CLOSED_AT, progress=self.stop_after(1))
        assert Scorecard.objects.frozen().count() == 2
        late_win(cast)
        done = cards.freeze_month(month=OCTOBER, at=LATER)
        assert (done.frozen, done.were_frozen) == (4, 2)
        assert {from_json(card.copy).as_of for card in Scorecard.objects.all()} == {CLOSED_AT}
        halted = everything()
        assert cards.freeze_month(month=OCTOBER, at=LATER).frozen == 0
        assert everything() == halted

    def test_in_lots_or_all_at_once_the_cards_are_the_same(
        self, closed: Cast, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        september = month_of(date(2026, 9, 1))

        def marks() -> list[str]:
            rows = Scorecard.objects.filter(month_on=september.start).order_by("rep_id")
            return list(rows.values_list("fingerprint", flat=True))

        from django.db import transaction

        found = []
        for size in (2, 100):
            monkeypatch.setattr(cards, "REPS_AT_ONCE", size)
            with transaction.atomic():
                cards.freeze_month(month=september, at=CLOSED_AT)
                found.append(marks())
                transaction.set_rollback(True)
        assert found[0] == found[1]
        assert len(found[0]) == 6

    def test_a_job_tells_its_progress_and_can_be_cancelled_and_resumed(
        self, cast: Cast, run_jobs: Any
    ) -> None:
        job = jobs.enqueue(kind=cards.FREEZE_KIND, key=OCTOBER.code, params={"month": OCTOBER.code}, at=NOW)
        jobs.request_cancel(job=job, at=NOW)
        run_jobs()
        job.refresh_from_db()
        assert job.state == JobState.CANCELLED
        assert not Scorecard.objects.frozen().exists()
        jobs.resume(job=job, at=NOW)
        run_jobs()
        job.refresh_from_db()
        assert (job.state, job.progress_done, job.progress_total) == (JobState.DONE, 6, 6)

    def test_the_next_day_closes_what_was_left_of_a_month(self, cast: Cast) -> None:
        with pytest.raises(Stopped):
            cards.freeze_month(month=OCTOBER, at=CLOSED_AT, progress=self.stop_after(2))
        assert tasks.months_to_close(date(2026, 11, 4)) == [OCTOBER]
        cards.freeze_month(month=OCTOBER, at=NOW)
        assert tasks.months_to_close(date(2026, 11, 4)) == []
