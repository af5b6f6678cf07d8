"""Telling people: once for each occasion, by their own choice, and at the instant that they chose."""

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.db import connection
from hypothesis import given
from hypothesis import strategies as st

from apps.accounts import notification_kinds as kinds
from apps.accounts import selectors
from apps.accounts.models import Notification, NotificationPreference, User
from apps.accounts.notification_kinds import Kind, UnknownKind, Way
from apps.accounts.rules.digests import DIGEST_TIME, next_digest
from apps.accounts.services import notification_preferences as preferences
from apps.accounts.services import notifications as services
from apps.accounts.services.notifications import NewNotification, notify
from apps.accounts.services.people import deactivate
from apps.audit.models import AuditEntry
from apps.core.errors import InvalidInput
from tests.cast import NOW, Cast

LOUD, QUIET = "test_loud", "test_quiet"
BERLIN = ZoneInfo("Europe/Berlin")


@pytest.fixture(autouse=True)
def _two_kinds(monkeypatch: pytest.MonkeyPatch) -> None:
    """One that usually goes into the digest, one that usually goes out by no mail."""
    monkeypatch.setattr(kinds, "_KINDS", {})
    kinds.register(
        [
            Kind(LOUD, "Loud things", "Something is loud.", "loud things", Way(True, "digest")),
            Kind(QUIET, "Quiet things", "Something is quiet.", "quiet things", Way(True, "never")),
        ]
    )


def tell(user: User, key: str = "k", kind: str = LOUD, at: datetime = NOW, **more: Any) -> int:
    return notify(notifications=[NewNotification(user.pk, kind, key, f"Title {key}", **more)], at=at)


def choose(user: User, kind: str, in_portal: bool, mail: str) -> list[str]:
    return preferences.choose(person=user, ways={kind: Way(in_portal, mail)}, at=NOW)


class TestKinds:
    def test_the_same_declaration_again_is_taken(self) -> None:
        kinds.register(kinds.every_kind())
        assert [kind.key for kind in kinds.every_kind()] == [LOUD, QUIET]

    def test_two_declarations_under_one_key_are_refused(self) -> None:
        with pytest.raises(ValueError, match=LOUD):
            kinds.register([Kind(LOUD, "Others", "", "others", Way(True, "never"))])

    def test_nobody_sends_a_kind_that_nobody_declared(self, cast: Cast) -> None:
        with pytest.raises(UnknownKind):
            tell(cast.sdr, kind="unheard_of")
        assert not Notification.objects.exists()

    def test_what_was_told_of_a_kind_that_is_gone_is_still_shown(self, cast: Cast) -> None:
        tell(cast.sdr)
        kinds._KINDS.clear()
        assert Notification.objects.get().shown_kind.label == "Other"

    def test_every_kind_that_is_sent_is_declared_when_the_portal_is_ready(self, monkeypatch) -> None:
        from django.apps import apps

        from apps.slas.notification_kinds import KINDS

        apps.get_app_config("slas").ready()
        assert {kind.key for kind in KINDS} <= {kind.key for kind in kinds.every_kind()}
        assert all(kind.usual.mail in NotificationPreference.Mail.values for kind in KINDS)
        longest = Notification._meta.get_field("kind").max_length or 0
        assert all(len(kind.key) <= longest for kind in KINDS)


