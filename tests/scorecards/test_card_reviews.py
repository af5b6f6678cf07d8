"""What is said, agreed and signed over a card: by the two alone, through every door; and what stays private."""

import json
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from django.db import DatabaseError, connection, transaction
from django.test import Client
from django.urls import reverse

from apps.accounts.models import Notification, User
from apps.audit.models import AuditEntry
from apps.core.errors import InvalidInput
from apps.core.periods import month_of
from apps.reps.models import Rep
from apps.scorecards.models import (
    ActionOutcome,
    Scorecard,
    ScorecardAction,
    ScorecardNote,
    ScorecardPrivateNote,
    ScorecardSignature,
    SignedAs,
)
from apps.scorecards.reports.scorecard_pdf import data_of
from apps.scorecards.selectors.card_actions import agreed_over, opens_with
from apps.scorecards.selectors.card_copies import from_json
from apps.scorecards.services import card_actions, cards
from tests.cast import NOW, Cast
from tests.stage import staged

SEPTEMBER, OCTOBER, NOVEMBER = (month_of(date(2026, month, 1)) for month in (9, 10, 11))
CLOSED_AT = datetime(2026, 11, 2, 5, tzinfo=UTC)
SECRET = "Ready to lead a team by spring"


@pytest.fixture
@staged
def closed(cast: Cast) -> Cast:
    cards.freeze_month(month=OCTOBER, at=CLOSED_AT)
    return cast


def card_of_ae(cast: Cast) -> Scorecard:
    return Scorecard.objects.get(rep=cast.rep(cast.ae), month_on=OCTOBER.start)


def agreed(cast: Cast, **more: Any) -> ScorecardAction:
    given = {
        "rep": more.pop("rep", None) or cast.rep(cast.ae),
        "month": OCTOBER,
        "text": "Shadow two discovery calls",
        "owner": SignedAs.REP,
        "due_on": date(2026, 11, 20),
        "at": NOW,
        "actor": cast.manager,
    } | more
    return card_actions.agree_action(**given)


class TestActions:
    def test_are_agreed_by_either_and_owned_by_one_of_the_two(self, closed: Cast) -> None:
        first = agreed(closed)
        second = agreed(closed, actor=closed.ae, owner=SignedAs.MANAGER)
        assert (first.owner, second.owner) == (closed.ae, closed.manager)
        assert list(agreed_over(rep=closed.rep(closed.ae), month=OCTOBER)) == [first, second]

    @pytest.mark.parametrize("part", ["second_ae", "outside_manager", "revops", "finance"])
    def test_are_agreed_by_nobody_else(self, closed: Cast, part: str) -> None:
        with pytest.raises(cards.UnableToWrite):
            agreed(closed, actor=getattr(closed, part))
        action = agreed(closed)
        with pytest.raises(cards.UnableToWrite):
            card_actions.close_action(
                action=action, outcome=ActionOutcome.DONE, at=NOW, actor=getattr(closed, part)
            )

    @pytest.mark.parametrize(
        ("wrong", "field"),
        [
            ({"text": "  "}, "text"),
            ({"text": "x" * 301}, "text"),
            ({"due_on": date(2026, 11, 11)}, "due_on"),
        ],
    )
    def test_say_what_is_wrong_at_the_field(self, closed: Cast, wrong: dict, field: str) -> None:
        with pytest.raises(InvalidInput) as refused:
            agreed(closed, **wrong)
        assert refused.value.field == field

    def test_of_somebody_without_a_sign_in_belong_to_the_other(self, closed: Cast) -> None:
        rep = closed.rep(closed.ae)
        rep.user = None
        rep.save()
        with pytest.raises(InvalidInput, match="No rep has a sign-in"):
            agreed(closed, rep=closed.ae_team.reps.select_related("team__manager").get(pk=rep.pk))

    def test_are_closed_once_by_either(self, closed: Cast) -> None:
        action = agreed(closed)
        closing = card_actions.close_action(
            action=action, outcome=ActionOutcome.DONE, at=NOW, actor=closed.ae
        )
        assert closing.by == closed.ae
        with pytest.raises(card_actions.UnableToClose):
            card_actions.close_action(
                action=action, outcome=ActionOutcome.DROPPED, words="No", at=NOW, actor=closed.manager
            )

    def test_are_dropped_with_a_reason(self, closed: Cast) -> None:
        with pytest.raises(InvalidInput, match="Say why"):
            card_actions.close_action(
                action=agreed(closed), outcome=ActionOutcome.DROPPED, at=NOW, actor=closed.ae
            )

    def test_the_next_months_card_opens_with_them(self, closed: Cast) -> None:
        rep = closed.rep(closed.ae)
        old_done = agreed(closed, month=SEPTEMBER, text="Done in October", at=NOW - timedelta(days=30))
        card_actions.close_action(
            action=old_done, outcome=ActionOutcome.DONE, at=NOW - timedelta(days=20), actor=closed.ae
        )
        old_open = agreed(closed, month=SEPTEMBER, text="Still open", at=NOW - timedelta(days=30))
        new_open, new_done = agreed(closed), agreed(closed, text="Done since")
        card_actions.close_action(action=new_done, outcome=ActionOutcome.DONE, at=NOW, actor=closed.ae)
        assert set(opens_with(rep=rep, month=NOVEMBER)) == {old_open, new_open, new_done}
        assert set(opens_with(rep=rep, month=OCTOBER)) == {old_done, old_open}

    def test_tell_the_other_of_the_two(self, closed: Cast) -> None:
        agreed(closed)
        told = Notification.objects.get(kind="scorecard_answered")
        assert told.user == closed.ae
        assert "Shadow" not in told.title + told.body


