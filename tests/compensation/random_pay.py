"""Random plan documents and deals, all of them valid, from one ``random.Random``: the same seed, the same case."""

from datetime import date, timedelta
from random import Random
from typing import Any

from tests.compensation.slow_oracle import PLACES, Deal

Document = dict[str, Any]

KINDS = ("won", "accepted", "held", "paid")
CAPACITIES = ("owned", "sourced")
INDUSTRIES = ("Finance", "Retail", "Energy", "")
MONEY_QUOTAS, COUNT_QUOTAS = ("amount_won", "pipeline"), ("meetings_accepted",)
SHARES = (1_000_000, 1_000_000, 500_000, 333_333, 333_334, 1, 999_999)


def decimal(rng: Random, most: int, places: int) -> str:
    """A number of up to ``places`` decimals, often a round one."""
    if rng.random() < 0.4:
        return str(rng.randint(0, most))
    shown = rng.randint(0, places)
    return f"{rng.uniform(0, most):.{shown}f}"


def _edges(rng: Random, most: int, least: int = 1, count: int = 4) -> list[str]:
    found = sorted(rng.sample(range(1, most), rng.randint(least, count) - 1))
    return ["0", *(str(edge) for edge in found)]


def bands(rng: Random, most: int, rate: int, places: int, value: str = "rate") -> list[Document]:
    starts = _edges(rng, most)
    return [
        {"from": start, value: decimal(rng, rate, places)} | ({"to": end} if end else {})
        for start, end in zip(starts, [*starts[1:], None], strict=True)
    ]


def _row(rng: Random) -> Document:
    return rng.choice(
        (
            {"field": "industry", "is": "one_of", "value": ["finance", "Energy"]},
            {"field": "industry", "is": "is_not", "value": "Retail"},
            {"field": "industry", "is": "is", "value": "Retail"},
            {"field": "amount", "is": "at_least", "value": str(rng.randint(1, 40_000))},
            {"field": "amount", "is": "below", "value": str(rng.randint(1, 40_000))},
            {"field": "figure:seats", "is": "at_least", "value": "3"},
            {"field": "figure:seats", "is": "is_not", "value": "3"},
            {"field": "exploration", "is": "is", "value": rng.choice(("yes", "no"))},
        )
    )


def component(rng: Random, key: str, currency: str) -> Document:
    """One component of any kind that needs no ledger: what is held back and budgets are shown elsewhere."""
    of = rng.choice(("count", "amount", "amount", "figure"))
    measure: Document = {"event": rng.choice(KINDS), "capacity": rng.choice(CAPACITIES), "of": of}
    if of == "figure":
        measure |= rng.choice(({"figure": "margin", "unit": "money"}, {"figure": "seats", "unit": "number"}))
    money = of == "amount" or measure.get("unit") == "money"
    if rng.random() < 0.25:
        measure["where"] = [_row(rng) for _ in range(rng.randint(1, 2))]
    if of != "count" and rng.random() < 0.15:
        measure["term"] = {"figure": "years", "years": rng.choice(("1", "2"))}
    if rng.random() < 0.2:
        measure["not_below_zero"] = "yes"
    if rng.random() < 0.2:
        measure["no_shows"] = "left_out"
    usual = "percent_of_amount" if money else "per_unit"
    pays = rng.choice((usual, usual, usual, "percent_of_target", "target_by_band"))
    found: Document = {"key": key, "name": f"Component {key}", "measure": measure, "pays": pays}
    if pays == "percent_of_target" or rng.random() < 0.4:
        found["quota"] = {"measure": rng.choice(MONEY_QUOTAS if money else COUNT_QUOTAS)}
    by_quota = "quota" in found and (pays == "percent_of_target" or rng.random() < 0.6)
    if by_quota:
        found["bands_in"] = "percent_of_quota"
    if pays in ("percent_of_target", "target_by_band"):
        found["target"] = decimal(rng, 9_000, PLACES[currency])
    _rates(rng, found, money, by_quota)
    if pays != "target_by_band":
        _more(rng, found, money)
    _limits(rng, found, currency)
    return found


def _most(money: bool, by_quota: bool) -> int:
    return 220 if by_quota else 90_000 if money else 12


def _rates(rng: Random, found: Document, money: bool, by_quota: bool) -> None:
    rate = 80 if found["pays"] == "per_unit" else 100 if "target" in found else 25
    usual = found["pays"] in ("per_unit", "percent_of_amount")
    if usual and rng.random() < 0.2:
        sides = ["amount", "total", "figure:seats", *(["attainment"] if "quota" in found else [])]
        columns, rows = rng.sample(sides, 2)
        edges = {"amount": 90_000, "total": 90_000 if money else 12, "figure:seats": 12, "attainment": 220}
        over, down = _edges(rng, edges[columns]), _edges(rng, edges[rows])
        found["rates"] = {
            "method": "grid",
            "columns": {"by": columns, "from": over},
            "rows": {"by": rows, "from": down},
            "rates": [[decimal(rng, rate, 2) for _ in over] for _ in down],
        }
        return
    method = "whole" if found["pays"] == "target_by_band" else rng.choice(("graduated", "graduated", "whole"))
    found["rates"] = {"method": method, "bands": bands(rng, _most(money, by_quota), rate, 3)}
    if usual and rng.random() < 0.2:
        found["rates"]["bands"] = [{"from": "0", "rate": decimal(rng, rate, 3)}]


