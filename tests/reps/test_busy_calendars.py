"""A rep's own calendars: files and feeds become busy times, only what changed is written, failures are kept."""

import http.server
import json
import threading
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext

from apps.accounts.models import Notification
from apps.audit.models import AuditEntry
from apps.core.errors import InvalidInput
from apps.reps import feed_fetch
from apps.reps.feed_fetch import FeedUnreadable, Fetched
from apps.reps.models import BusyCalendar, BusyTime, Rep
from apps.reps.notification_kinds import FEED_FAILING
from apps.reps.services import busy_calendars, feeds
from apps.reps.services.busy_calendars import CalendarNameTaken, TooManyCalendars
from tests.cast import NOW, Cast

SECRET = "https://calendar.invalid/private-7f3a9c/basic.ics"


def calendar_of(*events: tuple[str, str, str], extra: str = "") -> bytes:
    """A calendar of (start, end, title) in UTC."""
    lines = ["BEGIN:VCALENDAR", "X-WR-CALNAME:Desk"]
    for number, (starts, ends, title) in enumerate(events):
        lines += ["BEGIN:VEVENT", f"UID:{number}", f"DTSTART:{starts}", f"DTEND:{ends}", f"SUMMARY:{title}"]
        lines += ["END:VEVENT"]
    return "\n".join([*lines, extra, "END:VCALENDAR"]).encode()


MONDAY = ("20261116T090000Z", "20261116T100000Z", "Review")
TUESDAY = ("20261117T090000Z", "20261117T100000Z", "Dentist")
BAD = "BEGIN:VEVENT\nUID:bad\nSUMMARY:Lunch\nDTSTART:soon\nEND:VEVENT"


def times(calendar: BusyCalendar) -> list[tuple[str, str]]:
    rows = BusyTime.objects.filter(calendar=calendar).order_by("starts_at")
    return [(f"{row.starts_at:%d %H:%M}", row.title) for row in rows]


def a_file(cast: Cast, content: bytes, name: str = "Desk") -> BusyCalendar:
    return busy_calendars.add_file(rep=cast.rep(cast.ae), name=name, content=content, at=NOW, actor=cast.ae)


def a_feed(cast: Cast) -> BusyCalendar:
    made = busy_calendars.add_feed(rep=cast.rep(cast.ae), name="Web", address=SECRET, at=NOW, actor=cast.ae)
    return BusyCalendar.objects.select_related("rep__user").get(pk=made.pk)