class TestClosing:
    def test_tells_each_rep_and_each_manager_once(self, closed: Cast) -> None:
        cards.freeze_month(month=OCTOBER, at=NOW)
        told = Notification.objects.filter(kind="scorecard_closed")
        with_sign_in = Rep.objects.filter(user__isnull=False).count()
        assert told.filter(title__startswith="Your scorecard").count() == with_sign_in
        assert set(told.filter(title__startswith="The scorecards").values_list("user", flat=True)) == {
            closed.manager.pk,
            closed.outside_manager.pk,
        }


class TestSignatures:
    def insert(self, card: Scorecard, **columns: Any) -> None:
        """By raw SQL, past every service."""
        row = {
            "scorecard_id": card.pk,
            "signed_as": "rep",
            "user_id": card.rep.user_id,
            "signed_at": NOW,
            "fingerprint": card.fingerprint,
        } | columns
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(
                f"INSERT INTO scorecards_scorecardsignature ({', '.join(row)}) "
                f"VALUES ({', '.join(['%s'] * len(row))})",
                list(row.values()),
            )

    def test_raw_sql_may_write_what_is_true(self, closed: Cast) -> None:
        self.insert(card_of_ae(closed))
        assert ScorecardSignature.objects.get().user == closed.ae

    @pytest.mark.parametrize(
        ("signed_as", "part"),
        [
            ("rep", "manager"),
            ("rep", "second_ae"),
            ("manager", "ae"),
            ("manager", "outside_manager"),
            ("manager", "revops"),
        ],
    )
    def test_the_database_refuses_another_person(self, closed: Cast, signed_as: str, part: str) -> None:
        with pytest.raises(DatabaseError, match="each for themselves"):
            self.insert(card_of_ae(closed), signed_as=signed_as, user_id=getattr(closed, part).pk)

    @pytest.mark.parametrize("fingerprint", ["", "0" * 64])
    def test_the_database_refuses_another_fingerprint(self, closed: Cast, fingerprint: str) -> None:
        with pytest.raises(DatabaseError, match="fingerprint of the frozen"):
            self.insert(card_of_ae(closed), fingerprint=fingerprint)

    def test_the_database_refuses_an_open_card(self, closed: Cast) -> None:
        card = Scorecard.objects.create(rep=closed.rep(closed.ae), month_on=NOVEMBER.start)
        with pytest.raises(DatabaseError, match="fingerprint of the frozen"):
            self.insert(card)

    def test_a_manager_who_is_the_rep_signs_as_the_rep_alone(self, closed: Cast) -> None:
        card = card_of_ae(closed)
        closed.ae_team.manager = closed.ae
        closed.ae_team.save()
        assert cards.sign(card=card, user=closed.ae, fingerprint=card.fingerprint, at=NOW).signed_as == "rep"
        with pytest.raises(DatabaseError):
            self.insert(card, signed_as="manager", user_id=closed.ae.pk)

    def test_an_old_fingerprint_signs_nothing(self, closed: Cast) -> None:
        """That of the same rep's card of another month."""
        cards.freeze_month(month=SEPTEMBER, at=CLOSED_AT)
        old = Scorecard.objects.get(rep=closed.rep(closed.ae), month_on=SEPTEMBER.start)
        with pytest.raises(cards.UnableToSign, match="not the scorecard that was frozen"):
            cards.sign(card=card_of_ae(closed), user=closed.ae, fingerprint=old.fingerprint, at=NOW)

    @pytest.mark.parametrize(
        ("table", "columns"),
        [
            ("scorecardnote", {"author_id": "revops", "written_at": NOW, "text": "x"}),
            ("scorecardprivatenote", {"author_id": "ae", "written_at": NOW, "text": "x"}),
            ("scorecardprivatenote", {"author_id": "outside_manager", "written_at": NOW, "text": "x"}),
            (
                "scorecardaction",
                {
                    "text": "x",
                    "owner_id": "second_ae",
                    "due_on": NOW.date(),
                    "agreed_by_id": "manager",
                    "agreed_at": NOW,
                },
            ),
        ],
    )
    def test_the_database_refuses_words_of_others(self, closed: Cast, table: str, columns: dict) -> None:
        row = {
            name: getattr(closed, value).pk if name.endswith("_id") else value
            for name, value in columns.items()
        }
        row["scorecard_id"] = card_of_ae(closed).pk
        with pytest.raises(DatabaseError, match=r"only the|agreed by"), transaction.atomic():
            with connection.cursor() as cursor:
                cursor.execute(
                    f"INSERT INTO scorecards_{table} ({', '.join(row)}) VALUES ({', '.join(['%s'] * len(row))})",
                    list(row.values()),
                )


