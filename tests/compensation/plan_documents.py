"""Plan documents of format 2 for tests: one component, said in as few words as it takes."""

from typing import Any

Document = dict[str, Any]


def bands(*edges_and_rates: str, value: str = "rate") -> list[dict[str, str]]:
    """``bands("10", "100", "20")``: 10 up to 100, 20 from there."""
    rates, edges = edges_and_rates[::2], edges_and_rates[1::2]
    starts, ends = ("0", *edges), (*edges, None)
    return [
        {"from": start, value: rate} | ({} if end is None else {"to": end})
        for start, end, rate in zip(starts, ends, rates, strict=True)
    ]


def graduated(*edges_and_rates: str) -> Document:
    return {"method": "graduated", "bands": bands(*edges_and_rates)}


def whole(*edges_and_rates: str) -> Document:
    return {"method": "whole", "bands": bands(*edges_and_rates)}


def component(rates: Document, *, measure: Document | None = None, **more: Any) -> Document:
    """A component that pays a percentage of what the rep won, unless something else is said."""
    return {
        "key": "only",
        "name": "The only component",
        "measure": {"event": "won", "capacity": "owned", "of": "amount"} | (measure or {}),
        "pays": "percent_of_amount",
        "rates": rates,
    } | more


def plan(*components: Document, **more: Any) -> Document:
    return {
        "format": "salesportal.plan/2",
        "name": "Test plan",
        "role": "ae",
        "currency": "EUR",
        "effective_on": "2020-01-01",
        "components": list(components),
    } | more


QUOTA = {"measure": "amount_won"}
COUNT = {"of": "count"}

OF_EVERY_KIND: dict[str, Document] = {
    "graduated": component(graduated("4", "80", "6"), bands_in="percent_of_quota", quota=QUOTA),
    "whole": component(whole("0.5", "100000", "1.25")),
    "per unit": component(graduated("40.00", "10", "60.00"), measure=COUNT, pays="per_unit"),
    "percent of target": component(
        whole("50", "50", "100"),
        bands_in="percent_of_quota",
        quota=QUOTA,
        pays="percent_of_target",
        target="5000.00",
    ),
    "target by band": component(
        whole("0", "100", "100"),
        bands_in="percent_of_quota",
        quota=QUOTA | {"of": "team"},
        pays="target_by_band",
        target="1200.00",
        scope="team",
    ),
    "grid": component(
        {
            "method": "grid",
            "columns": {"by": "amount", "from": ["0", "50000"]},
            "rows": {"by": "figure:margin_percent", "from": ["0", "15", "20"]},
            "rates": [["9", "10"], ["10", "11"], ["11", "12.5"]],
        }
    ),
    "accelerator": component(
        graduated("10"),
        quota=QUOTA,
        multipliers=[
            {
                "name": "Accelerator",
                "bands_in": "percent_of_quota",
                "method": "graduated",
                "bands": bands("1", "100", "1.5", "120", "2", value="times"),
            }
        ],
    ),
    "decelerator": component(
        graduated("10"),
        quota=QUOTA,
        multipliers=[
            {
                "name": "Decelerator",
                "bands_in": "percent_of_quota",
                "method": "whole",
                "bands": bands("0.5", "50", "1", value="times"),
            }
        ],
    ),
    "multiplier of a kind": component(
        graduated("10"),
        multipliers=[
            {
                "name": "Strategic industries",
                "where": [{"field": "industry", "is": "one_of", "value": ["Finance", "Energy"]}],
                "times": "1.2",
            }
        ],
    ),
    "cliff": component(
        graduated("10"), quota=QUOTA, threshold={"at": "50", "in": "percent_of_quota", "pays": "everything"}
    ),
    "threshold": component(
        graduated("10"), threshold={"at": "50000", "in": "units", "pays": "what_is_above"}
    ),
    "cap and floor": component(graduated("10"), cap="9000.00", floor="500.00"),
    "year to date": component(graduated("10"), basis="year_to_date", quota=QUOTA),
    "team pool": component(graduated("2"), scope="team_pool"),
    "override": component(graduated("3"), scope="managed"),
    "split": component(graduated("10"), split={"sourced": "15", "owned": "85"}),
    "holdback": component(
        graduated("10"),
        holdback={
            "percent": "30",
            "releases": [
                {"on": "paid", "label": "setup invoice", "percent": "50"},
                {"on": "paid", "label": "first subscription invoice", "percent": "50"},
            ],
        },
    ),
    "clawback": component(graduated("10"), clawback={"within_days": "365", "method": "pro_rata"}),
    "spiff": component(
        graduated("100.00"),
        measure=COUNT,
        pays="per_unit",
        bonus={"from": "2026-01-01", "to": "2026-04-01", "budget": "5000.00"},
    ),
    "margin": component(
        graduated("20"),
        measure={"of": "figure", "figure": "margin", "unit": "money", "not_below_zero": "yes"},
    ),
    "seats": component(
        graduated("1.50"), measure={"of": "figure", "figure": "seats", "unit": "number"}, pays="per_unit"
    ),
    "multi-year": component(graduated("13"), measure={"term": {"figure": "term_years", "years": "1"}}),
    "payments": component(graduated("10"), measure={"event": "paid"}),
    "within the definition": component(
        graduated("50.00"),
        measure={
            "event": "accepted",
            "capacity": "sourced",
            "of": "count",
            "where": [{"field": "meets_definition", "is": "is", "value": "yes"}],
        },
        pays="per_unit",
    ),
    "no-shows": component(
        graduated("20.00"),
        measure={"event": "booked", "capacity": "sourced", "of": "count", "no_shows": "left_out"},
        pays="per_unit",
    ),
}
DRAW = {"name": "Monthly draw", "amount": "2000.00", "recoverable": "yes", "paid": "with_the_run"}