@pytest.mark.django_db
class TestFile:
    def test_becomes_busy_times_of_the_rep_and_names_what_it_could_not_read(self, cast):
        found = a_file(cast, calendar_of(MONDAY, TUESDAY, extra=BAD))
        found.refresh_from_db()
        assert times(found) == [("16 09:00", "Review"), ("17 09:00", "Dentist")]
        assert (found.events, found.problem_count) == (3, 1)
        assert found.problems == [{"event": "Lunch", "line": 15, "why": "Its start cannot be read."}]
        assert (found.read_at, found.reaches_to) == (NOW, NOW + timedelta(days=366))
        assert set(BusyTime.objects.filter(calendar=found).values_list("rep", flat=True)) == {
            cast.rep(cast.ae).pk
        }

    def test_read_again_writes_nothing_and_a_newer_one_writes_only_what_changed(self, cast):
        found = a_file(cast, calendar_of(MONDAY, TUESDAY))
        before = dict(BusyTime.objects.values_list("starts_at", "pk"))
        for content, came, gone in (
            (calendar_of(MONDAY, TUESDAY), 0, 0),
            (calendar_of(TUESDAY, ("20261118T090000Z", "20261118T100000Z", "New")), 1, 1),
        ):
            busy_calendars.replace_file(calendar=found, content=content, at=NOW, actor=cast.ae)
            after = dict(BusyTime.objects.values_list("starts_at", "pk"))
            assert (len(after.items() - before.items()), len(before.items() - after.items())) == (came, gone)
            before = after

    def test_a_title_alone_is_changed_in_its_row(self, cast):
        found = a_file(cast, calendar_of(MONDAY))
        row = BusyTime.objects.get()
        busy_calendars.replace_file(calendar=found, content=calendar_of((*MONDAY[:2], "Other")), at=NOW)
        assert (BusyTime.objects.get().pk, BusyTime.objects.get().title) == (row.pk, "Other")

    def test_takes_its_name_from_the_file_and_a_name_is_given_once(self, cast):
        assert a_file(cast, calendar_of(MONDAY), name="").name == "Desk"
        with pytest.raises(CalendarNameTaken) as refused:
            a_file(cast, calendar_of(TUESDAY))
        assert refused.value.field == "name"
        assert BusyTime.objects.count() == 1

    def test_what_is_no_calendar_is_refused_at_the_field_and_nothing_is_kept(self, cast):
        with pytest.raises(InvalidInput) as refused:
            a_file(cast, b"%PDF-1.7")
        assert refused.value.field == "file"
        assert not BusyCalendar.objects.exists()

    def test_at_most_five(self, cast):
        for number in range(5):
            a_file(cast, calendar_of(MONDAY), name=f"C{number}")
        with pytest.raises(TooManyCalendars):
            a_file(cast, calendar_of(MONDAY), name="C6")

    def test_removed_takes_its_busy_times_along_and_no_others(self, cast):
        one, two = a_file(cast, calendar_of(MONDAY)), a_file(cast, calendar_of(MONDAY), name="Two")
        BusyTime.objects.create(rep=one.rep, starts_at=NOW, ends_at=NOW + timedelta(hours=1))
        busy_calendars.remove(calendar=one, at=NOW, actor=cast.ae)
        busy_calendars.remove(calendar=one, at=NOW, actor=cast.ae)
        assert BusyTime.objects.filter(calendar=two).count() == 1
        assert BusyTime.objects.count() == 2
        assert AuditEntry.objects.filter(verb="reps.busy_calendar.removed").count() == 1

    def test_the_statements_do_not_grow_with_the_events(self, cast):
        def statements(count: int, name: str) -> int:
            rows = [
                (f"202611{day:02}T{hour:02}0000Z", f"202611{day:02}T{hour:02}3000Z", "Busy")
                for day in range(13, 13 + count) for hour in range(8, 16)
            ]  # fmt: skip
            with CaptureQueriesContext(connection) as seen:
                a_file(cast, calendar_of(*rows), name=name)
            return len(seen)

        assert statements(1, "small") == statements(12, "large")

    def test_no_row_is_longer_than_a_day_even_where_it_is_written_past_the_service(self, cast):
        with pytest.raises(IntegrityError), transaction.atomic():
            BusyTime.objects.create(
                rep=cast.rep(cast.ae), starts_at=NOW, ends_at=NOW + timedelta(days=1, seconds=1)
            )


@pytest.mark.django_db
class TestFeedAddress:
    @pytest.mark.parametrize(
        "address",
        [
            "",
            "calendar",
            "ftp://a.example/x.ics",
            "file:///etc/passwd",
            "https://",
            "https://a b/x",
            "http://[::1",
        ],
    )
    def test_what_is_no_address_of_the_web_is_refused_at_the_field(self, cast, address):
        with pytest.raises(InvalidInput) as refused:
            busy_calendars.add_feed(rep=cast.rep(cast.ae), name="", address=address, at=NOW)
        assert refused.value.field == "address"

    def test_a_password_in_it_is_refused(self, cast):
        with pytest.raises(InvalidInput, match="password"):
            busy_calendars.checked_address("https://kim:pw@a.example/x.ics")

    def test_webcal_is_the_web_over_tls(self):
        assert busy_calendars.checked_address(" webcal://A.example/x.ics ") == "https://A.example/x.ics"

    def test_it_is_a_secret_in_audit_and_on_sight(self, cast):
        found = a_feed(cast)
        assert found.masked_address == "https://calendar.invalid/…"
        feeds.failed(calendar=found, why="It could not be reached.", at=NOW)
        busy_calendars.remove(calendar=found, at=NOW, actor=cast.ae)
        kept = json.dumps(list(AuditEntry.objects.values_list("verb", "data")), default=str)
        assert "reps.busy_calendar.added" in kept
        assert "private-7f3a9c" not in kept
        assert "private-7f3a9c" not in str(found) + repr(found)


