"""The queue page, `Next` and an ordinary admin list, against their bare limits, on PostgreSQL.

    .venv/bin/python benchmarks/queue_page.py [--leads 1000000] [--touches 10000000] [--rounds 5] [--clients 16]
                                         [--seconds 3] [--keep]

Fills a database of its own beside the one that DATABASE_URL names (postgres://postgres@127.0.0.1:5432/postgres
when unset), and a tenth of it for the growth; --keep leaves both for the next run, which then only measures.
Goals are those of the company's budgets: page at least 0.5 x the floor's requests a second and 15 x quicker than
the admin list, 8 statements at most, 1.5 x at ten times the data, claims at least 0.25 x the bare ones, none double.
The floor is the top 50 by raw SQL, eleven cells a row by a Django template that does nothing else; the same rows by
str.format, which no page of a portal could be, are printed beside it.
"""

import argparse
import multiprocessing
import os
import re
import statistics
import sys
import time
from collections.abc import Callable
from datetime import timedelta
from functools import cache
from html import escape
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psycopg

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

BASE = os.environ.get("DATABASE_URL", "postgres://postgres@127.0.0.1:5432/postgres")
PREFIX = "salesportal_queue_benchmark"
TEAMS, REPS = 25, 500

LEADS = """
INSERT INTO leads_lead (
    name, title, email, phone, company, industry, city, time_zone, source, campaign, is_inbound, persona, predictive,
    score, score_points, score_reasons, is_exploration, stage, stage_reason, team_id, owner_id, do_not_contact,
    closed_channels, created_at, mql_at, first_touch_at, last_touch_at, touch_count, attempts, postponed_to,
    visit_count, next_channel, next_purpose, proposal, proposal_reason, callback_at, next_touch_at, due_at, warn_at,
    queue_bucket, queue_sort_at, queue_ready_at, source_system, external_id, name_key, phone_key, address_key)
SELECT 'Person ' || n, (ARRAY['Chief Operating Officer', 'Head of IT', 'Buyer', 'Director'])[1 + n %% 4],
    'p' || n || '@company' || n %% 50000 || '.example', '', 'Company ' || n %% 50000, 'Logistics',
    (ARRAY['Hamburg', 'Lyon', 'Boston', 'Osaka'])[1 + n %% 4],
    (ARRAY['Europe/Berlin', 'Europe/Paris', 'America/New_York', 'Asia/Tokyo', ''])[1 + n %% 5], 'Demo request', '',
    n %% 3 > 0, 1 + n %% 6, '', (ARRAY['A', 'B', 'C', 'D'])[1 + n %% 4], 50, '[]', false,
    CASE WHEN queued THEN 'working' ELSE 'disqualified' END, '', team, owner, false, '[]', came, came,
    CASE WHEN touched > 0 THEN came END, CASE WHEN touched > 0 THEN came + interval '1 hour' END,
    touched, touched, 0, 0,
    (ARRAY['call', 'email', 'social', ''])[1 + n %% 4], '', '', '', CASE WHEN bucket = 1 THEN came END,
    CASE WHEN bucket = 3 THEN came END, CASE WHEN bucket < 3 THEN now() + n %% 600 * interval '1 minute' END, NULL,
    CASE WHEN queued THEN bucket END, CASE WHEN queued THEN came END, CASE WHEN queued THEN came END,
    '', '', '', '', ''
FROM (
    SELECT n, n %% 10 < 4 AS queued, team.pks[1 + n %% {teams}] AS team,
        CASE WHEN n %% 3 > 0 THEN rep.pks[1 + n / 3 %% {reps}] END AS owner,
        now() - n %% 129600 * interval '1 minute' AS came,
        CASE WHEN n %% 50 = 0 THEN 1 WHEN n %% 20 = 1 THEN 2 WHEN n %% 2 = 0 THEN 3 WHEN n %% 5 = 3 THEN 5 ELSE 4 END
            AS bucket,
        CASE WHEN n %% 50 = 0 OR n %% 2 = 0 THEN 1 + n %% 8 ELSE 0 END AS touched
    FROM generate_series(1, %s) AS n,
        (SELECT array_agg(id ORDER BY id) AS pks FROM reps_team WHERE name LIKE 'Benchmark%%') AS team,
        (SELECT array_agg(id ORDER BY id) AS pks FROM reps_rep) AS rep
) AS drawn
"""
TOUCHES = """
INSERT INTO leads_touch (lead_id, rep_id, channel, disposition, outside_hours, purpose, note, occurred_at, lead_before)
SELECT 1 + n %% {leads}, rep.pks[1 + n %% {reps}], 'call', 'voicemail', false, '', '',
    now() - n %% 500000 * interval '1 minute', '{{}}'
FROM generate_series(1, %s) AS n, (SELECT array_agg(id ORDER BY id) AS pks FROM reps_rep) AS rep
"""
TOP = """
SELECT * FROM (
    (SELECT {columns} FROM leads_lead WHERE owner_id = %s AND queue_bucket IS NOT NULL AND queue_ready_at <= %s
     ORDER BY queue_bucket, queue_sort_at, id LIMIT 50)
    UNION ALL
    (SELECT {columns} FROM leads_lead WHERE owner_id IS NULL AND team_id = %s AND queue_bucket IS NOT NULL
     AND queue_ready_at <= %s ORDER BY queue_bucket, queue_sort_at, id LIMIT 50)
) AS heads ORDER BY queue_bucket, queue_sort_at, id LIMIT 50
"""
COLUMNS = (
    "id, name, title, company, city, source, score, touch_count, next_channel, due_at, time_zone, queue_bucket,"
    " queue_sort_at"
)
BARE_CLAIM = """
UPDATE leads_lead SET claimed_by_id = %s, claimed_until = %s WHERE id = (
    SELECT id FROM leads_lead WHERE owner_id IS NULL AND team_id = %s AND queue_bucket IS NOT NULL
    AND queue_ready_at <= %s AND (claimed_until IS NULL OR claimed_until <= %s)
    ORDER BY queue_bucket, queue_sort_at, id LIMIT 1 FOR UPDATE SKIP LOCKED) RETURNING id
"""
LET_GO = "UPDATE leads_lead SET claimed_until = NULL, claimed_by_id = NULL "
BARE_ROW = (
    '<tr data-lead-row="{0}"><td>{6}</td><td><a href="?lead={0}">{1}</a><small>{3}, {4}</small></td><td>{5}</td>'
    "<td>{9}</td><td>{8}</td><td>{2}</td><td>{7}</td><td>{10}</td></tr>"
)


