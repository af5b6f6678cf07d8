"""Who may take a file gets one that opens, and no hostile name in it runs; generated from the table of files.

Marked ``once``: which bytes a file has is said of both databases beside each writer.
"""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.db import connection, transaction
from django.db.models import F, Value
from django.db.models.functions import Concat
from django.test import Client
from django.urls import reverse

from apps.accounts.models import User
from apps.audit.services import sealing
from apps.leads.models import Account, Lead, Opportunity
from apps.reps.models import Rep, Team
from tests.cast import NOW, assemble
from tests.permissions.downloads import DOWNLOADS, ROLES
from tests.permissions.file_ways import HOSTILE, TYPES, WAYS, Way, World, opened
from tests.permissions.routes import ROUTES
from tests.permissions.subjects import make_subjects
from tests.permissions.test_table import WHOSE, expected
from tests.portal.test_no_formula import check

pytestmark = pytest.mark.once
AT = NOW + timedelta(days=60)
CASES = [
    pytest.param(name, way, id=f"{name}-{number}-{way.form}")
    for name in sorted(WAYS)
    for number, way in enumerate(WAYS[name])
]


def test_every_file_route_says_how_to_ask_for_it() -> None:
    assert sorted(WAYS) == sorted(DOWNLOADS), "add the ways to ask for it to tests/permissions/file_ways.py"


@pytest.fixture(scope="module")
def _settled(django_db_setup: None, django_db_blocker: Any) -> Iterator[tuple[World, dict[str, Client]]]:
    """Made once for the module, inside a transaction that is rolled back; everybody signed in a moment ago."""
    with (
        django_db_blocker.unblock(),
        pytest.MonkeyPatch.context() as patch,
        time_machine.travel(AT, tick=False),
    ):
        patch.setattr(connection, "close", lambda: None)
        with transaction.atomic():
            cast = assemble()
            world = World(cast, make_subjects(cast), AT)
            sealing.seal_records(at=AT)
            clients = {part: Client() for part in ROLES}
            for part, client in clients.items():
                client.force_login(getattr(cast, part))
            yield world, clients
            transaction.set_rollback(True)
    connection.close()


@pytest.fixture
def world(_settled: tuple[World, dict[str, Client]], db: None) -> World:
    return _settled[0]


@pytest.fixture
def clients(_settled: tuple[World, dict[str, Client]], db: None) -> dict[str, Client]:
    return _settled[1]


def sent(world: World, client: Client, name: str, way: Way, whose: str) -> tuple[Any, bytes]:
    """Ask as the page or program does; the answer and its bytes."""
    route = ROUTES[name]
    kwargs = {**(route.kwargs or {}), **way.kwargs}
    if way.pk is not None:
        kwargs[route.argument] = way.pk(world)
    elif route.kind:
        kwargs[route.argument] = world.keys[route.kind][whose]
    address = reverse(name, kwargs=kwargs)
    if way.gets:
        answer = client.get(address)
    elif name.startswith("api:"):
        answer = client.post(address, way.data(world), content_type="application/json")
    else:
        answer = client.post(address, way.data(world))
    content = b"".join(answer.streaming_content) if answer.streaming else answer.content
    return answer, content


def takers(name: str) -> list[tuple[str, str]]:
    """Every role with an object of whom that the table of files lets have it."""
    return [(part, whose) for part in ROLES for whose in WHOSE if expected(ROUTES[name], part, whose) is None]


@pytest.mark.parametrize(("name", "way"), CASES)
def test_who_may_take_it_gets_a_file_that_opens(
    world: World, clients: dict[str, Client], name: str, way: Way
) -> None:
    wrong = []
    asked = set()
    for part, whose in takers(name):
        # Without an object of somebody's the answer is the same for all three.
        if (part, whose if ROUTES[name].kind and way.pk is None else "") in asked:
            continue
        asked.add((part, whose if ROUTES[name].kind and way.pk is None else ""))
        with transaction.atomic():
            answer, content = sent(world, clients[part], name, way, whose)
            transaction.set_rollback(True)
        kind = answer.headers["Content-Type"].partition(";")[0]
        if answer.status_code != 200 or kind != TYPES[way.form]:
            wrong.append(f"{part} {whose}: {answer.status_code} {kind} {content[:200]!r}")
            continue
        if "no-store" not in answer.headers["Cache-Control"]:
            wrong.append(f"{part} {whose}: {answer.headers['Cache-Control']}")
        # A calendar opens what a program asks for in place.
        assert way.form == "ics" or "attachment" in answer.headers["Content-Disposition"]
        opened(way.form, content)
    assert asked, "nobody may take it"
    assert not wrong, "\n".join(wrong)


def call_everybody(words: str) -> None:
    """Whoever and whatever has a name that a person gave bears ``words``."""
    for model, names in (
        (Rep, ["name"]), (User, ["name"]), (Lead, ["name", "company"]), (Opportunity, ["name"]), (Account, ["name"]),
    ):  # fmt: skip
        model.objects.update(**dict.fromkeys(names, words))
    # One of each name.
    Team.objects.update(name=Concat(Value(words), Value(" "), F("pk"), output_field=Team.name.field))  # type: ignore[attr-defined]


@pytest.mark.parametrize(("name", "way"), [case for case in CASES if not case.values[1].not_swept])  # type: ignore[attr-defined]
def test_no_hostile_name_in_it_runs(
    world: World, clients: dict[str, Client], tmp_path: Any, name: str, way: Way
) -> None:
    part, whose = takers(name)[0]
    for words in HOSTILE if way.pk is None else HOSTILE[:4]:
        with transaction.atomic():
            call_everybody(words)
            answer, content = sent(world, clients[part], name, way, whose)
            transaction.set_rollback(True)
        assert answer.status_code == 200, content[:300]
        for number, (form, sheet) in enumerate(opened(way.form, content)):
            path = tmp_path / f"{number}.{form}"
            path.write_bytes(sheet)
            assert check(path, form) == [], repr(words)
