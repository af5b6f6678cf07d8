"""Opportunities: board, list, path, moves, amounts, and a win taken back."""

from datetime import timedelta

import pytest
from django.urls import reverse

from apps.audit.models import AuditEntry
from apps.leads.models import EventKind, FunnelEvent, Opportunity, OpportunityStage
from apps.leads.selectors import opportunities as selectors
from apps.leads.selectors.opportunities import Filters
from apps.leads.services import opportunities as services
from tests.cast import NOW, Cast
from tests.leads.scenes import opened, won
from tests.stage import staged

LIST = "leads:opportunities"


@pytest.fixture(autouse=True)
def _now(time_machine):
    time_machine.move_to(NOW + timedelta(days=10), tick=False)


@pytest.fixture
@staged
def deal(cast: Cast) -> Opportunity:
    return opened(cast)


def page(deal: Opportunity, act: str = "") -> str:
    return reverse(f"leads:opportunity{act}", args=[deal.pk])


def own(cast: Cast, name: str, **more) -> Opportunity:
    return services.open_opportunity(owner=cast.rep(cast.ae), name=name, at=NOW, actor=cast.ae, **more)


class TestListAndBoard:
    def test_never_adds_currencies(self, cast, client):
        own(cast, "In euros", amount_minor=100_00)
        own(cast, "More euros", amount_minor=50_00)
        own(cast, "In dollars", amount_minor=70_00, currency="USD")
        column = selectors.board(cast.ae, Filters(), closed_since=NOW)[0]
        assert [(one.count, one.amount_minor, one.currency) for one in column.totals] == [
            (2, 150_00, "EUR"),
            (1, 70_00, "USD"),
        ]
        client.force_login(cast.ae)
        text = client.get(reverse(LIST)).content.decode()
        assert "€150.00" in text
        assert "$70.00" in text

    def test_shows_a_column_a_stage(self, cast, client):
        won(cast)
        own(cast, "Open one")
        client.force_login(cast.ae)
        board = client.get(reverse(LIST) + "?view=board").context["board"]
        assert [(column.stage, column.count) for column in board] == [
            ("stage_1", 1),
            ("stage_2", 0),
            ("won", 1),
            ("lost", 0),
        ]

    def test_leaves_long_closed_ones_to_the_list(self, cast, client, time_machine):
        won(cast)
        time_machine.move_to(NOW + timedelta(days=120), tick=False)
        client.force_login(cast.ae)
        assert client.get(reverse(LIST) + "?view=board").context["board"][2].count == 0
        assert len(client.get(reverse(LIST) + "?view=list").context["page"].rows) == 1

    @pytest.mark.parametrize(
        ("query", "names"),
        [
            ("stage=open", ["Brightmoor Logistics", "Found alone"]),
            ("stage=won", ["Tessellate Software"]),
            ("origin=own", ["Found alone"]),
            ("origin=sdr", ["Brightmoor Logistics", "Tessellate Software"]),
            ("q=found", ["Found alone"]),
            ("currency=USD", []),
            (
                "stage=nowhere&owner=x&currency=dollars",
                ["Brightmoor Logistics", "Found alone", "Tessellate Software"],
            ),
        ],
    )
    def test_filters_by_the_address(self, cast, client, query, names):
        opened(cast)
        won(cast, "Tessellate Software")
        own(cast, "Found alone")
        client.force_login(cast.manager)
        rows = client.get(reverse(LIST) + "?view=list&" + query).context["page"].rows
        assert sorted(row.name for row in rows) == names

    def test_pages_by_key(self, cast, client):
        for number in range(60):
            own(cast, f"Deal {number}")
        client.force_login(cast.ae)
        first = client.get(reverse(LIST) + "?view=list").context["page"]
        second = client.get(reverse(LIST) + f"?view=list&after={first.next_after}").context["page"]
        assert (len(first.rows), len(second.rows)) == (50, 10)
        assert not {row.pk for row in first.rows} & {row.pk for row in second.rows}

    @pytest.mark.parametrize(
        ("part", "count"),
        [("ae", 1), ("sdr", 1), ("manager", 1), ("finance", 1), ("revops", 1), ("second_ae", 0),
         ("teammate", 0), ("am", 0), ("outside_manager", 0)],
    )  # fmt: skip
    def test_shows_each_what_is_in_scope(self, cast, client, deal, part, count):
        client.force_login(getattr(cast, part))
        assert len(client.get(reverse(LIST) + "?view=list").context["page"].rows) == count
        assert client.get(page(deal)).status_code == (200 if count else 404)

    def test_is_not_for_marketing(self, cast, client, deal):
        client.force_login(cast.marketing)
        assert client.get(reverse(LIST)).status_code == 403

    def test_says_what_to_expect_when_there_is_none(self, cast, client):
        client.force_login(cast.ae)
        assert b"No opportunity yet" in client.get(reverse(LIST)).content
        assert b"Nothing matches the filters" in client.get(reverse(LIST) + "?q=zzz").content

    def test_asks_a_bounded_number_of_statements(self, cast, client, django_assert_max_num_queries):
        for number in range(30):
            own(cast, f"Deal {number}")
        won(cast)
        client.force_login(cast.manager)
        client.get(reverse(LIST))
        with django_assert_max_num_queries(15):
            client.get(reverse(LIST))
        with django_assert_max_num_queries(15):
            client.get(page(Opportunity.objects.filter(stage="won")[0]))