# --- The databases ------------------------------------------------------------------------------------


def address(name: str) -> str:
    return urlsplit(BASE)._replace(path=f"/{name}").geturl()


def databases() -> set[str]:
    with psycopg.connect(BASE, autocommit=True) as server:
        rows = server.execute("SELECT datname FROM pg_database WHERE datname LIKE %s", [PREFIX + "%"])
        return {name for (name,) in rows.fetchall()}


def administer(statement: str) -> None:
    with psycopg.connect(BASE, autocommit=True) as server:
        server.execute(statement)  # type: ignore[call-overload]


def use(name: str) -> None:
    """Let Django's one connection speak to that database from here on."""
    from django.db import connection

    connection.close()
    connection.settings_dict["NAME"] = name


def fill(name: str, leads: int, touches: int) -> None:
    from django.core.management import call_command
    from django.db import connection, transaction
    from django.utils import timezone

    from apps.accounts.models import Role, User
    from apps.reps.models import BusinessCalendar, Rep, RepRole, Team

    use(name)
    call_command("migrate", verbosity=0)
    hired = timezone.now().date() - timedelta(days=400)
    with transaction.atomic():
        calendar = BusinessCalendar.objects.create(name="Benchmark hours")
        teams = [Team.objects.create(name=f"Benchmark {n}", calendar=calendar) for n in range(TEAMS)]
        users = User.objects.bulk_create(
            User(email=f"bench{n}@example.test", name=f"Rep {n}", role=Role.SDR) for n in range(REPS)
        )
        Rep.objects.bulk_create(
            Rep(user=user, name=user.name, team=teams[n % TEAMS], role=RepRole.ISR, hired_on=hired)
            for n, user in enumerate(users)
        )
    with connection.cursor() as cursor:
        # Keys that are right by construction need no check for each row; indexes are built once, at the end.
        cursor.execute("SET session_replication_role = replica")
        for table, sql, count in (
            ("leads_lead", LEADS.format(teams=TEAMS, reps=REPS), leads),
            ("leads_touch", TOUCHES.format(leads=leads, reps=REPS), touches),
        ):
            cursor.execute(
                "SELECT indexname, indexdef FROM pg_indexes WHERE tablename = %s AND indexdef NOT LIKE '%%UNIQUE%%'",
                [table],
            )
            indexes = cursor.fetchall()
            for index, _ in indexes:
                cursor.execute(f'DROP INDEX "{index}"')
            cursor.execute(sql, [count])
            for _, definition in indexes:
                cursor.execute(definition)
            cursor.execute(f"VACUUM ANALYZE {table}")
        cursor.execute("CHECKPOINT")


