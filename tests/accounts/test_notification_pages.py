"""The bell, the list behind it, and the choices: one's own alone, and nothing written on a GET."""

import re
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from apps.accounts import notification_kinds
from apps.accounts.models import Notification, NotificationPreference, User
from apps.accounts.services.notifications import NewNotification, notify
from apps.slas.notification_kinds import AT_RISK, OVERDUE
from tests.cast import NOW, Cast

LIST = "/people/me/notifications/"
CHOICES = reverse("accounts:notification_preferences")


def tell(user: User, *keys: str, kind: str = OVERDUE, url: str = "/styleguide/") -> None:
    for number, key in enumerate(keys):
        new = NewNotification(user.pk, kind, key, f"Title {key}", "Promised.", url)
        notify(notifications=[new], at=NOW + timedelta(minutes=number))


def of(key: str) -> Notification:
    return Notification.objects.get(key=key)


@pytest.fixture
def client(cast: Cast, client: Client) -> Client:
    client.force_login(cast.sdr)
    return client


def rows(client: Client, query: str = "") -> list[str]:
    return [one.key for one in client.get(LIST + query).context["page"].rows]


def bell(response: Any) -> str:
    """What the bell says to who cannot see it."""
    found = re.search(r'id="bell"[^>]*aria-label="([^"]*)"', response.content.decode())
    return found.group(1) if found else ""


class TestBell:
    @pytest.mark.parametrize(
        ("count", "says"), [(0, "none unread"), (1, "1 unread"), (9, "9 unread"), (10, "9+ unread")]
    )
    def test_says_how_many_are_unread_up_to_nine(
        self, cast: Cast, client: Client, count: int, says: str
    ) -> None:
        tell(cast.sdr, *(f"{number}" for number in range(count)))
        tell(cast.teammate, "not mine")
        assert bell(client.get(LIST)) == f"Notifications, {says}"

    def test_comes_anew_with_the_rails_refresh(self, cast: Cast, client: Client) -> None:
        first = client.get(reverse("portal:places"))
        assert bell(first) == "Notifications, none unread"
        again = client.get(reverse("portal:places"), headers={"If-None-Match": first["ETag"]})
        assert again.status_code == 204
        tell(cast.sdr, "a")
        later = client.get(reverse("portal:places"), headers={"If-None-Match": first["ETag"]})
        assert (later.status_code, bell(later)) == (200, "Notifications, 1 unread")

    def test_is_not_shown_to_who_is_not_signed_in(self, client: Client) -> None:
        client.logout()
        assert bell(client.get(reverse("account_login"))) == ""

    def test_costs_one_statement(self, cast: Cast, client: Client, django_assert_num_queries: Any) -> None:
        client.force_login(cast.finance)
        client.get(CHOICES)
        # Session, user, the rail's one figure for finance, the page's own choices; and the bell's.
        with django_assert_num_queries(5):
            client.get(CHOICES)


class TestList:
    def test_shows_ones_own_newest_first(self, cast: Cast, client: Client) -> None:
        tell(cast.sdr, "a", "b", "c")
        tell(cast.teammate, "not mine")
        assert rows(client) == ["c", "b", "a"]

    def test_narrows_to_the_unread_and_to_a_kind(self, cast: Cast, client: Client) -> None:
        tell(cast.sdr, "a", "b")
        tell(cast.sdr, "risk", kind=AT_RISK)
        Notification.objects.filter(key="b").update(read_at=NOW)
        assert rows(client, "?show=unread") == ["risk", "a"]
        assert rows(client, f"?kind={AT_RISK}") == ["risk"]
        assert len(rows(client, "?kind=unheard_of")) == 3

    def test_pages_by_key(self, cast: Cast, client: Client, django_assert_max_num_queries: Any) -> None:
        tell(cast.sdr, *(f"{number:02}" for number in range(35)))
        first = client.get(LIST).context["page"]
        with django_assert_max_num_queries(8):
            second = client.get(LIST, {"after": first.next_after})
        assert [one.key for one in second.context["page"].rows] == ["04", "03", "02", "01", "00"]
        # What stands on the first page is not on this one: there is nothing to mark all of.
        assert 'name="up_to"' not in second.content.decode()

    def test_what_is_mailed_alone_does_not_stand_here(self, cast: Cast, client: Client) -> None:
        NotificationPreference.objects.create(user=cast.sdr, kind=OVERDUE, in_portal=False, mail="digest")
        tell(cast.sdr, "a")
        assert rows(client) == []
        assert client.post(reverse("accounts:notification_read", args=[of("a").pk])).status_code == 404

    def test_says_what_will_stand_here_while_it_is_empty(self, client: Client) -> None:
        assert "Nothing yet" in client.get(LIST).content.decode()
        assert "Nothing unread" in client.get(LIST + "?show=unread").content.decode()

    def test_takes_any_address_bar(self, client: Client) -> None:
        for query in ("?after=%00", "?after=WzFd", "?kind=" + "x" * 500, "?show=5"):
            assert client.get(LIST + query).status_code == 200

    def test_a_get_writes_nothing(self, cast: Cast, client: Client) -> None:
        tell(cast.sdr, "a")
        client.get(LIST)
        for name in ("notification_open", "notification_read"):
            assert client.get(reverse(f"accounts:{name}", args=[of("a").pk])).status_code == 405
        assert client.get(reverse("accounts:notifications_read")).status_code == 405
        assert of("a").read_at is None


