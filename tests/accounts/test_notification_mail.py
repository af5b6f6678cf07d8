"""Mails of what was told: one message a person, claimed before it is sent, and nothing to who has left."""

import smtplib
import threading
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.core import mail
from django.core.mail.backends.locmem import EmailBackend
from django.db import connections

from apps.accounts import notification_kinds as kinds
from apps.accounts.models import Notification, User
from apps.accounts.notification_kinds import Kind, Letter, Way
from apps.accounts.rules.digests import FLOOD
from apps.accounts.services import notification_mail as mailing
from apps.accounts.services.notification_mail import GIVE_UP_AFTER, TRY_AGAIN_AFTER, send_due
from apps.accounts.services.notifications import NewNotification, notify
from apps.accounts.services.people import deactivate
from apps.accounts.tasks import mail_notifications
from salesportal.celery import app
from tests.cast import NOW, Cast, assemble

AT_ONCE, IN_DIGEST = "test_at_once", "test_digest"
MORNING = NOW + timedelta(days=1)
"""Friday, after the digest has become due."""


@pytest.fixture(autouse=True)
def _two_kinds(monkeypatch: pytest.MonkeyPatch, settings: Any) -> None:
    settings.PORTAL_URL = "https://portal.example/"
    monkeypatch.setattr(kinds, "_KINDS", {})
    kinds.register(
        [
            Kind(AT_ONCE, "Alarms", "Something burns.", "alarms", Way(True, "at_once")),
            Kind(IN_DIGEST, "News", "Something is new.", "pieces of news", Way(True, "digest")),
        ]
    )


def tell(user: User, *keys: str, kind: str = IN_DIGEST, at: datetime = NOW) -> None:
    new = [
        NewNotification(user.pk, kind, key, f"Title {key}", body=f"Body {key}.", url=f"/leads/{key}/")
        for key in keys
    ]
    notify(notifications=new, at=at)


class _Refuses(EmailBackend):
    """A mail server that answers each message with ``error``."""

    error: Exception = smtplib.SMTPRecipientsRefused({})

    def send_messages(self, messages: Any) -> int:
        raise self.error


@pytest.fixture
def server_says(monkeypatch: pytest.MonkeyPatch) -> Callable[[Exception], None]:
    def say(error: Exception) -> None:
        backend = type("Backend", (_Refuses,), {"error": error})
        monkeypatch.setattr(mailing, "get_connection", backend)

    return say


class TestDigest:
    def test_waits_for_its_instant_and_then_goes_out_once(self, cast: Cast) -> None:
        tell(cast.sdr, "a", "b")
        assert send_due(at=NOW) == 0
        assert send_due(at=MORNING) == 1
        assert send_due(at=MORNING) == 0
        assert [message.to for message in mail.outbox] == [[cast.sdr.email]]

    def test_is_one_message_a_person_with_all_that_is_due(self, cast: Cast) -> None:
        tell(cast.sdr, "a", "b")
        tell(cast.sdr, "fire", kind=AT_ONCE)
        tell(cast.ae, "c")
        assert send_due(at=MORNING) == 2
        text = next(message.body for message in mail.outbox if message.to == [cast.sdr.email])
        assert text.index("Alarms") < text.index("Title fire") < text.index("News") < text.index("Title a")
        assert "Body b." in text
        assert "Title c" not in text
        assert "https://portal.example/leads/a/" in text

    def test_says_the_same_in_plain_text_and_in_html(self, cast: Cast) -> None:
        tell(cast.sdr, "a")
        notify(notifications=[NewNotification(cast.sdr.pk, IN_DIGEST, "x", "<b>Bold & Co</b>")], at=NOW)
        send_due(at=MORNING)
        message: Any = mail.outbox[0]
        html, mime = message.alternatives[0]
        assert mime == "text/html"
        assert 'href="https://portal.example/leads/a/"' in html
        assert "&lt;b&gt;Bold &amp; Co&lt;/b&gt;" in html
        assert "<b>Bold & Co</b>" in message.body
        assert message.subject == "Larkfield sales portal: 2 notifications"
        assert message.extra_headers["Auto-Submitted"] == "auto-generated"

    def test_a_single_one_is_named_in_the_subject_on_one_line(self, cast: Cast) -> None:
        notify(notifications=[NewNotification(cast.sdr.pk, AT_ONCE, "x", "Ada\nLovelace: late")], at=NOW)
        assert send_due(at=NOW) == 1
        assert mail.outbox[0].subject == "Larkfield sales portal: Ada Lovelace: late"

    @pytest.mark.parametrize("count", [FLOOD, FLOOD + 1])
    def test_a_flood_of_one_kind_is_one_line_that_counts_it(self, cast: Cast, count: int) -> None:
        tell(cast.sdr, *(f"{number}" for number in range(count)))
        tell(cast.sdr, "fire", kind=AT_ONCE)
        assert send_due(at=MORNING) == 1
        text = str(mail.outbox[0].body)
        flooded = count > FLOOD
        assert (f"- {count} pieces of news" in text) == flooded
        assert ("Title 0" in text) != flooded
        assert ("/people/me/notifications/?kind=test_digest" in text) == flooded
        assert "Title fire" in text
        assert not Notification.objects.to_mail(MORNING).exists()

    def test_what_was_read_in_the_portal_is_not_mailed(self, cast: Cast, client: Any) -> None:
        tell(cast.sdr, "a", "b")
        client.force_login(cast.sdr)
        client.post(f"/people/me/notifications/{Notification.objects.get(key='a').pk}/read/")
        send_due(at=MORNING)
        assert "Title b" in mail.outbox[0].body
        assert "Title a" not in mail.outbox[0].body