# --- What is measured ---------------------------------------------------------------------------------


class Subject:
    """One database, with everything that is timed on it, as calls without arguments."""

    def __init__(self, name: str) -> None:
        from django.conf import settings
        from django.test import Client

        from apps.reps.models import Rep

        self.name = name
        use(name)
        self.rep = Rep.objects.select_related("team__calendar", "user").order_by("pk")[7]
        client = Client()
        client.force_login(self.rep.user)
        # What a browser has after its first page: signed in, with the token against forged requests.
        client.get("/my-day/")
        names = (settings.SESSION_COOKIE_NAME, settings.CSRF_COOKIE_NAME)
        self.cookie = "; ".join(f"{name}={client.cookies[name].value}" for name in names)

    def bare_page(self) -> bytes:
        """Raw SQL by the partial index, and the rows through the quickest template that Python has."""
        from django.db import connection
        from django.utils import timezone

        now = timezone.now()
        with connection.cursor() as cursor:
            cursor.execute(TOP.format(columns=COLUMNS), [self.rep.pk, now, self.rep.team_id, now])
            rows = cursor.fetchall()
        body = "".join([BARE_ROW.format(*[escape(str(value)) for value in row]) for row in rows])
        return f"<!doctype html><title>Queue</title><table>{body}</table>".encode()

    def bare_django_page(self) -> str:
        """The same rows through a bare Django template."""
        from django.db import connection
        from django.utils import timezone

        now = timezone.now()
        with connection.cursor() as cursor:
            cursor.execute(TOP.format(columns=COLUMNS), [self.rep.pk, now, self.rep.team_id, now])
            rows = cursor.fetchall()
        return str(django_template().render({"rows": rows}))

    def same_page(self) -> bytes:
        """What the page shows, byte for byte as long, for nobody: raw SQL, its rows by ``%``, its frame as a text.

        No sign-in, no rights, no counts, no rules: what rendering this very page costs at the least.
        """
        from django.db import connection
        from django.utils import timezone

        from apps.portal.templatetags.queue import _pattern

        if not self.frame:
            lines = list(
                re.finditer(r"<tr[^>]*? data-lead-row=.*?</tr>", html := self.page().decode(), re.DOTALL)
            )
            self.frame = (html[: lines[0].start()], html[lines[-1].end() :])
        now = timezone.now()
        with connection.cursor() as cursor:
            cursor.execute(TOP.format(columns=COLUMNS), [self.rep.pk, now, self.rep.team_id, now])
            rows = cursor.fetchall()
        written = [_pattern(False, "", False) % _plain(row) for row in rows]
        return (self.frame[0] + "\n".join(written) + self.frame[1]).encode()

    def page(self) -> bytes:
        """My day, whole, through the portal's WSGI application with a session."""
        return get("/my-day/", self.cookie)

    def page_counted_anew(self) -> bytes:
        """The page just after something was done: nothing is known of how long the list is."""
        from django.core.cache import cache

        cache.delete(f"leads.queue_long.{self.rep.pk}")
        return self.page()

    def refresh(self) -> bytes:
        """What an open page asks every twenty seconds, nothing having changed."""
        if not self.shown:
            page = self.page().decode()
            top = re.findall(r'id="queue-top" data-print="(\w+)"', page)
            lines = re.findall(r'<tr[^>]*?id="q-(\w+)" data-print="(\w+)"', page)
            self.shown = ",".join([f"top:{top[0]}", *(f"{key}:{mark}" for key, mark in lines)])
        return get("/my-day/list/", self.cookie, queue_shown=self.shown)

    def admin_list(self) -> None:
        """An ordinary list: counted whole, ordered by a column without an index."""
        from apps.leads.models import Lead

        leads = Lead.objects.select_related("owner", "team").order_by("-employees", "company", "-pk")
        leads.count()
        list(leads[:50])

    shown = ""
    frame: tuple[str, str] | None = None
    """What stands before and after the rows."""

    def statements(self) -> int:
        from django.db import connection
        from django.test.utils import CaptureQueriesContext

        self.page()
        with CaptureQueriesContext(connection) as captured:
            self.page()
        return len(captured)