class TestOpportunityPage:
    def test_tells_what_happened_with_amounts_and_credits(self, cast, client):
        deal = won(cast)
        client.force_login(cast.ae)
        text = client.get(page(deal)).content.decode()
        for words in ("Closed won", "€60,000.00", "Sdr sourced it", "Ae owned it", "Accepted by the AE"):
            assert words in text
        event = FunnelEvent.objects.get(kind=EventKind.WON)
        assert reverse("leads:event", args=[event.pk]) in text

    def test_draws_the_path(self, cast):
        deal = won(cast)
        path = selectors.stage_path(deal, selectors.happenings(deal))
        assert [(word, state) for word, _, state in path] == [
            ("Stage 1", "done"),
            ("Stage 2", "done"),
            ("Closed won", "done"),
        ]
        assert [when is not None for _, when, _ in path] == [True, True, True]

    def test_draws_the_path_of_a_lost_one(self, cast, deal):
        lost = services.move_opportunity(
            opportunity=deal, stage=OpportunityStage.LOST, loss_reason="timing", at=NOW + timedelta(days=2)
        )
        path = selectors.stage_path(lost, selectors.happenings(lost))
        assert [(word, state) for word, _, state in path] == [("Stage 1", "done"), ("Closed lost", "failed")]

    def test_lets_the_sdr_read_only(self, cast, client, deal):
        client.force_login(cast.sdr)
        assert b"/move/" not in client.get(page(deal)).content


class TestMove:
    def test_goes_to_the_next_stage_with_its_amount(self, cast, client, deal):
        client.force_login(cast.ae)
        client.post(page(deal, "_move"), {"stage": "stage_2", "amount": "75,000"})
        deal.refresh_from_db()
        assert (deal.stage, deal.amount_minor) == ("stage_2", 75_000_00)
        assert FunnelEvent.objects.get(kind=EventKind.STAGE_2).amount_minor == 75_000_00

    def test_keeps_the_amount_when_none_is_typed(self, cast, client, deal):
        client.force_login(cast.ae)
        client.post(page(deal, "_move"), {"stage": "stage_2", "amount": ""})
        deal.refresh_from_db()
        assert deal.amount_minor == 60_000_00

    @pytest.mark.parametrize("typed", ["", "0", "a lot", "-1"])
    def test_to_a_win_needs_an_amount(self, cast, client, deal, typed):
        services.move_opportunity(
            opportunity=deal, stage=OpportunityStage.STAGE_2, at=NOW + timedelta(days=1)
        )
        client.force_login(cast.ae)
        response = client.post(page(deal, "_move"), {"stage": "won", "amount": typed})
        assert response.status_code == 422
        assert b"is-invalid" in response.content
        assert not FunnelEvent.objects.filter(kind=EventKind.WON).exists()

    def test_skips_no_stage(self, cast, client, deal):
        client.force_login(cast.ae)
        response = client.post(page(deal, "_move"), {"stage": "won", "amount": "5"})
        assert response.status_code == 409
        assert b"it cannot go to Closed won" in response.content

    def test_a_second_click_moves_nothing_more(self, cast, client, deal):
        client.force_login(cast.ae)
        for _ in range(2):
            response = client.post(page(deal, "_move"), {"stage": "stage_2", "amount": ""})
        assert response.status_code == 409
        assert FunnelEvent.objects.filter(kind=EventKind.STAGE_2).count() == 1

    @pytest.mark.parametrize(
        ("part", "status"),
        [("manager", 302), ("sdr", 403), ("finance", 403), ("revops", 403), ("marketing", 403),
         ("second_ae", 404), ("am", 404), ("outside_manager", 404)],
    )  # fmt: skip
    def test_is_for_the_owner_and_the_owners_manager(self, cast, client, deal, part, status):
        client.force_login(getattr(cast, part))
        assert client.post(page(deal, "_move"), {"stage": "stage_2", "amount": ""}).status_code == status

    def test_takes_no_other_field(self, cast, client, deal):
        client.force_login(cast.ae)
        client.post(page(deal, "_move"), {"stage": "stage_2", "amount": "", "owner": "1", "currency": "JPY"})
        deal.refresh_from_db()
        assert (deal.owner, deal.currency) == (cast.rep(cast.ae), "EUR")


