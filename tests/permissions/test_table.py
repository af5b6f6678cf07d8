"""The permission table: role × route × own, team's and foreign object, over the URL resolver.

``ROUTES`` is the expectation, written by hand from the product brief (section 1) and not from the
code. Each route of the resolver needs a row here; each row is knocked on by everybody in the cast and
by somebody who is not signed in. Out of scope is 404; a role or an act that is not allowed is 403.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import pytest
from django.db import connection, transaction
from django.http import HttpRequest, HttpResponse
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, reverse

from salesportal import urls
from tests.cast import assemble
from tests.permissions.routes import ROUTES, Route
from tests.permissions.subjects import EVERYBODY, SEEN, make_subjects

WHOSE = ("own", "team", "foreign")


def named_routes(patterns: list[Any], space: str = "") -> Iterator[tuple[str, URLPattern]]:
    for pattern in patterns:
        if isinstance(pattern, URLResolver):
            inside = f"{space}{pattern.namespace}:" if pattern.namespace else space
            yield from named_routes(pattern.url_patterns, inside)
        else:
            yield f"{space}{pattern.name}", pattern


ALL = dict(named_routes(get_resolver().url_patterns))


def knock(client: Client, address: str, *, known: dict[str, str]) -> int:
    """The status of a GET, or of an empty POST where the address takes only POST; leaves no trace.

    ``known`` keeps the method that an address takes: it is the same for everybody.
    """
    cookies = client.cookies.copy()
    with transaction.atomic():
        if known.get(address) != "post":
            response = client.get(address)
            if response.status_code == 405:
                known[address] = "post"
        if known.get(address) == "post":
            response = client.post(address, {})
        transaction.set_rollback(True)
    client.cookies = cookies
    return response.status_code


def expected(route: Route, part: str, whose: str | None) -> int | None:
    """401, 403 or 404 where the table refuses; ``None`` where the door opens."""
    if part not in route.admits:
        return 403
    if whose is None or route.kind is None:
        return None
    if part not in getattr(SEEN[route.kind], whose):
        return 404
    if route.acts is not None and part not in getattr(route.acts, whose):
        return 403
    return None


def at_the_door(outcomes: dict[str, int | None]) -> list[str]:
    """Everybody. On a second database only one of each outcome: whom a rule refuses is no matter of the database."""
    if connection.vendor == "sqlite":
        return list(outcomes)
    return list({outcome: part for part, outcome in outcomes.items()}.values())


def test_every_route_of_the_resolver_has_a_row_and_every_row_a_route() -> None:
    assert sorted(ALL) == sorted(ROUTES)


def _refused(status: int, request: HttpRequest, exception: Exception) -> HttpResponse:
    return HttpResponse(status=status)


@dataclass
class Neighbourhood:
    """Everybody with a signed-in client each, and the keys of the objects they knock with."""

    clients: dict[str, Client]
    keys: dict[str, dict[str, Any]]


@pytest.fixture(scope="module")
def _settled(django_db_setup: None, django_db_blocker: Any) -> Iterator[Neighbourhood]:
    """Made once for the module, inside a transaction that is rolled back when the module is over."""
    with django_db_blocker.unblock(), pytest.MonkeyPatch.context() as patch:
        # The end of each test closes the connection, which would end the transaction around the module.
        patch.setattr(connection, "close", lambda: None)
        # Thousands are refused here; the page that tells them so is drawn in tests/portal.
        for status in (403, 404):
            patch.setattr(urls, f"handler{status}", partial(_refused, status), raising=False)
        with transaction.atomic():
            cast = assemble()
            keys = make_subjects(cast)
            clients = {part: Client() for part in cast.everyone()}
            for part, user in cast.everyone().items():
                clients[part].force_login(user)
            yield Neighbourhood(clients, keys)
            transaction.set_rollback(True)
    connection.close()


@pytest.fixture
def neighbourhood(_settled: Neighbourhood, db: None) -> Neighbourhood:
    return _settled


@pytest.mark.parametrize("name", sorted(ROUTES))
def test_each_door_opens_to_whom_the_table_says(neighbourhood: Neighbourhood, name: str) -> None:
    route = ROUTES[name]
    assert set(neighbourhood.clients) == EVERYBODY
    keys = neighbourhood.keys[route.kind] if route.kind else {}
    doors: list[tuple[str | None, str]] = (
        [
            (whose, reverse(name, kwargs={route.argument: keys[whose], **(route.kwargs or {})}))
            for whose in WHOSE
        ]
        if route.kind
        else [(None, reverse(name, kwargs=route.kwargs or None))]
    )
    wrong = []
    known: dict[str, str] = {}
    for whose, address in doors:
        status = knock(Client(), address, known=known)
        if route.public:
            if status in (401, 403, 404) or status >= 500:
                wrong.append(f"nobody at {address}: {status}")
        elif status not in (302, 401, 403):
            wrong.append(f"nobody at {address}: {status}, though a sign-in is needed")
        outcomes = {
            part: None if route.public else expected(route, part, whose) for part in neighbourhood.clients
        }
        for part in at_the_door(outcomes):
            wanted = outcomes[part]
            status = knock(neighbourhood.clients[part], address, known=known)
            opened = status < 500 and status not in (401, 403, 404)
            if (wanted is None and not opened) or (wanted is not None and status != wanted):
                wrong.append(f"{part} at {whose or ''} {address}: {status}, wanted {wanted or 'open'}")
    assert not wrong, "\n".join(wrong)