@pytest.fixture
def secret(closed: Cast) -> ScorecardPrivateNote:
    return cards.write_private_note(
        rep=closed.rep(closed.ae), month=OCTOBER, author=closed.manager, text=SECRET, at=NOW
    )


class TestPrivateNotes:
    def test_a_rep_keeps_none(self, closed: Cast) -> None:
        with pytest.raises(cards.UnableToWrite):
            cards.write_private_note(
                rep=closed.rep(closed.ae), month=OCTOBER, author=closed.ae, text="x", at=NOW
            )

    def test_are_on_the_managers_own_page(
        self, closed: Cast, secret: ScorecardPrivateNote, client: Client
    ) -> None:
        client.force_login(closed.manager)
        address = reverse("scorecards:scorecard_of", args=[closed.rep(closed.ae).pk, "2026-10"])
        assert SECRET in client.get(address).content.decode()
        api = client.get(reverse("api:scorecard", args=[closed.rep(closed.ae).pk, "2026-10"]))
        assert [one["text"] for one in api.json()["private_notes"]] == [SECRET]

    @pytest.mark.parametrize("part", ["ae", "revops", "second_ae", "finance"])
    def test_are_nowhere_that_anybody_else_can_look(
        self, closed: Cast, secret: ScorecardPrivateNote, client: Client, part: str
    ) -> None:
        user: User = getattr(closed, part)
        client.force_login(user)
        rep = closed.rep(closed.ae).pk
        addresses = [
            reverse("scorecards:scorecard_of", args=[rep, "2026-10"]),
            reverse("scorecards:own") + "?month=2026-10",
            reverse("scorecards:list"),
            reverse("api:scorecard", args=[rep, "2026-10"]),
            reverse("api:scorecards"),
            reverse("portal:search") + "?q=Ready+to+lead",
            reverse("portal:home"),
            reverse("audit:log"),
        ]
        for address in addresses:
            assert SECRET not in client.get(address).content.decode(), address

    def test_are_in_no_file_and_no_notification_and_no_audit_entry(
        self, closed: Cast, secret: ScorecardPrivateNote
    ) -> None:
        row = card_of_ae(closed)
        written = json.dumps(data_of(from_json(row.copy), closed.rep(closed.ae), row))
        assert SECRET not in written
        entries = AuditEntry.objects.filter(verb="scorecards.private_note.written")
        assert entries.count() == 1
        assert SECRET not in str(list(AuditEntry.objects.values()))
        assert SECRET not in str(list(Notification.objects.values()))
        assert SECRET not in str(list(ScorecardNote.objects.values()))


