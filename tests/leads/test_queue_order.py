"""The database's order is the pure one, whatever the leads; and it comes out of an index, sorted by nothing."""

import json
import random
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection, transaction

from apps.leads.models import Channel, Enrolment, Lead, QueueBucket
from apps.leads.rules import queue as rules
from apps.leads.selectors import queue as selectors
from apps.leads.services import queue
from tests.cast import NOW, Cast

BLOCKS = ("", "call", "email", "social")
ZONES = ("Europe/Berlin", "America/New_York", "Asia/Tokyo", "Australia/Lord_Howe", "", "PST8")


def scattered(cast: Cast, count: int, seed: int) -> list[Lead]:
    """Leads of every kind, many alike in all but one thing."""
    chance = random.Random(seed)
    rep, mate = cast.rep(cast.sdr), cast.rep(cast.teammate)

    def moment(*hours: int) -> Any:
        return NOW + timedelta(hours=chance.choice(hours))

    leads = []
    for number in range(count):
        lead = Lead(
            name=f"Person {number}",
            email=f"p{number}@b.example",
            team=cast.sdr_team,
            owner=chance.choice([rep, rep, None, None, mate]),
            stage="working",
            created_at=moment(-90, -91, -50),
            is_inbound=chance.random() < 0.6,
            touch_count=chance.choice([0, 0, 1, 4]),
            next_channel=chance.choice(["", *Channel.values]),
            persona=chance.choice([1, 2, 5, 6]),
            time_zone=chance.choice(ZONES),
            due_at=chance.choice([None, moment(-1, 1, 2)]),
            callback_at=chance.choice([None, None, None, moment(-2, 0, 3)]),
            next_touch_at=chance.choice([None, moment(-3, -1, 5)]),
            inquired_at=chance.choice([None, None, moment(-1)]),
            do_not_contact=chance.random() < 0.05,
        )
        if lead.touch_count:
            lead.last_touch_at = NOW - timedelta(hours=3)
        if chance.random() < 0.15:
            lead.reentry_on = (NOW + timedelta(days=chance.choice([-1, 0, 1]))).date()
        queue.settle(lead)
        leads.append(lead)
    return Lead.objects.bulk_create(leads)


def _as_the_rule_has_it(leads: list[Lead], cast: Cast, block: str, now: Any) -> list[int]:
    rep = cast.rep(cast.sdr)
    offered = []
    for lead in leads:
        standing = queue.standing_of(lead)
        found = rules.place(standing)
        if found is None or lead.owner_id not in (None, rep.pk):
            continue
        since = rules.offered_from(found, channel=standing.channel, time_zone=standing.time_zone, now=now)
        if since <= now:
            waiting = rules.Waiting(found.bucket, found.sort_at, lead.pk, lead.next_channel, lead.persona)
            offered.append((rules.order_key(waiting, block), lead.pk))
    return [pk for _, pk in sorted(offered)]


