"""The proof script, as a process of its own: it agrees with what was paid, and finds whatever was altered."""

import ast
import json
import sys
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from apps.compensation.models import Statement
from apps.compensation.rules.plan import parse_plan
from apps.compensation.services import plans
from apps.leads.models import Capacity, EventKind
from apps.leads.services.record import Credit
from apps.reps.models import Quota
from tests.compensation.conftest import FEBRUARY, JANUARY, MARCH, Payroll, noon
from tests.compensation.plan_documents import COUNT, QUOTA, component, graduated, plan, whole
from tests.compensation.proving import changed, prove, unpacked

pytestmark = pytest.mark.django_db
SCRIPTS = Path(__file__).resolve().parents[2] / "apps/compensation/reports/proof"


def proven(folder: Path) -> None:
    """Every statement that there is agrees."""
    statements = list(Statement.objects.order_by("pk"))
    assert statements
    for statement in statements:
        verdict = prove(unpacked(statement, folder / str(statement.pk)))
        assert (verdict.code, verdict.last) == (0, "agrees"), verdict.said


@pytest.fixture
def ae_plan(payroll: Payroll) -> Payroll:
    """An AE by attainment; two wins in January, one of them split by rule with a teammate."""
    cast = payroll.cast
    ae, other = cast.rep(cast.ae), cast.rep(cast.second_ae)
    made = payroll.plan(plan(component(graduated("6", "100", "9"), bands_in="percent_of_quota", quota=QUOTA)))
    for rep in (ae, other):
        payroll.assign(rep, made)
        payroll.quota(rep, 100_000_00)
    payroll.won(ae, noon(7), 80_000_01)
    payroll.event(
        EventKind.WON, noon(9), Credit(ae, Capacity.OWNED, 600_000), Credit(other, Capacity.OWNED, 400_000),
        amount_minor=70_000_03,
    )  # fmt: skip
    payroll.settle(JANUARY)
    return payroll


@pytest.fixture
def pack(ae_plan: Payroll, tmp_path: Path) -> Path:
    statement = Statement.objects.select_related("run", "rep").get(rep__user=ae_plan.cast.ae)
    return unpacked(statement, tmp_path / "pack")


class TestAgrees:
    @pytest.mark.parametrize("name", ["sdr", "sdr_team", "ae", "ae_accelerated", "ae_new_hire", "manager"])
    def test_with_the_plans_that_come_along(self, payroll, tmp_path, name):
        cast = payroll.cast
        document = plans.shipped_plan(name)
        who = {"sdr": cast.sdr, "sdr_team": cast.sdr}.get(name, cast.ae)
        rep = cast.rep(who)
        for rule in parse_plan(document).quota_rules:
            asked = {"target_minor": 90_000_00, "currency": "EUR"} if rule.is_money else {"target_count": 20}
            whose = {"team": rep.team} if rule.of_team else {"rep": rep}
            days = {"starts_on": date(2026, 1, 1), "ends_on": date(2027, 1, 1)}
            Quota.objects.create(measure=rule.measure, **asked, **whose, **days)
        payroll.assign(rep, payroll.plan(document))
        for day in range(1, 26):
            payroll.accepted(rep, noon(day), 1_234_56 * day)
            if day % 5 == 0:
                payroll.won(rep, noon(day), 9_999_99 * day)
        payroll.compute(JANUARY)
        proven(tmp_path)

    def test_with_adjustments_of_closed_months(self, payroll, tmp_path):
        sdr = payroll.cast.rep(payroll.cast.sdr)
        payroll.assign(sdr, payroll.plan("sdr"))
        events = [payroll.accepted(sdr, noon(day), 1_000_00 * day) for day in range(1, 25)]
        payroll.settle(JANUARY)
        payroll.reverse(events[4], noon(4, 2))
        payroll.accepted(sdr, noon(30), 5_000_00, recorded_at=noon(9, 2))
        payroll.settle(FEBRUARY)
        payroll.reverse(events[7], noon(4, 3))
        payroll.settle(MARCH)
        proven(tmp_path)

    def test_with_a_year_to_date_a_cap_and_a_floor(self, payroll, tmp_path):
        ae = payroll.cast.rep(payroll.cast.ae)
        year = component(whole("3", "40000", "5"), basis="year", cap="4000.00")
        floor = component(
            graduated("25"), key="demos", pays="per_unit", measure=COUNT | {"event": "held"}, floor="300.00"
        )
        payroll.assign(ae, payroll.plan(plan(year, floor)))
        for month, period in ((1, JANUARY), (2, FEBRUARY), (3, MARCH)):
            payroll.won(ae, noon(5, month), 30_000_00 + month)
            payroll.settle(period)
        proven(tmp_path)

    def test_with_a_draw_held_pay_and_a_clawback(self, payroll, tmp_path):
        ae = payroll.cast.rep(payroll.cast.ae)
        deal = payroll.deal(ae)
        holding = component(
            graduated("10"),
            holdback={
                "percent": "30",
                "releases": [
                    {"on": "paid", "label": "setup", "percent": "33.3"},
                    {"on": "paid", "label": "rest", "percent": "66.7"},
                ],
            },
            clawback={"within_days": "90", "method": "pro_rata"},
        )  # fmt: skip
        draw = {"name": "Draw", "amount": "1000.00", "recoverable": "yes", "paid": "with_the_run"}
        payroll.assign(ae, payroll.plan(plan(holding, draw=draw)))
        won = payroll.won(ae, noon(5), 3_333_33, opportunity=deal)
        payroll.settle(JANUARY)
        payroll.won(ae, noon(6, 2), 20_000_00)
        payroll.payment(deal, noon(3, 2), 500_00, label="setup")
        payroll.settle(FEBRUARY)
        payroll.payment(deal, noon(3, 3), 500_00, label="rest")
        payroll.reverse(won, noon(20, 3))
        payroll.settle(MARCH)
        proven(tmp_path)

    def test_with_a_team_s_pool_and_a_leaver(self, payroll, tmp_path):
        cast = payroll.cast
        sdr, mate = cast.rep(cast.sdr), cast.rep(cast.teammate)
        made = payroll.plan(plan(component(graduated("1"), scope="team_pool"), role="sdr"))
        payroll.assign(sdr, made)
        payroll.assign(mate, made, noon(12).date())
        payroll.won(sdr, noon(3), 10_001)
        payroll.won(mate, noon(20), 20_003)
        payroll.settle(JANUARY)
        proven(tmp_path)