class TestLeavers:
    def test_get_none_and_nothing_waits_for_them(self, cast: Cast) -> None:
        tell(cast.sdr, "a")
        deactivate(person=cast.sdr, at=NOW, actor=cast.revops)
        assert send_due(at=MORNING) == 0
        User.objects.filter(pk=cast.sdr.pk).update(is_active=True)
        assert send_due(at=MORNING) == 0
        assert mail.outbox == []

    def test_who_leaves_between_finding_and_claiming_gets_none(self, cast: Cast) -> None:
        tell(cast.sdr, "a")
        deactivate(person=cast.sdr, at=NOW, actor=cast.revops)
        assert mailing._claim(cast.sdr.pk, MORNING) is None
        assert Notification.objects.get().mailed_at is None


class TestAMailServerThatRefuses:
    def test_one_person_does_not_stop_the_others_and_is_tried_again(
        self, cast: Cast, server_says: Any, monkeypatch: Any
    ) -> None:
        tell(cast.sdr, "a")
        server_says(smtplib.SMTPRecipientsRefused({cast.sdr.email: (550, b"no such person")}))
        assert send_due(at=MORNING) == 0
        one = Notification.objects.get()
        assert (one.mailed_at, one.mail_due_at) == (None, MORNING + TRY_AGAIN_AFTER)
        monkeypatch.undo()
        assert send_due(at=MORNING + TRY_AGAIN_AFTER) == 1

    def test_is_not_asked_for_ever(self, cast: Cast, server_says: Any) -> None:
        tell(cast.sdr, "a")
        server_says(smtplib.SMTPDataError(554, b"spam"))
        assert send_due(at=NOW + GIVE_UP_AFTER + TRY_AGAIN_AFTER) == 0
        one = Notification.objects.get()
        assert (one.mailed_at, one.mail_due_at) == (None, None)

    @pytest.mark.parametrize("error", [smtplib.SMTPServerDisconnected("gone"), TimeoutError("slow")])
    def test_that_goes_away_ends_the_round_and_all_stay_due(
        self, cast: Cast, server_says: Any, error: Exception
    ) -> None:
        tell(cast.sdr, "a")
        tell(cast.ae, "b")
        server_says(error)
        assert send_due(at=MORNING) == 0
        assert Notification.objects.to_mail(MORNING).count() == 2

    def test_that_cannot_be_reached_leaves_everything_unclaimed(self, cast: Cast, monkeypatch: Any) -> None:
        class Away(EmailBackend):
            def open(self) -> bool:
                raise ConnectionRefusedError

        tell(cast.sdr, "a")
        monkeypatch.setattr(mailing, "get_connection", Away)
        assert send_due(at=MORNING) == 0
        assert Notification.objects.to_mail(MORNING).count() == 1

    def test_no_address_and_no_answer_of_the_server_reaches_the_log(
        self, cast: Cast, server_says: Any, caplog: Any
    ) -> None:
        tell(cast.sdr, "a")
        server_says(smtplib.SMTPRecipientsRefused({cast.sdr.email: (550, b"no such person")}))
        send_due(at=MORNING)
        assert "SMTPRecipientsRefused" in caplog.text
        assert cast.sdr.email not in caplog.text
        assert "no such person" not in caplog.text