def _more(rng: Random, found: Document, money: bool) -> None:
    """Accelerators, thresholds, splits, clawback, a SPIFF's days."""
    graduated = found["rates"]["method"] == "graduated"
    factors = []
    if rng.random() < 0.25:
        in_quota = "quota" in found and rng.random() < 0.7
        factors.append(
            {
                "name": "Accelerator",
                "bands_in": "percent_of_quota" if in_quota else "units",
                "method": "graduated" if graduated and rng.random() < 0.7 else "whole",
                "bands": bands(rng, _most(money, in_quota), 3, 2, "times"),
            }
        )
    if rng.random() < 0.2:
        factors.append({"name": "Of a kind", "where": [_row(rng)], "times": decimal(rng, 2, 2)})
    if factors:
        found["multipliers"] = factors
    if rng.random() < 0.25:
        in_quota = "quota" in found and rng.random() < 0.6
        found["threshold"] = {
            "at": str(rng.randint(1, _most(money, in_quota) // 2)),
            "in": "percent_of_quota" if in_quota else "units",
            "pays": rng.choice(("everything", "what_is_above")) if graduated else "everything",
        }
    if rng.random() < 0.2:
        own = rng.randint(1, 100)
        capacity = found["measure"]["capacity"]
        other = next(one for one in CAPACITIES if one != capacity)
        found["split"] = {capacity: str(own), other: str(100 - own)}
    if rng.random() < 0.3:
        found["clawback"] = {
            "within_days": str(rng.choice((30, 90, 365))),
            "method": rng.choice(("full", "pro_rata")),
        }
    if rng.random() < 0.1:
        found["bonus"] = {"from": "2026-01-05", "to": "2026-01-25"}


def _limits(rng: Random, found: Document, currency: str) -> None:
    if rng.random() < 0.2:
        found["cap"] = decimal(rng, 5_000, PLACES[currency])
    if rng.random() < 0.15:
        found["floor"] = decimal(rng, 900, PLACES[currency])
    if "cap" in found and "floor" in found and float(found["floor"]) > float(found["cap"]):
        found["cap"], found["floor"] = found["floor"], found["cap"]


def plan(rng: Random) -> Document:
    currency = rng.choice(("EUR", "EUR", "JPY", "KWD"))
    return {
        "format": "salesportal.plan/2",
        "name": "Any plan",
        "role": "ae",
        "currency": currency,
        "effective_on": "2020-01-01",
        "components": [component(rng, f"c{place}", currency) for place in range(rng.randint(1, 3))],
    }


def deals(rng: Random, document: Document, most: int = 7) -> list[Deal]:
    """Deals that mostly are what the plan looks at."""
    found = []
    for number in range(1, rng.randint(0, most) + 1):
        like = rng.choice(document["components"])["measure"]
        odd = rng.random() < 0.05
        found.append(
            Deal(
                number,
                rng.choice(KINDS) if odd else like["event"],
                rng.choice(CAPACITIES) if odd else like["capacity"],
                rng.choice(SHARES),
                _amount(rng),
                "USD" if rng.random() < 0.02 else document["currency"],
                _figures(rng),
                rng.choice(INDUSTRIES),
                rng.random() < 0.2,
                rng.random() < 0.1,
                date(2026, 1, 1) + timedelta(days=rng.randint(0, 30)),
                rng.choice((0, 1, 29, 30, 89, 200, 364, 365, 500)) if rng.random() < 0.15 else None,
            )
        )  # fmt: skip
    return found


def _amount(rng: Random) -> int | None:
    if rng.random() < 0.05:
        return None
    return rng.choice((-1, 1, 1, 1)) * rng.choice((0, 1, 50, 99, rng.randint(0, 5_000_000)))


def _figures(rng: Random) -> dict[str, str]:
    found = {
        "margin": f"{rng.uniform(-500, 9_000):.2f}",
        "seats": str(rng.randint(0, 12)),
        "years": str(rng.randint(1, 5)),
    }
    if rng.random() < 0.03:
        del found[rng.choice(tuple(found))]
    return found


def quotas(rng: Random) -> dict[str, int | None]:
    found: dict[str, int | None] = {
        "amount_won": rng.randint(1, 9_000_000),
        "pipeline": rng.choice((100_000, 3, 7_777_777)),
        "meetings_accepted": rng.randint(1, 12),
    }
    if rng.random() < 0.02:
        found[rng.choice(tuple(found))] = rng.choice((None, 0))
    return found