class TestOpening:
    def test_marks_it_read_and_goes_there(self, cast: Cast, client: Client) -> None:
        tell(cast.sdr, "a")
        response = client.post(reverse("accounts:notification_open", args=[of("a").pk]))
        assert response.headers["Location"] == "/styleguide/"
        assert of("a").read_at is not None

    @pytest.mark.parametrize(
        "url", ["https://elsewhere.example/", "//elsewhere.example/", "javascript:x", ""]
    )
    def test_never_leads_out_of_the_portal(self, cast: Cast, client: Client, url: str) -> None:
        tell(cast.sdr, "a", url=url)
        response = client.post(reverse("accounts:notification_open", args=[of("a").pk]))
        assert response.headers["Location"] == LIST

    def test_what_others_were_told_is_not_there(self, cast: Cast, client: Client) -> None:
        tell(cast.teammate, "a")
        for name in ("notification_open", "notification_read"):
            assert client.post(reverse(f"accounts:{name}", args=[of("a").pk])).status_code == 404
        assert of("a").read_at is None


class TestMarkingRead:
    def test_one_brings_its_row_and_the_bell(self, cast: Cast, client: Client) -> None:
        tell(cast.sdr, "a", "b")
        url = reverse("accounts:notification_read", args=[of("a").pk])
        response = client.post(url, headers={"HX-Request": "true"})
        assert bell(response) == "Notifications, 1 unread"
        assert "Title a" in response.content.decode()
        assert "Title b" not in response.content.decode()
        assert of("b").read_at is None

    def test_without_a_script_one_comes_back_to_the_list(self, cast: Cast, client: Client) -> None:
        tell(cast.sdr, "a")
        response = client.post(reverse("accounts:notification_read", args=[of("a").pk]))
        assert response.headers["Location"] == LIST

    def test_all_are_those_that_were_shown(self, cast: Cast, client: Client) -> None:
        tell(cast.sdr, "a", "b")
        shown = re.search(r'name="up_to" value="(\d+)"', client.get(LIST).content.decode())
        assert shown
        tell(cast.sdr, "later")
        client.post(reverse("accounts:notifications_read"), {"up_to": shown.group(1)})
        assert Notification.objects.unread().get().key == "later"

    @pytest.mark.parametrize("up_to", ["", "0", "-1", "x", "9" * 30])
    def test_refuses_what_is_no_list(self, cast: Cast, client: Client, up_to: str) -> None:
        tell(cast.sdr, "a")
        response = client.post(reverse("accounts:notifications_read"), {"up_to": up_to}, follow=True)
        assert "out of date" in response.content.decode()
        assert of("a").read_at is None


class TestChoices:
    def all_of(self, **changed: str) -> dict[str, str]:
        usual: dict[str, str] = {}
        for kind in notification_kinds.every_kind():
            usual[f"{kind.key}-mail"] = kind.usual.mail
            if kind.usual.in_portal:
                usual[f"{kind.key}-in_portal"] = "on"
        return {**usual, **changed}

    def test_begin_with_the_usual_way_and_keep_what_was_chosen(self, cast: Cast, client: Client) -> None:
        form = client.get(CHOICES).context["form"]
        assert (form[f"{AT_RISK}-mail"].value(), form[f"{OVERDUE}-mail"].value()) == ("never", "digest")
        data = self.all_of(**{f"{OVERDUE}-mail": "at_once"})
        del data[f"{OVERDUE}-in_portal"]
        assert client.post(CHOICES, data).status_code == 302
        chosen = NotificationPreference.objects.get()
        assert (chosen.user, chosen.kind, chosen.in_portal, chosen.mail) == (
            cast.sdr, OVERDUE, False, "at_once",
        )  # fmt: skip
        form = client.get(CHOICES).context["form"]
        assert (form[f"{OVERDUE}-mail"].value(), form[f"{OVERDUE}-in_portal"].value()) == ("at_once", False)

    def test_a_way_that_there_is_not_stands_at_its_field(self, client: Client) -> None:
        response = client.post(CHOICES, self.all_of(**{f"{OVERDUE}-mail": "by_pigeon"}))
        assert response.status_code == 422
        assert list(response.context["form"].errors) == [f"{OVERDUE}-mail"]
        assert not NotificationPreference.objects.exists()

    def test_an_empty_form_is_refused_and_writes_nothing(self, client: Client) -> None:
        assert client.post(CHOICES, {}).status_code == 422
        assert not NotificationPreference.objects.exists()
