"""People for RevOps: make, change, let go; and what that does to open sessions."""

import pytest
from django.core import mail
from django.urls import reverse

from apps.accounts.models import Role, User
from apps.accounts.services import people as services
from apps.audit.models import AuditEntry
from apps.core.errors import InvalidInput
from tests.cast import NOW, PASSWORD, Cast


def person(user: User, act: str = "") -> str:
    return reverse(f"accounts:person{act}", args=[user.pk])


NEW = {
    "name": "Ida Thorsen",
    "email": "Ida.Thorsen@Larkfield.example",
    "role": "ae",
    "time_zone": "Europe/Copenhagen",
    "password": "",
}


class TestPeoplePage:
    def test_lists_who_may_sign_in(self, cast: Cast, client):
        services.deactivate(person=cast.outsider, at=NOW, actor=cast.revops)
        client.force_login(cast.revops)
        names = {one.name for one in client.get(reverse("accounts:people")).context["page"].rows}
        assert "Sdr" in names
        assert "Outsider" not in names
        left = client.get(reverse("accounts:people") + "?state=left").context["page"].rows
        assert [one.name for one in left] == ["Outsider"]

    def test_narrows_by_role_and_name(self, cast, client):
        client.force_login(cast.revops)
        rows = client.get(reverse("accounts:people") + "?role=ae&q=second").context["page"].rows
        assert [one.name for one in rows] == ["Second Ae"]

    def test_takes_any_address_bar(self, cast, client):
        client.force_login(cast.revops)
        for query in ("?role=king", "?after=%00", "?after=WzFd", "?q=" + "x" * 500, "?state=5"):
            assert client.get(reverse("accounts:people") + query).status_code == 200

    @pytest.mark.parametrize("part", ["sdr", "ae", "am", "manager", "finance", "marketing"])
    def test_is_for_revops_alone(self, cast, client, part):
        client.force_login(getattr(cast, part))
        for url in (reverse("accounts:people"), reverse("accounts:person_new"), person(cast.sdr)):
            assert client.get(url).status_code == 403
        assert client.post(person(cast.sdr, "_role"), {"role": "revops"}).status_code == 403

    def test_asks_a_bounded_number_of_statements(self, cast, client, django_assert_max_num_queries):
        client.force_login(cast.revops)
        client.get(reverse("accounts:people"))
        with django_assert_max_num_queries(8):
            client.get(reverse("accounts:people"))


class TestCreatePerson:
    def test_mails_a_link_where_no_password_is_given(self, cast, client):
        client.force_login(cast.revops)
        response = client.post(reverse("accounts:person_new"), NEW)
        made = User.objects.get(email="ida.thorsen@larkfield.example")
        assert response["Location"] == person(made)
        assert not made.has_usable_password()
        assert [message.to for message in mail.outbox] == [["ida.thorsen@larkfield.example"]]
        entry = AuditEntry.objects.get(verb="accounts.person.created")
        assert (entry.actor, entry.subject_id, entry.data) == (cast.revops, str(made.pk), {"role": "ae"})

    def test_lets_them_in_with_the_first_password(self, cast, client):
        client.force_login(cast.revops)
        client.post(reverse("accounts:person_new"), {**NEW, "password": "violet-harbour-nine"})
        assert client.login(email="ida.thorsen@larkfield.example", password="violet-harbour-nine")
        assert not mail.outbox

    @pytest.mark.parametrize(
        ("change", "says"),
        [
            ({"name": ""}, "Say the person&#x27;s name"),
            ({"email": "ida"}, "no e-mail address"),
            ({"email": "SDR@larkfield.example"}, "signs in with this address already"),
            ({"role": "king"}, "Choose one of the roles"),
            ({"password": "short"}, "too short"),
            ({"password": "password1234"}, "too common"),
            ({"password": "ida.thorsen@larkfield"}, "too similar"),
        ],
    )
    def test_says_at_the_field_what_is_wrong(self, cast, client, change, says):
        client.force_login(cast.revops)
        response = client.post(reverse("accounts:person_new"), NEW | change)
        assert response.status_code == 422
        assert says in response.content.decode()
        assert not AuditEntry.objects.exists()

    def test_takes_no_other_field(self, cast, client):
        client.force_login(cast.revops)
        client.post(reverse("accounts:person_new"), {**NEW, "is_superuser": "1", "is_active": ""})
        made = User.objects.get(email="ida.thorsen@larkfield.example")
        assert (made.is_superuser, made.is_active) == (False, True)

    def test_refuses_a_zone_that_is_not_known(self, cast):
        with pytest.raises(InvalidInput):
            services.create_person(
                name="A", email="a@b.example", role=Role.AE, time_zone="Mars/Base", at=NOW, actor=cast.revops
            )