def _plain(row: tuple[Any, ...]) -> dict[str, str]:
    """A row's values, escaped, in the places of the page's own row."""
    pk, name, title, company, city, source, score, tries, channel, due, zone, *_ = map(escape, map(str, row))
    return {
        "pk": pk, "print": pk, "active": "", "score": score, "label": name, "detail": f"{company}, {city}",
        "why": source, "behind": title, "due": due, "channel": channel, "title": title, "tries": tries,
        "theirs": zone,
    }  # fmt: skip


_application: Any = None


def get(path: str, cookie: str, queue_shown: str = "") -> bytes:
    """One request to the WSGI application, as a web server hands it over."""
    global _application
    from io import BytesIO

    from django.core.wsgi import get_wsgi_application

    if _application is None:
        _application = get_wsgi_application()
    found: list[str] = []
    environ = {
        "REQUEST_METHOD": "GET", "PATH_INFO": path, "QUERY_STRING": "", "SERVER_NAME": "localhost",
        "SERVER_PORT": "80", "SERVER_PROTOCOL": "HTTP/1.1", "wsgi.input": BytesIO(), "wsgi.url_scheme": "http",
        "HTTP_HOST": "localhost", "HTTP_COOKIE": cookie, "HTTP_QUEUE_SHOWN": queue_shown, "REMOTE_ADDR": "127.0.0.1",
    }  # fmt: skip
    answer = _application(environ, lambda status, headers: found.append(status))
    body = b"".join(answer)
    if hasattr(answer, "close"):
        answer.close()
    assert found[0][:3] in ("200", "204"), (found, body[:500])
    return body


@cache
def django_template() -> Any:
    from django.template import engines

    cells = "".join(f"<td>{{{{ row.{place} }}}}</td>" for place in range(11))
    return engines["django"].from_string(
        f"<!doctype html><title>Queue</title><table>{{% for row in rows %}}<tr>{cells}</tr>{{% endfor %}}</table>"
    )


# --- Rounds -------------------------------------------------------------------------------------------


def timed(work: Callable[[], object], least: float = 0.4) -> float:
    """Seconds for one call, of as many as fit into ``least`` seconds."""
    calls, started = 0, time.perf_counter()
    while True:
        work()
        calls += 1
        passed = time.perf_counter() - started
        if passed >= least:
            return passed / calls