class TestFinds:
    def test_the_pack_as_it_is_agrees(self, pack):
        assert prove(pack).last == "agrees"

    def test_one_cent_in_any_line(self, pack):
        """Every line in turn, with its hash and the sums made to fit, so that only the rules can tell."""
        count = len(json.loads((pack / "lines.json").read_text()))
        assert count == 2
        original = (pack / "lines.json").read_bytes(), (pack / "manifest.json").read_bytes()
        for place in range(count):

            def one_cent(lines: Any, place: int = place) -> Any:
                lines[place]["amount_minor"] += 1
                lines[place]["earned_minor"] += 1
                return lines

            changed(pack, "lines.json", one_cent)
            verdict = prove(pack)
            line = json.loads((pack / "lines.json").read_text())[place]
            assert verdict.code == 1
            assert f"line {line['id']} (" in verdict.said
            assert "the inputs give" in verdict.said
            (pack / "lines.json").write_bytes(original[0])
            (pack / "manifest.json").write_bytes(original[1])

    def test_one_cent_with_hash_and_sums_forged_as_well(self, pack):
        sys.path.insert(0, str(pack))
        try:
            import recompute  # type: ignore[import-not-found]
        finally:
            sys.path.remove(str(pack))
        lines = json.loads((pack / "lines.json").read_text())
        lines[1]["amount_minor"] += 1
        lines[1]["earned_minor"] += 1

        def fits(head: Any) -> Any:
            head["digest"] = recompute.digest_of(lines)
            head["earned_minor"] += 1
            head["payable_minor"] += 1
            return head

        changed(pack, "lines.json", lambda _: lines)
        changed(pack, "statement.json", fits)
        verdict = prove(pack)
        assert verdict.code == 1
        assert verdict.last.startswith(f"does not agree: line {lines[1]['id']} (")
        assert "hash" not in verdict.last

    def test_a_changed_quota(self, pack):
        changed(
            pack,
            "inputs/quotas.json",
            lambda rows: [dict(row, target=row["target"] + 1_000_00) for row in rows],
        )
        verdict = prove(pack)
        assert verdict.code == 1
        assert verdict.last.startswith("does not agree: line ")

    def test_a_quota_that_is_gone_is_not_called_agreement(self, pack):
        changed(pack, "inputs/quotas.json", lambda rows: rows.clear() or [])
        (pack / "inputs/quotas.json").write_text("[]")
        changed(pack, "inputs/quotas.json", lambda rows: rows)
        verdict = prove(pack)
        assert verdict.code == 2
        assert verdict.last.startswith("not wholly recomputed: 2 left out")
        assert "has no quota above zero" in verdict.said

    def test_a_removed_event(self, pack):
        gone = json.loads((pack / "inputs/events.json").read_text())[1]
        changed(pack, "inputs/events.json", lambda rows: rows[:1])
        verdict = prove(pack)
        assert verdict.code == 1
        assert gone["source"] in verdict.said
        assert "nothing in the inputs earns it" in verdict.said

    def test_a_changed_share_amount_or_rate(self, pack):
        original = {path: path.read_bytes() for path in pack.rglob("*.json")}
        changes = {
            "inputs/credits.json": lambda rows: [dict(row, share=row["share"] - 1000) for row in rows],
            "inputs/events.json": lambda rows: [
                dict(row, amount_minor=row["amount_minor"] + 100) for row in rows
            ],
            "inputs/plans.json": _dearer,
        }
        for name, change in changes.items():
            changed(pack, name, change)
            assert prove(pack).code == 1, name
            for path, content in original.items():
                path.write_bytes(content)

    def test_a_line_left_out(self, pack):
        changed(pack, "lines.json", lambda lines: lines[:1])
        verdict = prove(pack)
        assert verdict.code == 1
        assert "its lines sum to" in verdict.said

    def test_a_file_that_is_not_the_manifest_s(self, pack):
        changed(pack, "inputs/quotas.json", lambda rows: rows, hidden=False)
        (pack / "inputs/quotas.json").write_text((pack / "inputs/quotas.json").read_text() + " ")
        (pack / "more.txt").write_text("x")
        verdict = prove(pack)
        assert verdict.code == 1
        assert "inputs/quotas.json is not the file of the manifest" in verdict.said
        assert "more.txt is in no manifest" in verdict.said