class TestNextDigest:
    @pytest.mark.parametrize(
        ("at", "zone", "goes_out"),
        [
            # Thursday 10:42 in Berlin: tomorrow.
            (NOW, "Europe/Berlin", datetime(2026, 11, 13, 7, 30, tzinfo=UTC)),
            # Thursday 04:42 in New York: today.
            (NOW, "America/New_York", datetime(2026, 11, 12, 13, 30, tzinfo=UTC)),
            # On the instant itself: the next one.
            (datetime(2026, 11, 12, 7, 30, tzinfo=UTC), "Europe/Berlin", datetime(2026, 11, 13, 7, 30, tzinfo=UTC)),
            # Friday after the digest and Saturday: Monday.
            (datetime(2026, 11, 13, 9, tzinfo=UTC), "Europe/Berlin", datetime(2026, 11, 16, 7, 30, tzinfo=UTC)),
            (datetime(2026, 11, 14, 3, tzinfo=UTC), "Europe/Berlin", datetime(2026, 11, 16, 7, 30, tzinfo=UTC)),
            # The clocks go back on Sunday, 25 October: an hour later in UTC.
            (datetime(2026, 10, 23, 9, tzinfo=UTC), "Europe/Berlin", datetime(2026, 10, 26, 7, 30, tzinfo=UTC)),
            (datetime(2026, 10, 22, 9, tzinfo=UTC), "Europe/Berlin", datetime(2026, 10, 23, 6, 30, tzinfo=UTC)),
            # Friday evening in UTC is Saturday in Auckland.
            (datetime(2026, 11, 13, 18, tzinfo=UTC), "Pacific/Auckland", datetime(2026, 11, 15, 19, 30, tzinfo=UTC)),
        ],
    )  # fmt: skip
    def test_is_half_past_eight_of_the_persons_next_weekday(
        self, at: datetime, zone: str, goes_out: datetime
    ) -> None:
        assert next_digest(at, ZoneInfo(zone)) == goes_out

    def test_reads_an_instant_in_whatever_zone_it_is_given(self) -> None:
        assert next_digest(NOW.astimezone(BERLIN), BERLIN) == next_digest(NOW, BERLIN)

    @given(
        at=st.datetimes(datetime(2020, 1, 1), datetime(2035, 1, 1), timezones=st.just(UTC)),
        zone=st.sampled_from(["Europe/Berlin", "America/St_Johns", "Pacific/Apia", "Asia/Kathmandu", "UTC"]),
    )
    def test_is_the_first_weekday_morning_behind_any_instant(self, at: datetime, zone: str) -> None:
        goes_out = next_digest(at, ZoneInfo(zone))
        local = goes_out.astimezone(ZoneInfo(zone))
        assert (local.time(), local.weekday() < 5) == (DIGEST_TIME, True)
        assert at < goes_out <= at + timedelta(days=3, hours=2)
        assert next_digest(goes_out - timedelta(seconds=1), ZoneInfo(zone)) == goes_out


class TestNotify:
    def test_tells_each_occasion_once(self, cast: Cast) -> None:
        assert tell(cast.sdr) == 1
        tell(cast.sdr, at=NOW + timedelta(hours=1))
        tell(cast.teammate)
        tell(cast.sdr, key="other")
        assert Notification.objects.filter(user=cast.sdr).count() == 2
        assert Notification.objects.get(user=cast.sdr, key="k").at == NOW

    def test_the_usual_way_holds_for_whoever_chose_nothing(self, cast: Cast) -> None:
        tell(cast.sdr, key="loud")
        tell(cast.sdr, key="quiet", kind=QUIET)
        due = dict(Notification.objects.values_list("key", "mail_due_at"))
        assert due == {"loud": next_digest(NOW, BERLIN), "quiet": None}
        assert Notification.objects.filter(in_portal=True).count() == 2

    @pytest.mark.parametrize(
        ("in_portal", "mail", "told"),
        [
            (True, "never", (True, None)),
            (True, "at_once", (True, NOW)),
            (False, "at_once", (False, NOW)),
            (False, "digest", (False, next_digest(NOW, BERLIN))),
            (False, "never", None),
        ],
    )
    def test_does_as_the_person_chose(self, cast: Cast, in_portal: bool, mail: str, told: Any) -> None:
        choose(cast.sdr, LOUD, in_portal, mail)
        tell(cast.sdr)
        rows = list(Notification.objects.values_list("in_portal", "mail_due_at"))
        assert rows == ([] if told is None else [told])

    def test_one_persons_choice_is_not_anothers(self, cast: Cast) -> None:
        choose(cast.sdr, LOUD, False, "never")
        tell(cast.teammate)
        assert Notification.objects.get().user == cast.teammate

    def test_the_digest_waits_for_the_morning_where_the_person_is(self, cast: Cast) -> None:
        User.objects.filter(pk=cast.sdr.pk).update(time_zone="America/New_York")
        tell(cast.sdr)
        assert Notification.objects.get().mail_due_at == datetime(2026, 11, 12, 13, 30, tzinfo=UTC)

    def test_a_zone_that_is_no_longer_known_does_not_silence_anybody(self, cast: Cast) -> None:
        User.objects.filter(pk=cast.sdr.pk).update(time_zone="Mars/Olympus")
        tell(cast.sdr)
        assert Notification.objects.get().mail_due_at == next_digest(NOW, BERLIN)

    def test_who_has_left_is_told_nothing(self, cast: Cast) -> None:
        deactivate(person=cast.sdr, at=NOW, actor=cast.revops)
        assert tell(cast.sdr) == 0
        assert not Notification.objects.exists()

    def test_costs_the_same_for_many_as_for_one(self, cast: Cast, django_assert_num_queries: Any) -> None:
        many = [
            NewNotification(user.pk, kind, f"{number}", "Title")
            for user in cast.everyone().values()
            for kind in (LOUD, QUIET)
            for number in range(1, 4)
        ]
        # People, their choices, and the rows: 33 fit into one statement.
        with django_assert_num_queries(3):
            notify(notifications=many, at=NOW)
        assert notify(notifications=[], at=NOW) == 0