class TestLose:
    def test_needs_a_reason(self, cast, client, deal):
        client.force_login(cast.ae)
        for given in ({}, {"loss_reason": ""}, {"loss_reason": "bored"}):
            response = client.post(page(deal, "_lose"), given)
            assert response.status_code == 422
            assert b"data-open-now" in response.content

    def test_closes_it_with_the_reason(self, cast, client, deal):
        client.force_login(cast.ae)
        client.post(page(deal, "_lose"), {"loss_reason": "timing"})
        deal.refresh_from_db()
        assert (deal.stage, deal.loss_reason) == ("lost", "timing")
        assert FunnelEvent.objects.get(kind=EventKind.LOST).data == {"reason": "timing"}


class TestChangeAmount:
    def test_is_an_event_of_its_own_and_recorded(self, cast, client, deal):
        client.force_login(cast.ae)
        client.post(page(deal, "_amount"), {"amount": "61,000.01"})
        assert FunnelEvent.objects.get(kind=EventKind.AMOUNT_CHANGED).amount_minor == 61_000_01
        entry = AuditEntry.objects.get(verb="leads.opportunity.amount_changed")
        assert entry.data == {"from_minor": 60_000_00, "to_minor": 61_000_01, "currency": "EUR"}

    def test_is_refused_once_it_is_closed(self, cast, client):
        deal = won(cast)
        client.force_login(cast.ae)
        assert client.post(page(deal, "_amount"), {"amount": "1"}).status_code == 409
        deal.refresh_from_db()
        assert deal.amount_minor == 60_000_00


class TestTakeBack:
    @pytest.mark.parametrize("part", ["manager", "revops"])
    def test_reverses_the_win(self, cast, client, part):
        deal = won(cast)
        client.force_login(getattr(cast, part))
        client.post(page(deal, "_take_back"), {"reason": "Contract cancelled"})
        deal.refresh_from_db()
        assert deal.stage == "stage_2"
        assert not FunnelEvent.objects.filter(kind=EventKind.WON).effective().exists()
        text = client.get(page(deal)).content.decode()
        assert "Taken back" in text
        assert "Contract cancelled" in text

    def test_needs_a_reason(self, cast, client):
        deal = won(cast)
        client.force_login(cast.manager)
        assert client.post(page(deal, "_take_back"), {"reason": " "}).status_code == 422

    @pytest.mark.parametrize(
        ("part", "status"), [("ae", 403), ("sdr", 403), ("finance", 403), ("outside_manager", 404)]
    )
    def test_is_not_for_those_whom_it_paid(self, cast, client, part, status):
        deal = won(cast)
        client.force_login(getattr(cast, part))
        assert client.post(page(deal, "_take_back"), {"reason": "Mine"}).status_code == status
        assert FunnelEvent.objects.filter(kind=EventKind.WON).effective().exists()