class TestClaims:
    def test_a_worker_that_dies_before_sending_loses_that_message_and_sends_none_twice(
        self, cast: Cast, monkeypatch: Any
    ) -> None:
        tell(cast.sdr, "a")
        tell(cast.ae, "b")
        with monkeypatch.context() as patch:
            patch.setattr(mailing, "_message", _die)
            with pytest.raises(KeyboardInterrupt):
                send_due(at=MORNING)
        assert send_due(at=MORNING) == 1
        assert Notification.objects.visible_to(cast.sdr).unread().count() == 1
        assert Notification.objects.visible_to(cast.ae).unread().count() == 1

    def test_what_becomes_due_meanwhile_is_left_to_the_next_round(self, cast: Cast, monkeypatch: Any) -> None:
        tell(cast.sdr, "a")
        read = mailing._sections

        def told_meanwhile(due: Any) -> Any:
            sections = read(due)
            tell(cast.sdr, "b", kind=AT_ONCE)
            return sections

        with monkeypatch.context() as patch:
            patch.setattr(mailing, "_sections", told_meanwhile)
            assert send_due(at=MORNING) == 0
        assert send_due(at=MORNING) == 1
        # What was told inside the round was undone with it; the rest is said whole.
        assert "Title a" in mail.outbox[0].body

    def test_a_round_is_bounded_and_the_next_one_goes_on(self, cast: Cast, monkeypatch: Any) -> None:
        monkeypatch.setattr(mailing, "PEOPLE", 2)
        for user in (cast.sdr, cast.ae, cast.manager):
            tell(user, "a")
        assert [send_due(at=MORNING) for _ in range(3)] == [2, 1, 0]

    def test_a_flood_costs_no_more_statements_than_a_few(
        self, cast: Cast, django_assert_num_queries: Any
    ) -> None:
        tell(cast.sdr, *(f"{number}" for number in range(60)))
        # Leavers, people; savepoint, the person, counts, the few kinds' rows, the claim, savepoint's end.
        with django_assert_num_queries(7):
            assert send_due(at=MORNING) == 1

    @pytest.mark.django_db(transaction=True)
    def test_four_rounds_at_once_write_to_each_person_once(self) -> None:
        cast = assemble()
        everyone = list(cast.everyone().values())
        for user in everyone:
            tell(user, "a", "b")
        together = threading.Barrier(4)
        sent: list[int] = []

        def round_() -> None:
            try:
                together.wait()
                # A person whom another round holds is skipped, so each asks until nothing is due.
                for _ in range(50):
                    sent.append(send_due(at=MORNING))
                    if not Notification.objects.to_mail(MORNING).exists():
                        return
            finally:
                connections.close_all()

        threads = [threading.Thread(target=round_) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sum(sent) == len(everyone)
        assert sorted(message.to[0] for message in mail.outbox) == sorted(user.email for user in everyone)
        assert all("Title a" in message.body and "Title b" in message.body for message in mail.outbox)


def _die(*_: Any) -> None:
    raise KeyboardInterrupt


class TestLetters:
    """A kind that has more to say than a line sends a message of its own for each notification."""

    WITH_LETTER = "test_letter"

    @pytest.fixture(autouse=True)
    def _a_kind_with_a_letter(self, _two_kinds: None) -> None:
        def letter(one: Notification) -> Letter | None:
            if one.key == "gone":
                return None
            return Letter(f"All of {one.key}", f"Text of {one.key}", f"<p>Page of {one.key}</p>")

        kinds.register(
            [Kind(self.WITH_LETTER, "Packs", "A pack.", "packs", Way(True, "at_once"), letter=letter)]
        )

    def test_goes_out_beside_what_is_told_in_lines(self, cast: Cast) -> None:
        tell(cast.sdr, "a", "b", kind=self.WITH_LETTER)
        tell(cast.sdr, "fire", kind=AT_ONCE)
        assert send_due(at=NOW) == 3
        assert send_due(at=NOW) == 0
        assert [message.subject for message in mail.outbox][:2] == ["All of a", "All of b"]
        assert str(mail.outbox[0].alternatives[0][0]) == "<p>Page of a</p>"
        assert "Title a" not in mail.outbox[2].body

    def test_one_that_has_nothing_to_say_any_more_is_not_sent(self, cast: Cast) -> None:
        tell(cast.sdr, "gone", kind=self.WITH_LETTER)
        assert send_due(at=NOW) == 0
        assert not Notification.objects.to_mail(NOW).exists()

    def test_one_that_is_refused_is_tried_again_and_gives_no_other_back(
        self, cast: Cast, server_says: Any, monkeypatch: Any
    ) -> None:
        tell(cast.sdr, "a", kind=self.WITH_LETTER)
        server_says(smtplib.SMTPDataError(550, b"no"))
        assert send_due(at=NOW) == 0
        monkeypatch.undo()
        one = Notification.objects.get()
        assert (one.mailed_at, one.mail_due_at) == (None, NOW + TRY_AGAIN_AFTER)

    def test_a_server_that_goes_away_leaves_it_due(self, cast: Cast, server_says: Any) -> None:
        tell(cast.sdr, "a", kind=self.WITH_LETTER)
        server_says(TimeoutError("slow"))
        assert send_due(at=NOW) == 0
        assert Notification.objects.to_mail(NOW).count() == 1

    def test_who_has_left_gets_none(self, cast: Cast) -> None:
        tell(cast.sdr, "a", kind=self.WITH_LETTER)
        deactivate(person=cast.sdr, at=NOW, actor=cast.revops)
        assert send_due(at=NOW) == 0


class TestSchedule:
    def test_asks_for_a_round_each_minute(self) -> None:
        entries = [
            entry for entry in app.conf.beat_schedule.values() if entry["task"] == mail_notifications.name
        ]
        assert [entry["schedule"] for entry in entries] == [60.0]

    def test_a_round_sends_what_is_due_now(self, cast: Cast) -> None:
        tell(cast.sdr, "a", kind=AT_ONCE)
        mail_notifications()
        assert len(mail.outbox) == 1