class TestPreferences:
    def test_change_is_recorded_and_the_same_again_is_not(self, cast: Cast) -> None:
        assert choose(cast.sdr, LOUD, True, "at_once") == [LOUD]
        assert choose(cast.sdr, LOUD, True, "at_once") == []
        assert choose(cast.sdr, LOUD, True, "digest") == [LOUD]
        assert NotificationPreference.objects.get().mail == "digest"
        entries = AuditEntry.objects.filter(verb="accounts.person.notifications_chosen")
        assert entries.count() == 2

    def test_the_usual_way_needs_no_row(self, cast: Cast) -> None:
        assert choose(cast.sdr, LOUD, True, "digest") == []
        assert not NotificationPreference.objects.exists()

    def test_what_is_no_longer_wanted_by_mail_leaves_the_next_digest(self, cast: Cast) -> None:
        choose(cast.sdr, QUIET, True, "digest")
        for user, kind in ((cast.sdr, LOUD), (cast.sdr, QUIET), (cast.teammate, LOUD)):
            tell(user, kind=kind, key=kind)
        choose(cast.sdr, LOUD, True, "never")
        waiting = Notification.objects.filter(mail_due_at__isnull=False)
        assert set(waiting.values_list("user", "kind")) == {(cast.sdr.pk, QUIET), (cast.teammate.pk, LOUD)}

    def test_refuses_a_way_that_there_is_not(self, cast: Cast) -> None:
        with pytest.raises(InvalidInput):
            choose(cast.sdr, LOUD, True, "by_pigeon")
        with pytest.raises(UnknownKind):
            choose(cast.sdr, "unheard_of", True, "never")


class TestRead:
    def test_is_noted_once_and_spares_the_mail(self, cast: Cast) -> None:
        tell(cast.sdr)
        found = Notification.objects.get()
        assert services.mark_read(notification=found, at=NOW + timedelta(minutes=1))
        assert not services.mark_read(notification=found, at=NOW + timedelta(minutes=2))
        assert (found.read_at, found.mail_due_at) == (NOW + timedelta(minutes=1), None)

    def test_a_mail_that_went_out_keeps_its_instant(self, cast: Cast) -> None:
        tell(cast.sdr)
        Notification.objects.update(mailed_at=NOW)
        found = Notification.objects.get()
        services.mark_read(notification=found, at=NOW)
        assert found.mail_due_at == next_digest(NOW, BERLIN)

    def test_all_are_those_that_were_on_the_list(self, cast: Cast) -> None:
        for key in ("a", "b", "later"):
            tell(cast.sdr, key=key)
        tell(cast.teammate)
        up_to = Notification.objects.get(key="b").pk
        assert services.mark_all_read(user=cast.sdr, up_to=up_to, at=NOW) == 2
        assert services.mark_all_read(user=cast.sdr, up_to=up_to, at=NOW) == 0
        unread = Notification.objects.unread()
        assert set(unread.values_list("user", "key")) == {(cast.sdr.pk, "later"), (cast.teammate.pk, "k")}

    def test_all_of_one_kind_leaves_the_others(self, cast: Cast) -> None:
        tell(cast.sdr, key="a")
        tell(cast.sdr, key="b", kind=QUIET)
        up_to = Notification.objects.latest("pk").pk
        services.mark_all_read(user=cast.sdr, up_to=up_to, kind=QUIET, at=NOW)
        assert Notification.objects.unread().get().key == "a"


class TestUnreadCount:
    def test_counts_ones_own_in_the_portal_up_to_a_cap(self, cast: Cast, django_assert_num_queries) -> None:
        for number in range(12):
            tell(cast.sdr, key=f"{number}")
        tell(cast.teammate)
        choose(cast.sdr, LOUD, False, "at_once")
        tell(cast.sdr, key="by mail alone")
        with django_assert_num_queries(1):
            assert selectors.unread_query(cast.sdr, most=10).count() == 10
        assert selectors.unread_query(cast.sdr, most=100).count() == 12
        assert selectors.unread_query(cast.finance, most=10).count() == 0

    def test_walks_the_index_of_what_is_unread(self, cast: Cast) -> None:
        read = [
            Notification(user=cast.sdr, kind=LOUD, key=f"{number}", title="Read", at=NOW, read_at=NOW)
            for number in range(3_000)
        ]
        Notification.objects.bulk_create(read)
        tell(cast.sdr, key="unread")
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE accounts_notification")
        assert (
            "notification_unread" in Notification.objects.visible_to(cast.sdr).unread().order_by().explain()
        )