class TestOpenOwn:
    def test_makes_a_self_sourced_one_for_oneself(self, cast, client):
        client.force_login(cast.ae)
        response = client.post(
            reverse("leads:opportunity_new"),
            {
                "name": "Kestrel Foods",
                "company": "Kestrel Foods",
                "amount": "12,000",
                "owner": cast.rep(cast.second_ae).pk,
            },
        )
        deal = Opportunity.objects.get()
        assert response["Location"] == page(deal)
        assert (deal.owner, deal.is_self_sourced, deal.amount_minor) == (cast.rep(cast.ae), True, 12_000_00)
        assert deal.account.name == "Kestrel Foods"
        event = FunnelEvent.objects.get(kind=EventKind.STAGE_1)
        assert [(credit.rep, credit.capacity) for credit in event.credits.all()] == [
            (cast.rep(cast.ae), "owned")
        ]

    def test_finds_the_account_whatever_its_case(self, cast, client):
        client.force_login(cast.ae)
        for name in ("Kestrel Foods", "KESTREL foods"):
            client.post(reverse("leads:opportunity_new"), {"name": name, "company": name, "amount": ""})
        assert len(set(Opportunity.objects.values_list("account", flat=True))) == 1

    @pytest.mark.parametrize("given", [{"name": " "}, {"name": "X", "amount": "much"}])
    def test_says_at_the_field_what_is_wrong(self, cast, client, given):
        client.force_login(cast.ae)
        response = client.post(reverse("leads:opportunity_new"), given)
        assert response.status_code == 422
        assert b"is-invalid" in response.content

    @pytest.mark.parametrize("part", ["sdr", "manager", "finance", "revops", "marketing"])
    def test_is_for_those_who_sell(self, cast, client, part):
        client.force_login(getattr(cast, part))
        assert client.get(reverse("leads:opportunity_new")).status_code == 403


class TestBoardMove:
    def drop(self, client, deal, stage, **more):
        return client.post(
            page(deal, "_board_move"),
            {"stage": stage, "query": "view=board", "back": "/opportunities/?view=board", **more},
            headers={"hx-request": "true"},
        )

    def test_moves_the_card_and_answers_with_the_board(self, cast, client, deal):
        client.force_login(cast.ae)
        response = self.drop(client, deal, "stage_2")
        deal.refresh_from_db()
        assert deal.stage == "stage_2"
        assert b'data-column="stage_2"' in response.content
        assert reverse("leads:opportunity_undo", args=[deal.pk]).encode() in response.content

    @pytest.mark.parametrize(("stage", "words"), [("won", b"Amount won"), ("lost", b"Why was it lost?")])
    def test_asks_for_what_a_closed_one_needs(self, cast, client, deal, stage, words):
        services.move_opportunity(opportunity=deal, stage=OpportunityStage.STAGE_2, at=NOW, actor=cast.ae)
        client.force_login(cast.ae)
        response = self.drop(client, deal, stage)
        assert response["HX-Retarget"] == "#modal-body"
        assert words in response.content
        assert b"/opportunities/?view=board" in response.content
        deal.refresh_from_db()
        assert deal.stage == "stage_2"

    def test_goes_back_to_the_board_but_to_no_other_site(self, cast, client, deal):
        client.force_login(cast.ae)
        for back, where in (
            ("/opportunities/?view=board", "/opportunities/?view=board"),
            ("//evil.example/", page(deal)),
        ):
            response = client.post(page(deal, "_move"), {"stage": "stage_2", "amount": "", "back": back})
            assert response["Location"] == where
            services.undo_move(opportunity=reload(deal), reason="x", at=NOW, actor=cast.manager)

    def test_says_what_cannot_be(self, cast, client, deal):
        client.force_login(cast.ae)
        assert b"cannot go there" in self.drop(client, deal, "won").content


def reload(deal: Opportunity) -> Opportunity:
    return Opportunity.objects.select_related("owner__team").get(pk=deal.pk)


class TestUndoMove:
    def test_reverses_the_move(self, cast, client, deal):
        client.force_login(cast.ae)
        client.post(page(deal, "_move"), {"stage": "stage_2", "amount": ""})
        client.post(page(deal, "_undo"), {})
        deal.refresh_from_db()
        assert deal.stage == "stage_1"
        assert not FunnelEvent.objects.filter(kind=EventKind.STAGE_2).effective().exists()
        assert FunnelEvent.objects.get(kind=EventKind.REVERSED).data == {"reason": "Moved by mistake"}

    def test_opens_a_lost_one_where_it_stood(self, cast, deal):
        for stage in (OpportunityStage.STAGE_2, OpportunityStage.LOST):
            deal = services.move_opportunity(
                opportunity=deal, stage=stage, loss_reason="timing", at=NOW, actor=cast.ae
            )
        back = services.undo_move(opportunity=deal, reason="Wrong card", at=NOW, actor=cast.ae)
        assert (back.stage, back.loss_reason, back.closed_at) == ("stage_2", "", None)

    def test_is_the_manager_s_after_an_hour(self, cast, deal):
        deal = services.move_opportunity(
            opportunity=deal, stage=OpportunityStage.STAGE_2, at=NOW, actor=cast.ae
        )
        late = NOW + services.UNDO_WITHIN
        with pytest.raises(services.UnableToUndo):
            services.undo_move(opportunity=deal, reason="x", at=late, actor=cast.ae)
        assert (
            services.undo_move(opportunity=deal, reason="x", at=late, actor=cast.manager).stage == "stage_1"
        )

    def test_keeps_an_amount_that_was_said_with_the_move(self, cast, deal):
        deal = services.move_opportunity(
            opportunity=deal, stage=OpportunityStage.STAGE_2, amount_minor=75_000_00, at=NOW, actor=cast.ae
        )
        back = services.undo_move(opportunity=deal, reason="x", at=NOW, actor=cast.ae)
        changed = FunnelEvent.objects.filter(kind=EventKind.AMOUNT_CHANGED).effective().get()
        assert back.amount_minor == changed.amount_minor == 75_000_00
        assert changed.data == {"from_minor": 60_000_00, "from_currency": "EUR"}