def claims(clients: int, seconds: float, name: str, bare: bool) -> tuple[float, int]:
    """Claims a second of so many processes at once, all of one team; and how many leads two had at a time."""
    context = multiprocessing.get_context("fork")
    barrier, queue = context.Barrier(clients), context.Queue()
    from django.db import connection

    connection.close()
    workers = [
        context.Process(target=_claim_for, args=(number, seconds, name, bare, barrier, queue))
        for number in range(clients)
    ]
    for worker in workers:
        worker.start()
    told = [queue.get(timeout=seconds + 120) for _ in workers]
    for worker in workers:
        worker.join()
    spans: dict[int, list[tuple[float, float]]] = {}
    for _, _, held in told:
        for pk, start, end in held:
            spans.setdefault(pk, []).append((start, end))
    double = 0
    for found in spans.values():
        found.sort()
        double += sum(1 for (_, end), (start, _) in zip(found, found[1:], strict=False) if start < end)
    count = sum(len(held) for _, _, held in told)
    return count / max(passed for _, passed, _ in told), double


def _claim_for(number: int, seconds: float, name: str, bare: bool, barrier: Any, queue: Any) -> None:
    """Claim until time is up. A lead is held from when its claim was answered until the next one is asked for."""
    from django.db import connection
    from django.utils import timezone

    from apps.leads.services.queue import HOLD, claim_next, release
    from apps.reps.models import Rep

    use(name)
    team = Rep.objects.order_by("pk")[7].team_id
    rep = Rep.objects.select_related("team__calendar").filter(team=team).order_by("pk")[number]
    held: list[tuple[int, float, float]] = []
    last: int | None = None

    def claim_bare() -> int:
        now = timezone.now()
        with connection.cursor() as cursor:
            cursor.execute("BEGIN")
            if last is not None:
                cursor.execute(
                    "UPDATE leads_lead SET claimed_until = NULL, claimed_by_id = NULL WHERE id = %s", [last]
                )
            cursor.execute(BARE_CLAIM, [rep.pk, now + HOLD, team, now, now])
            (pk,) = cursor.fetchone()
            cursor.execute("COMMIT")
        return int(pk)

    def claim() -> int:
        lead = claim_next(rep=rep, at=timezone.now())
        assert lead is not None
        return lead.pk

    # What a process does once (its connection, the zones of the world) is done before the time begins.
    if bare:
        connection.ensure_connection()
    else:
        claim()
        release(rep=rep, at=timezone.now())
    barrier.wait()
    started = time.monotonic()
    since = 0.0
    while time.monotonic() - started < seconds:
        asked = time.monotonic()
        if last is not None:
            held.append((last, since, asked))
        last = claim_bare() if bare else claim()
        since = time.monotonic()
    passed = time.monotonic() - started
    if last is not None:
        held.append((last, since, since))
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE leads_lead SET claimed_until = NULL, claimed_by_id = NULL WHERE claimed_by_id = %s",
            [rep.pk],
        )
    queue.put((number, passed, held))


def line(words: str, milliseconds: float, more: str = "") -> None:
    print(f"{words:<64} {milliseconds:9.2f} ms   {more}")


def verdict(words: str, figure: float, goal: float, least: bool) -> None:
    met = figure >= goal if least else figure <= goal
    print(
        f"{words:<64} {figure:9.2f}      goal {'>=' if least else '<='} {goal:g}: {'met' if met else 'MISSED'}"
    )


