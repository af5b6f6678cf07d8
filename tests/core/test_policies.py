"""A route says who may take it; one that says nothing is refused."""

from dataclasses import dataclass

import pytest
from django.contrib.auth.models import AnonymousUser
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpResponse
from django.test import RequestFactory
from rules.predicates import Predicate

from apps.accounts.models import User
from apps.core import policies
from apps.core.http import PrivateByDefaultMiddleware
from apps.core.policies import PUBLIC, SIGNED_IN, Policy, guarded, policy_of, visible_or_404

IS_ADA = Predicate(lambda user: user.name == "Ada", name="is_ada")
OWNS = Predicate(lambda user, subject: subject.owner == user.name, name="owns")
ADAS = Policy("test.adas", "Only Ada.", roles=IS_ADA, on=OWNS)


@dataclass
class Person:
    name: str
    is_active: bool = True
    is_authenticated: bool = True


@dataclass
class Thing:
    owner: str


ada, ben, gone = Person("Ada"), Person("Ben"), Person("Ada", is_active=False)


class TestPolicy:
    @pytest.mark.parametrize(
        ("policy", "user", "admitted"),
        [
            (PUBLIC, AnonymousUser(), True),
            (SIGNED_IN, AnonymousUser(), False),
            (SIGNED_IN, ben, True),
            (SIGNED_IN, gone, False),
            (ADAS, ada, True),
            (ADAS, ben, False),
            (ADAS, gone, False),
            (ADAS, AnonymousUser(), False),
        ],
    )
    def test_admits_by_role(self, policy, user, admitted):
        assert policy.admits(user) is admitted

    @pytest.mark.parametrize(
        ("user", "owner", "allowed"),
        [(ada, "Ada", True), (ada, "Ben", False), (ben, "Ben", False), (gone, "Ada", False)],
    )
    def test_allows_by_role_and_object(self, user, owner, allowed):
        assert ADAS.allows(user, Thing(owner)) is allowed

    def test_says_who_may_when_it_refuses(self):
        with pytest.raises(PermissionDenied, match=r"Only Ada\."):
            ADAS.check(ada, Thing("Ben"))


class TestGuarded:
    def view(self, policy):
        return guarded(policy)(lambda request: HttpResponse("in"))

    def request(self, user, **headers):
        request = RequestFactory().get("/place/?a=1")
        request.user = user
        request.htmx = bool(headers)
        return request

    def test_lets_in_whom_the_policy_admits(self):
        assert self.view(ADAS)(self.request(ada)).content == b"in"

    def test_forbids_the_rest(self):
        with pytest.raises(PermissionDenied):
            self.view(ADAS)(self.request(ben))

    def test_sends_strangers_to_sign_in_and_back(self):
        response = self.view(ADAS)(self.request(AnonymousUser()))
        assert response.status_code == 302
        assert response["Location"].endswith("?next=/place/%3Fa%3D1")

    def test_lets_the_whole_page_go_to_sign_in_when_a_fragment_was_asked_for(self):
        response = self.view(ADAS)(self.request(AnonymousUser(), htmx=True))
        assert (response.status_code, response["HX-Refresh"]) == (401, "true")

    def test_a_public_view_asks_nothing(self):
        assert self.view(PUBLIC)(self.request(AnonymousUser())).content == b"in"

    def test_can_be_read_off_the_view(self):
        assert policy_of(self.view(ADAS)) is ADAS
        assert policy_of(lambda request: None) is None


class TestPrivateByDefault:
    middleware = PrivateByDefaultMiddleware(lambda request: HttpResponse())

    def test_refuses_a_view_without_a_policy(self):
        with pytest.raises(PermissionDenied, match="declares no policy"):
            self.middleware.process_view(None, lambda request: HttpResponse(), (), {})

    def test_passes_one_with_a_policy(self):
        assert (
            self.middleware.process_view(None, guarded(ADAS)(lambda request: HttpResponse()), (), {}) is None
        )

    def test_keeps_answers_out_of_shared_caches(self):
        assert self.middleware(None)["Cache-Control"] == "no-store, private"

    def test_leaves_a_view_its_own_word_on_caching(self):
        def cached(request):
            return HttpResponse(headers={"Cache-Control": "public, max-age=60"})

        assert PrivateByDefaultMiddleware(cached)(None)["Cache-Control"] == "public, max-age=60"


class TestVisibleOr404:
    @pytest.mark.parametrize("pk", [0, -1, 10**30, "x", None])
    def test_is_404_for_what_is_not_there_or_is_no_key(self, db, pk):
        with pytest.raises(Http404):
            visible_or_404(User.objects.all(), pk=pk)

    def test_finds_what_is_in_scope(self, db):
        user = User.objects.create_user("a@b.example", name="A", role="ae")
        assert visible_or_404(User.objects.all(), pk=user.pk) == user
        with pytest.raises(Http404):
            visible_or_404(User.objects.exclude(pk=user.pk), pk=user.pk)


class TestDeniedUnlessDeclared:
    def test_refuses_an_api_view_without_a_policy(self):
        gate = policies.DeniedUnlessDeclared()
        request = RequestFactory().get("/")
        request.user = ada
        assert not gate.has_permission(request, object())
        assert gate.has_permission(request, type("View", (), {"policy": ADAS})())
        assert not gate.has_object_permission(request, type("View", (), {"policy": ADAS})(), Thing("Ben"))