class TestPages:
    def test_an_action_is_agreed_and_done_on_the_page(self, closed: Cast, client: Client) -> None:
        client.force_login(closed.manager)
        rep = closed.rep(closed.ae).pk
        given = {"text": "Send the security pack", "owner": "rep", "due_on": "2030-11-20"}
        assert client.post(reverse("scorecards:action", args=[rep, "2026-10"]), given).status_code == 302
        action = ScorecardAction.objects.get()
        client.force_login(closed.ae)
        text = client.get(reverse("scorecards:scorecard_of", args=[rep, "2026-11"])).content.decode()
        assert "Agreed before" in text
        assert "Send the security pack" in text
        done = {"outcome": "done", "shown": "2026-11"}
        answer = client.post(reverse("scorecards:action_close", args=[action.pk]), done)
        assert answer.url == reverse("scorecards:scorecard_of", args=[rep, "2026-11"])
        assert ScorecardAction.objects.open().count() == 0

    def test_a_refused_action_keeps_what_was_typed(self, closed: Cast, client: Client) -> None:
        client.force_login(closed.manager)
        given = {"text": "Send the security pack", "owner": "rep", "due_on": "2020-01-01"}
        address = reverse("scorecards:action", args=[closed.rep(closed.ae).pk, "2026-10"])
        answer = client.post(address, given)
        assert answer.status_code == 400
        assert "Send the security pack" in answer.content.decode()
        assert "a day that is not over" in answer.content.decode()

    @pytest.mark.parametrize("part", ["ae", "manager", "revops"])
    def test_the_pdf_is_the_card_and_its_taking_is_recorded(
        self, closed: Cast, client: Client, part: str
    ) -> None:
        client.force_login(getattr(closed, part))
        address = reverse("scorecards:card_pdf", args=[closed.rep(closed.ae).pk, "2026-10"])
        first, again = client.post(address), client.post(address)
        assert first.content.startswith(b"%PDF")
        assert first.content == again.content
        assert AuditEntry.objects.filter(verb="scorecards.scorecard.downloaded").count() == 2
        assert client.get(address).status_code == 405

    @pytest.mark.parametrize("month", ["2027-01", "2020-01"])
    def test_a_month_that_is_none_of_theirs_has_no_pdf(
        self, closed: Cast, client: Client, month: str
    ) -> None:
        client.force_login(closed.ae)
        address = reverse("scorecards:card_pdf", args=[closed.rep(closed.ae).pk, month])
        assert client.post(address).status_code == 404

    @pytest.mark.parametrize("month", ["2030-01", "2020-01"])
    @pytest.mark.parametrize(
        "name", ["scorecards:note", "scorecards:action", "api:card_notes", "api:card_actions"]
    )
    def test_nothing_is_written_about_a_month_that_is_none_of_theirs(
        self, closed: Cast, client: Client, name: str, month: str
    ) -> None:
        client.force_login(closed.ae)
        given = {"text": "Early", "owner": "rep", "due_on": "2031-01-01"}
        address = reverse(name, args=[closed.rep(closed.ae).pk, month])
        assert client.post(address, given).status_code == 404
        assert Scorecard.objects.exclude(month_on=OCTOBER.start).count() == 0


class TestApi:
    @pytest.fixture
    def post(self, client: Client) -> Callable[..., Any]:
        def post(caller: User, name: str, *args: Any, **body: Any) -> Any:
            client.force_login(caller)
            return client.post(reverse(f"api:{name}", args=args), body, content_type="application/json")

        return post

    def test_a_card_is_read_talked_about_and_signed(
        self, closed: Cast, client: Client, post: Callable[..., Any]
    ) -> None:
        rep = closed.rep(closed.ae).pk
        here = (rep, "2026-10")
        assert post(closed.ae, "card_notes", *here, text="A fair month.").status_code == 201
        made = post(closed.manager, "card_actions", *here, text="Listen", owner="rep", due_on="2030-01-01")
        assert made.status_code == 201
        closing = post(closed.ae, "card_action_close", made.json()["id"], outcome="done")
        assert closing.json()["outcome"] == "done"
        card = client.get(reverse("api:scorecard", args=here)).json()
        assert [one["text"] for one in card["notes"]] == ["A fair month."]
        assert card["private_notes"] == []
        fingerprint = card["fingerprint"]
        signed = post(closed.ae, "card_sign", *here, fingerprint=fingerprint)
        assert (signed.status_code, signed.json()["signed_as"]) == (201, "rep")
        assert post(closed.ae, "card_sign", *here, fingerprint=fingerprint).status_code == 409
        assert post(closed.manager, "card_sign", *here, fingerprint="0" * 64).status_code == 409
        assert post(closed.manager, "card_sign", *here).status_code == 400
        forged = {"fingerprint": fingerprint, "signed_as": "rep", "user": closed.ae.pk}
        assert post(closed.manager, "card_sign", *here, **forged).json()["signed_as"] == "manager"
        assert post(closed.second_ae, "card_sign", *here, fingerprint=fingerprint).status_code == 404
        assert post(closed.revops, "card_sign", *here, fingerprint=fingerprint).status_code == 403

    @pytest.mark.parametrize(
        ("part", "names"),
        [
            ("ae", {"Ae"}),
            ("manager", {"Ae", "Second Ae", "Am", "Sdr", "Teammate"}),
            ("outside_manager", {"Outsider"}),
        ],
    )
    def test_the_list_is_within_ones_scope(
        self, closed: Cast, client: Client, part: str, names: set[str]
    ) -> None:
        client.force_login(getattr(closed, part))
        found = client.get(reverse("api:scorecards"), {"month": "2026-10"}).json()
        assert {one["name"] for one in found["cards"]} == names
        assert {one["state"] for one in found["cards"]} == {"frozen"}

    def test_the_metrics_say_where_they_are_used(self, closed: Cast, client: Client) -> None:
        client.force_login(closed.ae)
        found = {one["key"]: one for one in client.get(reverse("api:metrics")).json()}
        assert "Ranking: 30 % of the index" in found["revenue_won"]["used_in"]
        assert "Quota: Amount won" in found["revenue_won"]["used_in"]