def _dearer(rows: Any) -> Any:
    rows[0]["document"]["components"][0]["rates"]["bands"][1]["rate"] = "9.01"
    return rows


class TestSaysWhatItCannot:
    @pytest.fixture
    def spiff(self, payroll: Payroll, tmp_path: Path) -> Path:
        """The second of two who share a budget of 120.00: 100.00 was used before, 20.00 is left."""
        cast = payroll.cast
        bonus = {"from": "2026-01-01", "to": "2026-02-01", "budget": "120.00"}
        made = payroll.plan(
            plan(component(graduated("5"), bonus=bonus, key="spiff"), component(graduated("10"), key="wins"))
        )
        for part in ("ae", "second_ae"):
            payroll.assign(cast.rep(getattr(cast, part)), made)
            payroll.won(cast.rep(getattr(cast, part)), noon(5), 2_000_00)
        payroll.settle(JANUARY)
        statement = Statement.objects.select_related("run", "rep").get(rep__user=cast.second_ae)
        assert statement.payable_minor == 220_00
        return unpacked(statement, tmp_path / "pack")

    def test_what_others_used_of_a_budget_is_given_and_told(self, spiff):
        verdict = prove(spiff)
        assert verdict.last == "agrees"
        assert "What others used of a SPIFF" in verdict.said
        assert json.loads((spiff / "inputs/budgets.json").read_text())[0]["left_minor"] == 20_00

    def test_another_rest_of_the_budget_is_found(self, spiff):
        changed(spiff, "inputs/budgets.json", lambda rows: [dict(rows[0], left_minor=30_00)])
        assert prove(spiff).code == 1

    def test_without_it_the_line_is_not_recomputed_and_the_others_are(self, spiff):
        (spiff / "inputs/budgets.json").write_text("[]")
        changed(spiff, "inputs/budgets.json", lambda rows: rows)
        verdict = prove(spiff)
        assert verdict.code == 2
        assert "the pack does not say what the budget had left" in verdict.said
        assert verdict.last == "not wholly recomputed: 1 left out; what was recomputed has no difference"


@pytest.mark.once
class TestTheScriptItself:
    def test_needs_the_standard_library_alone(self):
        own = {path.stem for path in SCRIPTS.glob("*.py")}
        assert own == {"earning", "reckoning", "recompute"}
        for path in SCRIPTS.glob("*.py"):
            for node in ast.walk(ast.parse(path.read_text())):
                names = [one.name for one in node.names] if isinstance(node, ast.Import) else []
                names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
                for name in names:
                    assert name.partition(".")[0] in {*sys.stdlib_module_names, *own}, f"{path.name}: {name}"

    def test_adds_no_floats(self):
        for path in SCRIPTS.glob("*.py"):
            floats = [
                node for node in ast.walk(ast.parse(path.read_text()))
                if (isinstance(node, ast.Constant) and isinstance(node.value, float))
                or (isinstance(node, ast.Name) and node.id == "float")
            ]  # fmt: skip
            assert not floats, path.name