class Answers:
    """Stands for the web: gives one answer after the other and keeps what it was asked with."""

    def __init__(self, *answers: Any) -> None:
        self.answers, self.asked = list(answers), []

    def __call__(self, address: str, **conditions: str) -> Fetched | None:
        self.asked.append(conditions)
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer


@pytest.mark.django_db
class TestFeed:
    def test_what_could_not_be_read_is_kept_with_since_when_and_the_last_good_times_stay(self, cast):
        found = a_feed(cast)
        web = Answers(
            Fetched(calendar_of(MONDAY), etag='"1"'),
            FeedUnreadable("It answered with an error (500)."),
            Fetched(b"<html>Sign in</html>"),
            Fetched(calendar_of(TUESDAY)),
        )
        hour = timedelta(hours=1)
        results = []
        for n in range(4):
            found = BusyCalendar.objects.select_related("rep__user").get(pk=found.pk)
            ok = feeds.read_feed(calendar=found, at=NOW + n * hour, fetch=web)
            found.refresh_from_db()
            results.append((ok, found.failing_since, found.failure[:30], len(times(found)), found.read_at))
        since = NOW + hour
        assert results == [
            (True, None, "", 1, NOW),
            (False, since, "It answered with an error (500", 1, NOW),
            (False, since, "This is no calendar file: it d", 1, NOW),
            (True, None, "", 1, NOW + 3 * hour),
        ]
        assert times(found) == [("17 09:00", "Dentist")]

    def test_whose_it_is_hears_once_that_it_fails_for_hours_and_once_that_it_is_read_again(self, cast):
        found = a_feed(cast)
        good, bad = Fetched(calendar_of(MONDAY)), FeedUnreadable("It answered with an error (500).")
        heard = []
        # Read; two failures that pass; five that do not; two good ones.
        for n, answer in enumerate([good, bad, bad, good, bad, bad, bad, bad, bad, good, good]):
            found = BusyCalendar.objects.select_related("rep__user").get(pk=found.pk)
            feeds.read_feed(calendar=found, at=NOW + n * timedelta(hours=1), fetch=Answers(answer))
            heard.append(Notification.objects.filter(user=cast.ae, kind=FEED_FAILING).count())
        assert heard == [0, 0, 0, 0, 0, 0, 0, 1, 1, 2, 2]
        first, last = Notification.objects.filter(kind=FEED_FAILING).order_by("pk")
        assert first.title == "Your calendar Web cannot be read"
        assert first.body == (
            "It answered with an error (500). Its last busy times still count. Look whether its address still holds."
        )
        assert last.title == "Your calendar Web is read again"
        assert SECRET not in first.title + first.body + first.url + first.key

    def test_a_new_feed_that_was_never_read_is_told_at_once(self, cast):
        found = a_feed(cast)
        feeds.read_feed(
            calendar=found, at=NOW, fetch=Answers(FeedUnreadable("There is nothing there (404)."))
        )
        told = Notification.objects.get(user=cast.ae, kind=FEED_FAILING)
        assert "None of its busy times count yet." in told.body

    def test_an_unchanged_one_is_not_read_again_but_whole_once_a_day(self, cast):
        found = a_feed(cast)
        web = Answers(
            Fetched(calendar_of(MONDAY), '"1"', "Thu, 12 Nov 2026 09:00:00 GMT"), None, Fetched(calendar_of())
        )
        for n in (0, 1, 24):
            found = BusyCalendar.objects.select_related("rep__user").get(pk=found.pk)
            assert feeds.read_feed(calendar=found, at=NOW + timedelta(hours=n), fetch=web)
        assert web.asked == [
            {"etag": "", "last_modified": ""},
            {"etag": '"1"', "last_modified": "Thu, 12 Nov 2026 09:00:00 GMT"},
            {"etag": "", "last_modified": ""},
        ]
        assert times(found) == []

    def test_is_due_once_an_hour_and_claimed_by_one(self, cast):
        found = a_feed(cast)
        assert feeds.due(NOW) == [found.pk]
        assert feeds.claim(pk=found.pk, at=NOW) == found
        assert feeds.claim(pk=found.pk, at=NOW) is None
        assert feeds.due(NOW + timedelta(minutes=59)) == []
        assert feeds.due(NOW + timedelta(hours=1)) == [found.pk]

    def test_of_somebody_who_left_is_not_asked_for(self, cast):
        a_feed(cast)
        Rep.objects.filter(user=cast.ae).update(left_on=NOW.date())
        assert feeds.due(NOW) == []

    def test_no_web_is_asked_where_no_feed_was_configured(self, cast, monkeypatch):
        from apps.reps.tasks import read_feeds

        monkeypatch.setattr(feed_fetch, "fetch", lambda *_, **__: pytest.fail("asked the web"))
        a_file(cast, calendar_of(MONDAY))
        read_feeds()