class TestTheDatabasesOrder:
    @pytest.mark.parametrize("seed", range(4))
    @pytest.mark.parametrize("hours", [0, 9, 40])
    def test_is_the_pure_one(
        self, cast: Cast, seed: int, hours: int, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(selectors, "SHOWN", 400)
        leads, now = scattered(cast, 160, seed), NOW + timedelta(hours=hours)
        for block in BLOCKS:
            expected = _as_the_rule_has_it(leads, cast, block, now)
            found = selectors.queue_of(rep=cast.rep(cast.sdr), at=now, zone=now.tzinfo, focus=block)
            assert [row.pk for row in found.rows] == expected, block
            assert found.total == len(expected)

    def test_is_that_of_the_first_page_of_a_long_list(self, cast: Cast) -> None:
        leads = scattered(cast, 600, seed=9)
        for block in BLOCKS:
            expected = _as_the_rule_has_it(leads, cast, block, NOW)
            found = selectors.queue_of(rep=cast.rep(cast.sdr), at=NOW, zone=NOW.tzinfo, focus=block)
            assert [row.pk for row in found.rows] == expected[: selectors.SHOWN], block
            assert found.total == len(expected)
            by_bucket = {group.bucket.value: group.count for group in found.groups}
            buckets = dict(Lead.objects.filter(pk__in=expected).values_list("pk", "queue_bucket"))
            for bucket, count in by_bucket.items():
                assert count == sum(1 for one in buckets.values() if one == bucket)

    def test_is_the_order_in_which_next_gives_leads(self, cast: Cast) -> None:
        leads = scattered(cast, 60, seed=3)
        rep = cast.rep(cast.sdr)
        for block in ("", "email"):
            given = []
            while (lead := queue.claim_next(rep=rep, at=NOW, focus=block)) is not None:
                given.append(lead.pk)
                # Held by nobody, and gone from the list: as after a touch.
                Lead.objects.filter(pk=lead.pk).update(queue_bucket=None)
            assert given == _as_the_rule_has_it(leads, cast, block, NOW)
            for one in leads:
                Lead.objects.filter(pk=one.pk).update(queue_bucket=one.queue_bucket)

    def test_every_rows_reason_is_that_of_the_rule_that_placed_it(
        self, cast: Cast, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(selectors, "SHOWN", 400)
        scattered(cast, 300, seed=5)
        found = selectors.queue_of(rep=cast.rep(cast.sdr), at=NOW, zone=NOW.tzinfo)
        begins = {
            QueueBucket.CALLBACK: ("Promised for",),
            QueueBucket.FRESH_INBOUND: ("Asked again", "Inbound"),
            QueueBucket.TOUCH_DUE: ("Asked again", "Touch "),
            QueueBucket.UNTOUCHED: ("Untouched, came",),
            QueueBucket.RECYCLED: ("Back",),
        }
        assert {row.bucket for row in found.rows} == set(QueueBucket.values)
        for row in found.rows:
            place = rules.place(queue.standing_of(Lead.objects.get(pk=row.pk)))
            assert place is not None
            assert place.bucket == row.bucket
            assert row.why.startswith(begins[QueueBucket(row.bucket)]), row.why


@pytest.mark.postgres
class TestTheIndex:
    """On a table large enough for the planner to mean it."""

    @pytest.fixture
    def many(self, cast: Cast) -> Iterator[Cast]:
        rep = cast.rep(cast.sdr)
        with connection.cursor() as cursor:
            cursor.execute(
                """
                INSERT INTO leads_lead (
                    name, title, email, phone, company, industry, city, time_zone, source, campaign, is_inbound,
                    persona, predictive, score, score_points, score_reasons, is_exploration, stage, stage_reason,
                    team_id, owner_id, do_not_contact, closed_channels, created_at, touch_count, attempts,
                    postponed_to, visit_count, next_channel, next_purpose, proposal, proposal_reason,
                    queue_bucket, queue_sort_at, queue_ready_at, source_system, external_id, name_key, phone_key,
                    address_key)
                SELECT 'Person ' || n, '', 'p' || n || '@b.example', '', '', '', '', 'Europe/Berlin', '', '', true,
                    1 + n %% 6, '', 'B', 0, '[]', false, 'working', '', %s,
                    CASE WHEN n %% 3 = 0 THEN %s END, false, '[]', now(), 1, 1, 0, 0,
                    (ARRAY['call', 'email', 'social', ''])[1 + n %% 4], '', '', '',
                    1 + n %% 5, %s::timestamptz - n * interval '1 minute',
                    %s::timestamptz - n * interval '1 minute', '', '', '', '', ''
                FROM generate_series(1, 40000) AS n
                """,
                [rep.team_id, rep.pk, NOW, NOW],
            )
            cursor.execute("ANALYZE leads_lead")
        yield cast
        with connection.cursor() as cursor:
            cursor.execute("DELETE FROM leads_lead")

    def _nodes(self, sql: str, params: Any) -> list[dict[str, Any]]:
        with connection.cursor() as cursor:
            cursor.execute(f"EXPLAIN (FORMAT JSON) {sql}", params)
            plan = cursor.fetchone()[0]
        top = (json.loads(plan) if isinstance(plan, str) else plan)[0]["Plan"]
        nodes, found = [top], []
        while nodes:
            node = nodes.pop()
            found.append(node)
            nodes += node.get("Plans", [])
        return found

    @pytest.mark.parametrize("block", BLOCKS)
    def test_gives_page_and_claim_their_first_rows_without_a_sort(self, many: Cast, block: str) -> None:
        rep = many.rep(many.sdr)
        suffix = f"_{block}" if block else ""
        for scope, name in zip(selectors.scopes_of(rep, NOW, block), ("own", "pool"), strict=True):
            sql, params = scope.values("pk")[:50].query.sql_with_params()
            nodes = self._nodes(sql, params)
            assert {node.get("Index Name") for node in nodes} - {None} == {f"lead_queue_{name}{suffix}"}
            assert not any("Sort" in node["Node Type"] or node["Node Type"] == "Seq Scan" for node in nodes)
        with transaction.atomic():
            statements: list[tuple[str, Any]] = []

            def keep(execute: Any, sql: str, params: Any, many_: bool, context: Any) -> Any:
                if sql.lstrip().startswith("WITH own"):
                    statements.append((sql, params))
                return execute(sql, params, many_, context)

            with connection.execute_wrapper(keep):
                assert queue.claim_next(rep=rep, at=NOW, focus=block) is not None
            ((sql, params),) = statements
            nodes = self._nodes(sql, params)
            used = {node.get("Index Name") for node in nodes} - {None}
            assert {f"lead_queue_own{suffix}", f"lead_queue_pool{suffix}"} <= used
            assert not any(node["Node Type"] == "Seq Scan" for node in nodes)
            # The first of each list are compared, and nothing else.
            assert all(node["Plan Rows"] <= 2 for node in nodes if "Sort" in node["Node Type"])

    def test_serves_the_page_whole(self, many: Cast) -> None:
        statements: list[tuple[str, Any]] = []

        def keep(execute: Any, sql: str, params: Any, many_: bool, context: Any) -> Any:
            if "leads_lead" in sql:
                statements.append((sql, params))
            return execute(sql, params, many_, context)

        with connection.execute_wrapper(keep):
            selectors.queue_of(rep=many.rep(many.sdr), at=NOW, zone=NOW.tzinfo, focus="email")
        assert len(statements) == 2
        for sql, params in statements:
            nodes = self._nodes(sql, params)
            assert not any(
                node["Node Type"] == "Seq Scan" and node.get("Relation Name") in ("leads_lead", "leads_touch")
                for node in nodes
            )
            # What is sorted are the heads of the two lists and the rows of the page.
            assert all(node["Plan Rows"] <= 2_100 for node in nodes if "Sort" in node["Node Type"])


def test_a_row_costs_no_statement_of_its_own(cast: Cast, django_assert_num_queries: Any) -> None:
    rep = cast.rep(cast.sdr)
    for count in (10, 500):
        Enrolment.objects.all().delete()
        Lead.objects.all().delete()
        scattered(cast, count, seed=1)
        with django_assert_num_queries(1 if count == 10 else 2):
            selectors.queue_of(rep=rep, at=NOW, zone=NOW.tzinfo, focus="call")