class TestChangeRole:
    def test_bites_on_the_next_request(self, cast, client, django_user_model):
        client.force_login(cast.finance)
        assert client.get(reverse("leads:quality")).status_code == 403
        services.change_role(person=cast.finance, role=Role.MARKETING, at=NOW, actor=cast.revops)
        assert client.get(reverse("leads:quality")).status_code == 200
        services.change_role(person=cast.finance, role=Role.SDR, at=NOW, actor=cast.revops)
        assert client.get(reverse("leads:quality")).status_code == 403

    def test_is_recorded_once(self, cast, client):
        client.force_login(cast.revops)
        for _ in range(2):
            assert client.post(person(cast.sdr, "_role"), {"role": "ae"}).status_code == 302
        entry = AuditEntry.objects.get(verb="accounts.person.role_changed")
        assert entry.data == {"from": "sdr", "to": "ae"}

    def test_is_refused_for_oneself(self, cast, client):
        client.force_login(cast.revops)
        response = client.post(person(cast.revops, "_role"), {"role": "sdr"})
        assert response.status_code == 409
        cast.revops.refresh_from_db()
        assert cast.revops.role == Role.REVOPS


class TestDeactivate:
    def test_ends_open_sessions_with_the_next_request(self, cast, client):
        client.login(email=cast.ae.email, password=PASSWORD)
        assert client.get(reverse("leads:inbox")).status_code == 200
        services.deactivate(person=cast.ae, at=NOW, actor=cast.revops)
        response = client.get(reverse("leads:inbox"))
        assert response.status_code == 302
        assert response["Location"].startswith(reverse("account_login"))

    def test_refuses_sign_in_until_they_are_back(self, cast, client):
        services.deactivate(person=cast.ae, at=NOW, actor=cast.revops)
        assert not client.login(email=cast.ae.email, password=PASSWORD)
        services.reactivate(person=cast.ae, at=NOW, actor=cast.revops)
        assert client.login(email=cast.ae.email, password=PASSWORD)
        of_people = AuditEntry.objects.filter(verb__startswith="accounts.person.").order_by("pk")
        verbs = list(of_people.values_list("verb", flat=True))
        assert verbs == [
            "accounts.person.deactivated",
            "accounts.person.sign_in_refused",
            "accounts.person.reactivated",
        ]

    def test_is_refused_for_oneself(self, cast, client):
        client.force_login(cast.revops)
        assert client.post(person(cast.revops, "_deactivate")).status_code == 409
        cast.revops.refresh_from_db()
        assert cast.revops.is_active

    def test_can_be_done_from_the_page_and_undone(self, cast, client):
        client.force_login(cast.revops)
        client.post(person(cast.sdr, "_deactivate"))
        cast.sdr.refresh_from_db()
        assert not cast.sdr.is_active
        client.post(person(cast.sdr, "_reactivate"))
        cast.sdr.refresh_from_db()
        assert cast.sdr.is_active


class TestProfile:
    def test_sets_the_own_zone_and_no_other(self, cast, client):
        client.force_login(cast.ae)
        client.post(
            reverse("accounts:profile"), {"time_zone": "Asia/Tokyo", "role": "revops", "pk": cast.sdr.pk}
        )
        cast.ae.refresh_from_db()
        cast.sdr.refresh_from_db()
        assert (cast.ae.time_zone, cast.ae.role, cast.sdr.time_zone) == ("Asia/Tokyo", "ae", "Europe/Berlin")

    def test_refuses_a_zone_that_is_not_listed(self, cast, client):
        client.force_login(cast.ae)
        response = client.post(reverse("accounts:profile"), {"time_zone": "../../etc/passwd"})
        assert response.status_code == 422
        assert b"Choose a time zone from the list" in response.content
