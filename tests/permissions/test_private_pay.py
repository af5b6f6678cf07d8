"""What a rep is paid is nobody else's: no door tells a stranger the amount, nor that there is one.

Every address of the resolver is knocked on by a peer, by a rep and a manager of another team and by marketing, with the
paid rep's own statement, line and run, by GET and by an empty POST. The amount is one that appears nowhere else.
"""

import re
from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

import pytest
import time_machine
from django.db import connection, transaction
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse

from apps.compensation.models import LedgerEntry, Statement
from apps.core.policies import policy_of
from apps.reps.models import Rep, RepRole
from tests.cast import NOW, assemble
from tests.compensation.conftest import JANUARY, Payroll, flat_plan, noon
from tests.permissions.routes import ROUTES
from tests.permissions.subjects import make_subjects
from tests.permissions.test_table import ALL

pytestmark = pytest.mark.once
AT = NOW + timedelta(days=60)
STRANGERS = ("second_ae", "outsider", "outside_manager", "marketing")
DEAL_MINOR = 112_965_351
PAID_MINOR = 4_179_718
PAID = re.compile(rb"4179718|41[,. \xa0]?797[.,]18|41[,.]797\b|41[.,]8 ?k")
# Tokens and nonces differ from one answer to the next.
_TOKENS = re.compile(rb"[A-Za-z0-9+/=_-]{24,}")


def test_the_pattern_knows_the_amount_however_it_is_written() -> None:
    for written in (b"EUR 41,797.18", b'"payable_minor":4179718', b"41797.18", b"41.797,18", b"41,797"):
        assert PAID.search(written)


Scene = tuple[dict[str, dict[str, Any]], dict[str, Client]]


@pytest.fixture(scope="module")
def _settled(django_db_setup: None, django_db_blocker: Any) -> Iterator[Scene]:
    """An AE is paid for one deal by a locked run of January; made once, and rolled back."""
    with (
        django_db_blocker.unblock(),
        pytest.MonkeyPatch.context() as patch,
        time_machine.travel(AT, tick=False),
    ):
        patch.setattr(connection, "close", lambda: None)
        with transaction.atomic():
            cast = assemble()
            payroll = Payroll(cast)
            paid = cast.rep(cast.ae)
            other = Rep.objects.create(
                name="Somebody", team=cast.other_team, role=RepRole.AE, tier=1, hired_on=date(2025, 1, 1)
            )
            plan = payroll.plan(flat_plan(rate="3.7"))
            for rep, amount in ((paid, DEAL_MINOR), (other, 1_000_00)):
                payroll.assign(rep, plan, ends_on=date(2026, 2, 1))
                payroll.won(rep, noon(9), amount)
            run = payroll.settle(JANUARY)
            statement = Statement.objects.get(run=run, rep=paid)
            assert statement.payable_minor == PAID_MINOR
            keys = make_subjects(cast)
            keys["statement"]["own"] = statement.pk
            keys["line"]["own"] = LedgerEntry.objects.get(statement=statement).pk
            keys["run"]["own"] = run.pk
            keys["rep"]["own"] = keys["ranked_ae"]["own"] = paid.pk
            clients = {part: Client() for part in (*STRANGERS, "ae", "finance")}
            for part, client in clients.items():
                client.force_login(getattr(cast, part))
            yield keys, clients
            transaction.set_rollback(True)
    connection.close()


@pytest.fixture
def scene(_settled: Scene, db: None) -> Scene:
    return _settled


def addresses(keys: dict[str, dict[str, Any]]) -> Iterator[tuple[str, str]]:
    """Every address, with the paid rep's own object where it takes one."""
    for name, route in ROUTES.items():
        kwargs = dict(route.kwargs or {})
        if route.kind:
            kwargs[route.argument] = keys[route.kind]["own"]
        yield name, reverse(name, kwargs=kwargs or None)


def answers(client: Client, address: str) -> Iterator[tuple[str, HttpResponse]]:
    """To a GET, and to an empty POST; leaves no trace."""
    cookies = client.cookies.copy()
    for method in ("get", "post"):
        with transaction.atomic():
            yield method, getattr(client, method)(address)
            transaction.set_rollback(True)
    client.cookies = cookies


def said(answer: Any) -> bytes:
    """All that leaves: body, status line's reason, headers and the name of a file."""
    body = b"".join(answer.streaming_content) if answer.streaming else answer.content
    head = "\n".join(f"{name}: {value}" for name, value in answer.headers.items())
    return b"\n".join([answer.reason_phrase.encode(), head.encode(), body])


def test_the_owner_and_finance_do_see_it(scene: Scene) -> None:
    """Else nothing would be found because nothing is there."""
    keys, clients = scene
    for part in ("ae", "finance"):
        for name in ("compensation:statement", "api:statement", "compensation:line"):
            kind = ROUTES[name].kind
            assert kind is not None
            answer = clients[part].get(reverse(name, args=[keys[kind]["own"]]))
            assert PAID.search(said(answer)), f"{part} {name}"


@pytest.mark.parametrize("part", STRANGERS)
def test_no_door_tells_a_stranger(scene: Scene, part: str) -> None:
    keys, clients = scene
    told, cached = [], []
    for name, address in addresses(keys):
        policy = policy_of(ALL[name].callback)
        for method, answer in answers(clients[part], address):
            if PAID.search(said(answer)):
                told.append(f"{method} {address}")
            if policy is not None and policy.name.startswith("compensation."):
                if "no-store" not in answer.headers.get("Cache-Control", ""):
                    cached.append(f"{method} {address}")
    assert told == []
    assert cached == []


@pytest.mark.parametrize("part", STRANGERS)
def test_no_list_answers_otherwise_for_an_amount_that_is_paid(scene: Scene, part: str) -> None:
    """Searched, filtered and sorted by it: the answer is that to an amount nobody is paid."""
    keys, clients = scene
    words = ("q", "search", "text", "amount", "amount_minor", "payable", "payable_minor", "name")
    told = []
    for name, address in addresses(keys):
        if ROUTES[name].kind is not None or ROUTES[name].public:
            continue
        bodies = []
        for amount in ("4179718", "4179719"):
            asked = {**dict.fromkeys(words, amount), "sort": "payable_minor", "order": "-payable_minor"}
            with transaction.atomic():
                answer = clients[part].get(address, asked)
                transaction.set_rollback(True)
            bodies.append((answer.status_code, _TOKENS.sub(b"", said(answer)).replace(amount.encode(), b"")))
        if bodies[0] != bodies[1]:
            told.append(address)
    assert told == []


@pytest.mark.parametrize("part", STRANGERS)
def test_statements_by_api_are_not_even_counted(scene: Scene, part: str) -> None:
    keys, clients = scene
    answer = clients[part].get(reverse("api:statements"), {"run": JANUARY.code})
    if answer.status_code == 403:
        return
    found = answer.json()
    assert keys["statement"]["own"] not in [one["id"] for one in found["statements"]]
    assert found["next_after"] == ""