def measure(large: Subject, small: Subject, options: argparse.Namespace) -> None:
    works: dict[str, tuple[Subject, Callable[[], object], float]] = {
        "floor": (large, large.bare_django_page, 0.4),
        "format": (large, large.bare_page, 0.4),
        "same": (large, large.same_page, 0.4),
        "page": (large, large.page, 0.8),
        "counted": (large, large.page_counted_anew, 0.4),
        "small_page": (small, small.page, 0.8),
        "refresh": (large, large.refresh, 0.4),
        "admin": (large, large.admin_list, 0.1),
    }
    found: dict[str, list[float]] = {name: [] for name in works}
    for _ in range(options.rounds):
        for name, (subject, work, least) in works.items():
            use(subject.name)
            work()
            found[name].append(timed(work, least))
    middle = {name: statistics.median(values) * 1000 for name, values in found.items()}
    line("floor: raw SQL top 50, rows by a bare Django template", middle["floor"])
    line("raw SQL top 50, rows by str.format", middle["format"])
    line("the same page for nobody: raw SQL, rows by %, frame as a text", middle["same"])
    line("the queue page, whole", middle["page"], f"{1000 / middle['page']:.0f} pages a second on one core")
    line("the same just after something was done: counted anew", middle["counted"])
    line("its refresh while nothing changed", middle["refresh"])
    line("admin list: counted, ordered without an index", middle["admin"])
    verdict("page: requests a second against the floor", middle["floor"] / middle["page"], 0.5, least=True)
    print(f"{'  (against the same page for nobody)':<64} {middle['same'] / middle['page']:9.2f}")
    print(f"{'  (against rows by str.format)':<64} {middle['format'] / middle['page']:9.2f}")
    verdict("page: quicker than the admin list by", middle["admin"] / middle["page"], 15, least=True)
    verdict("page at ten times the data", middle["page"] / middle["small_page"], 1.5, least=False)
    use(large.name)
    verdict("page: statements", large.statements(), 8, least=False)
    spread = max(found["floor"]) / min(found["floor"])
    if spread > 1.5:
        print(f"NOISY: the floor spread by {spread:.2f} between rounds; do not quote the ratios of pages.")


def measure_claims(large: Subject, small: Subject, options: argparse.Namespace) -> None:
    rounds: dict[str, list[float]] = {"bare": [], "service": [], "small": []}
    double = 0
    for _ in range(options.rounds):
        for name, subject, bare in (
            ("bare", large, True),
            ("service", large, False),
            ("small", small, False),
        ):
            rate, twice = claims(options.clients, options.seconds, subject.name, bare)
            rounds[name].append(rate)
            double += twice
    middle = {name: statistics.median(values) for name, values in rounds.items()}
    print(
        f"claims a second, {options.clients} clients: bare {middle['bare']:.0f}, service {middle['service']:.0f}"
    )
    verdict("Next against bare SKIP LOCKED", middle["service"] / middle["bare"], 0.25, least=True)
    verdict("Next at ten times the data", middle["small"] / middle["service"], 1.5, least=False)
    verdict("leads that two held at a time", double, 0, least=False)
    spread = max(rounds["bare"]) / min(rounds["bare"])
    if spread > 1.5:
        print(f"NOISY: bare claims spread by {spread:.2f} between rounds; do not quote the ratios of claims.")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--leads", type=int, default=1_000_000)
    parser.add_argument("--touches", type=int, default=10_000_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--clients", type=int, default=16)
    parser.add_argument("--seconds", type=float, default=3)
    parser.add_argument("--keep", action="store_true", help="leave the databases for the next run")
    options = parser.parse_args()
    sizes = [(options.leads, options.touches), (options.leads // 10, options.touches // 10)]
    names = [f"{PREFIX}_{leads}_{touches}" for leads, touches in sizes]
    os.environ["DATABASE_URL"] = address(names[0])
    os.environ.setdefault("PORTAL_VAR_DIR", "/tmp/portal-benchmark")
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "salesportal.settings.local")
    import django

    django.setup()
    from django.conf import settings
    from django.core.management import call_command

    settings.ALLOWED_HOSTS = ["*"]
    there = databases()
    for name, (leads, touches) in zip(names, sizes, strict=True):
        if name in there:
            use(name)
            call_command("migrate", verbosity=0)
            continue
        administer(f'CREATE DATABASE "{name}"')
        started = time.monotonic()
        fill(name, leads, touches)
        print(f"filled {name}: {leads:,} leads, {touches:,} touches in {time.monotonic() - started:.0f} s")
    try:
        large, small = (Subject(name) for name in names)
        measure(large, small, options)
        measure_claims(large, small, options)
    finally:
        from django.db import connection

        connection.close()
        if not options.keep:
            for name in names:
                administer(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')


if __name__ == "__main__":
    main()