# --- The web itself, on this machine ------------------------------------------------------------------


class _Served(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        if self.path == "/moved":
            self._say(302, b"", Location="/feed")
        elif self.path == "/inside":
            self._say(302, b"", Location="http://10.0.0.1/feed")
        elif self.path == "/round":
            self._say(302, b"", Location="/round")
        elif self.path == "/odd":
            self._say(302, b"", Location="ftp://127.0.0.1/feed")
        elif self.path == "/large":
            self._say(200, b" " * 5_100_000)
        elif self.path == "/gone":
            self._say(410, b"")
        elif self.headers.get("If-None-Match") == '"1"':
            self._say(304, b"")
        else:
            self._say(200, calendar_of(MONDAY), ETag='"1"')

    def _say(self, status: int, body: bytes, **headers: str) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        try:
            self.wfile.write(body)
        except OSError:
            pass  # whoever asked has read enough

    def log_message(self, *_: Any) -> None:
        """Silence."""


@pytest.fixture
def served() -> Iterator[str]:
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Served)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


class TestFetch:
    def test_reads_a_feed_of_an_allowed_host_with_redirects_and_unchanged(self, served, settings):
        settings.FEED_HOSTS_ALLOWED = ["127.0.0.1"]
        found = feed_fetch.fetch(f"{served}/moved")
        assert found == Fetched(calendar_of(MONDAY), '"1"')
        assert feed_fetch.fetch(f"{served}/feed", etag='"1"') is None

    @pytest.mark.parametrize(
        ("path", "why"),
        [
            ("/inside", "within a private network"),
            ("/round", "without end"),
            ("/odd", "not of the web"),
            ("/large", "larger than 5 MB"),
            ("/gone", r"nothing at the address any more \(410\)"),
        ],
    )
    def test_what_cannot_be_read_says_why_without_its_address(self, served, settings, path, why):
        settings.FEED_HOSTS_ALLOWED = ["127.0.0.1"]
        with pytest.raises(FeedUnreadable, match=why) as refused:
            feed_fetch.fetch(f"{served}{path}")
        assert "127.0.0.1" not in str(refused.value)

    def test_an_address_of_this_machine_is_refused_before_it_is_asked(self, served):
        with pytest.raises(FeedUnreadable, match="within a private network"):
            feed_fetch.fetch(f"{served}/feed")

    def test_a_name_that_leads_inside_is_refused_by_its_address(self, monkeypatch):
        for inside in ("10.1.2.3", "169.254.169.254", "::1", "::ffff:127.0.0.1", "fd00::1", "0.0.0.0"):
            found = [(0, 0, 0, "", (address, 443)) for address in ("93.184.216.34", inside)]
            monkeypatch.setattr(feed_fetch.socket, "getaddrinfo", lambda *_, found=found, **__: found)
            with pytest.raises(FeedUnreadable, match="within a private network"):
                feed_fetch.resolved("calendar.example", 443)

    def test_nobody_answering_is_a_sentence(self, settings):
        settings.FEED_HOSTS_ALLOWED = ["127.0.0.1"]
        with pytest.raises(FeedUnreadable, match="could not be reached"):
            feed_fetch.fetch("http://127.0.0.1:9/feed")

    @pytest.mark.parametrize("address", ["93.184.216.34", "2606:2800:220:1::1"])
    def test_the_open_internet_is_public(self, address):
        assert feed_fetch.is_public(address)

    @pytest.mark.parametrize(
        "address",
        [
            "127.0.0.1",
            "192.168.1.1",
            "172.16.0.1",
            "100.64.0.1",
            "224.0.0.1",
            "fe80::1%eth0",
            "2002:7f00:1::",
            "x",
        ],
    )
    def test_all_else_is_not(self, address):
        assert not feed_fetch.is_public(address)