class TestWithdrawn:
    @pytest.fixture
    def withdrawn(self, deal):
        Opportunity.objects.filter(pk=deal.pk).update(stage=OpportunityStage.WITHDRAWN, closed_at=NOW)
        return reload(deal)

    def test_counts_nowhere(self, cast, client, withdrawn):
        filters = Filters()
        assert selectors.listed(cast.manager, filters, after="").rows == []
        assert selectors.totals(cast.manager, filters) == []
        assert sum(column.count for column in selectors.board(cast.manager, filters, closed_since=NOW)) == 0
        assert selectors.open_query(cast.manager, most=10).count() == 0

    def test_is_found_by_who_asks_for_it(self, cast, client, withdrawn):
        client.force_login(cast.ae)
        rows = client.get(reverse(LIST) + "?view=list&stage=withdrawn").context["page"].rows
        assert [row.pk for row in rows] == [withdrawn.pk]
        assert client.get(page(withdrawn)).status_code == 200
        assert client.post(page(withdrawn, "_move"), {"stage": "stage_2", "amount": ""}).status_code == 409


class TestSums:
    def test_board_list_and_rows_agree(self, cast):
        for number, (amount, currency) in enumerate(
            [(100_00, "EUR"), (None, "EUR"), (70_00, "USD"), (30_000, "JPY"), (5, "EUR")]
        ):
            one = own(cast, f"Deal {number}", amount_minor=amount, currency=currency)
            if number % 2:
                services.move_opportunity(
                    opportunity=one, stage=OpportunityStage.STAGE_2, at=NOW, actor=cast.ae
                )
        raw: dict[str, int] = {}
        for one in Opportunity.objects.all():
            raw[one.currency] = raw.get(one.currency, 0) + (one.amount_minor or 0)
        listed = {one.currency: one.amount_minor or 0 for one in selectors.totals(cast.ae, Filters())}
        on_board: dict[str, int] = {}
        for column in selectors.board(cast.ae, Filters(), closed_since=NOW):
            for total in column.totals:
                on_board[total.currency] = on_board.get(total.currency, 0) + (total.amount_minor or 0)
        assert raw == listed == on_board


class TestPanelAndPlan:
    def test_the_same_address_is_the_panel_for_a_fragment(self, cast, client, deal):
        client.force_login(cast.ae)
        answer = client.get(page(deal), headers={"hx-request": "true"})
        assert b"<html" not in answer.content
        assert "HX-Request" in answer["Vary"]

    def test_the_plan_is_kept(self, cast, client, deal):
        client.force_login(cast.ae)
        client.post(page(deal, "_plan"), {"expected_close_on": "2026-12-15", "next_step": "Send the offer"})
        deal.refresh_from_db()
        assert (str(deal.expected_close_on), deal.next_step) == ("2026-12-15", "Send the offer")
        assert client.post(page(deal, "_plan"), {"expected_close_on": "soon"}).status_code == 422

    @pytest.mark.parametrize(
        ("typed", "currency", "minor"), [("5,000", "JPY", 5_000), ("10.50", "USD", 10_50)]
    )
    def test_an_amount_is_read_by_its_currency(self, cast, client, deal, typed, currency, minor):
        client.force_login(cast.ae)
        client.post(page(deal, "_amount"), {"amount": typed, "currency": currency})
        deal.refresh_from_db()
        assert (deal.amount_minor, deal.currency) == (minor, currency)
        wrong = client.post(page(deal, "_amount"), {"amount": "5.005", "currency": currency})
        assert wrong.status_code == 422
