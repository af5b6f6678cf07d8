"""Rate tables, grids and multipliers as a plan document writes them, read and written back. Pure.

Edges in units are counts, or major units of the currency where the measure is money; edges of attainment are
percentages. A rate is money per unit, or a percentage.
"""

from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Any

from apps.compensation.rules import words
from apps.compensation.rules.conditions import read_conditions, write_conditions
from apps.compensation.rules.rates import Axis, Band, Grid, Method, RateTable
from apps.compensation.rules.reading import Reader
from apps.compensation.rules.terms import ONE, Component, Measure, Multiplier
from apps.compensation.rules.vocabulary import BandsIn, Pays

Edges = list[tuple[str, Fraction, Fraction | None, Fraction]]


def plain(value: Fraction) -> str:
    """A finite decimal without grouping: ``1234.5``; the inverse of ``Reader.number``."""
    places = words.places_of(value)
    assert places is not None, "what was read from a decimal is one"
    digits = f"{abs(value) * 10**places}".rjust(places + 1, "0")
    text = f"{digits[:-places]}.{digits[-places:]}" if places else digits
    return f"-{text}" if value < 0 else text


def padded(value: Fraction, places: int) -> str:
    """As ``plain``, with ``places`` decimals at least: money as people write it."""
    text = plain(value)
    decimals = len(text.partition(".")[2])
    if places <= decimals:
        return text
    return text + ("" if decimals else ".") + "0" * (places - decimals)


def rate_places(pays: Pays, currency: str) -> int:
    """How many decimals a rate is written with at least; none for a share of a target."""
    if pays is Pays.PER_UNIT:
        return words.exponent(currency)
    return 2 if pays is Pays.PERCENT_OF_AMOUNT else 0


def edge_scale(measure: Measure, in_quota: bool, currency: str) -> Fraction:
    """What a written edge is multiplied by: to a fraction of the quota, to minor units, or nothing."""
    if in_quota:
        return Fraction(1, 100)
    return Fraction(10 ** words.exponent(currency) if measure.sums_amounts else 1)


def rate_scale(pays: Pays, currency: str) -> Fraction:
    """What a written rate is multiplied by: to minor units per unit, or to a fraction of one."""
    return Fraction(10 ** words.exponent(currency)) if pays is Pays.PER_UNIT else Fraction(1, 100)


# --- Rates ----------------------------------------------------------------------------------------


def read_rates(
    read: Reader, item: Mapping[str, Any], place: str, measure: Measure, pays: Pays, bands_in: BandsIn
) -> RateTable | Grid:
    """``rates`` of a component: bands under a method, or a grid."""
    if item.get("method") == "grid":
        return _read_grid(read, item, place, measure, pays)
    read.known_keys(item, place, "method", "bands")
    method = Method(read.choice(item, "method", place, (*(one.value for one in Method), "grid")))
    in_quota = bands_in is BandsIn.PERCENT_OF_QUOTA
    scale = edge_scale(measure, in_quota, read.currency)
    return RateTable(
        method, _read_bands(read, item, place, "rate", scale, rate_scale(pays, read.currency), in_quota)
    )


def _read_bands(
    read: Reader,
    item: Mapping[str, Any],
    place: str,
    value: str,
    scale: Fraction,
    by: Fraction,
    in_quota: bool,
) -> tuple[Band, ...]:
    edges: Edges = []
    for where, band in read.items(item, "bands", place):
        read.known_keys(band, where, "from", "to", value)
        lower = read.number(band.get("from"), f"{where}.from")
        upper = read.number(band["to"], f"{where}.to") if band.get("to") is not None else None
        edges.append((where, lower, upper, read.number(band.get(value), f"{where}.{value}") * by))
    _contiguous(read, edges)
    unit = " % of quota" if in_quota else ""
    flat = len(edges) == 1
    return tuple(
        Band(
            lower * scale,
            None if upper is None else upper * scale,
            rate,
            "flat" if flat else _label(lower, upper, unit),
        )
        for _, lower, upper, rate in edges
    )


def _label(lower: Fraction, upper: Fraction | None, unit: str) -> str:
    if upper is None:
        return f"{words.decimal(lower)}{unit} and more"
    return f"{words.decimal(lower)} to {words.decimal(upper)}{unit}"


def _contiguous(read: Reader, edges: Edges) -> None:
    """Bands begin at zero, follow each other without a gap or an overlap, and the last has no end."""
    expected: Fraction | None = Fraction(0)
    for index, (where, lower, upper, _) in enumerate(edges):
        if expected is None:
            read.wrong(f"{where}.from", "The band above has no end, so nothing can follow it.")
        elif index == 0 and lower != 0:
            read.wrong(f"{where}.from", "The first band starts at 0.")
        elif lower > expected:
            gap = f"{words.decimal(expected)} to {words.decimal(lower)}"
            read.wrong(f"{where}.from", f"{gap} has no rate. Start at {words.decimal(expected)}.")
        elif lower < expected:
            twice = f"{words.decimal(lower)} to {words.decimal(expected)}"
            read.wrong(f"{where}.from", f"{twice} has two rates. Start at {words.decimal(expected)}.")
        if upper is not None and upper <= lower:
            read.wrong(f"{where}.to", "A band ends above where it starts.")
        expected = upper
    if edges and expected is not None:
        read.wrong(
            f"{edges[-1][0]}.to", "The last band has no end: leave “to” out, or nothing above is paid."
        )


def write_rates(component: Component, currency: str) -> dict[str, Any]:
    """The inverse of ``read_rates``."""
    by = rate_scale(component.pays, currency)
    if isinstance(component.rates, Grid):
        return _write_grid(component.rates, component.measure, by, currency)
    in_quota = component.bands_in is BandsIn.PERCENT_OF_QUOTA
    scale = edge_scale(component.measure, in_quota, currency)
    return {
        "method": component.rates.method.value,
        "bands": _write_bands(
            component.rates.bands, "rate", scale, by, rate_places(component.pays, currency)
        ),
    }


def _write_bands(
    bands: Sequence[Band], value: str, scale: Fraction, by: Fraction, places: int = 0
) -> list[dict[str, str]]:
    return [
        {"from": plain(band.lower / scale)}
        | ({} if band.upper is None else {"to": plain(band.upper / scale)})
        | {value: padded(band.rate / by, places)}
        for band in bands
    ]


# --- Grids ----------------------------------------------------------------------------------------


def _read_grid(read: Reader, item: Mapping[str, Any], place: str, measure: Measure, pays: Pays) -> Grid:
    read.known_keys(item, place, "method", "columns", "rows", "rates")
    columns = _read_axis(read, read.mapping(item, "columns", place), f"{place}.columns", measure)
    rows = _read_axis(read, read.mapping(item, "rows", place), f"{place}.rows", measure)
    by = rate_scale(pays, read.currency)
    written = item.get("rates")
    rates = []
    if not isinstance(written, list) or len(written) != len(rows.starts):
        read.wrong(f"{place}.rates", f"Give {len(rows.starts)} rows of rates, one for each band of the rows.")
        written = []
    for number, row in enumerate(written):
        where = f"{place}.rates[{number}]"
        if not isinstance(row, list) or len(row) != len(columns.starts):
            read.wrong(where, f"Give {len(columns.starts)} rates, one for each band of the columns.")
            continue
        rates.append(tuple(read.number(rate, f"{where}[{at}]") * by for at, rate in enumerate(row)))
    return Grid(columns, rows, tuple(rates))


def _axis_scale(by: str, measure: Measure, currency: str) -> Fraction:
    if by == "attainment":
        return Fraction(1, 100)
    money = by == "amount" or (by == "total" and measure.sums_amounts)
    return Fraction(10 ** words.exponent(currency) if money else 1)


def _read_axis(read: Reader, item: Mapping[str, Any], place: str, measure: Measure) -> Axis:
    read.known_keys(item, place, "by", "from")
    by = item.get("by")
    if by not in ("amount", "total", "attainment") and not (
        isinstance(by, str) and by.startswith("figure:") and len(by) > len("figure:")
    ):
        read.wrong(f"{place}.by", "Choose amount, total, attainment or figure:NAME.")
        by = "amount"
    written = item.get("from")
    if not isinstance(written, list) or not written:
        read.wrong(f"{place}.from", "Give where each band begins, the first at 0.")
        written = ["0"]
    starts = [read.number(edge, f"{place}.from[{at}]") for at, edge in enumerate(written)]
    if starts[0] != 0:
        read.wrong(f"{place}.from[0]", "The first band starts at 0.")
    for at in range(1, len(starts)):
        if starts[at] <= starts[at - 1]:
            read.wrong(f"{place}.from[{at}]", "Each band starts above the one before it.")
    ends: list[Fraction | None] = [*starts[1:], None]
    unit = " % of quota" if by == "attainment" else ""
    name = str(by).removeprefix("figure:").replace("_", " ")
    labels = tuple(f"{name} {_label(low, high, unit)}" for low, high in zip(starts, ends, strict=True))
    scale = _axis_scale(str(by), measure, read.currency)
    return Axis(str(by), tuple(start * scale for start in starts), labels)


def _write_grid(grid: Grid, measure: Measure, by: Fraction, currency: str) -> dict[str, Any]:
    def axis(one: Axis) -> dict[str, Any]:
        scale = _axis_scale(one.by, measure, currency)
        return {"by": one.by, "from": [plain(start / scale) for start in one.starts]}

    return {
        "method": "grid",
        "columns": axis(grid.columns),
        "rows": axis(grid.rows),
        "rates": [[plain(rate / by) for rate in row] for row in grid.rates],
    }


# --- Multipliers ----------------------------------------------------------------------------------


def read_multipliers(
    read: Reader,
    component: Mapping[str, Any],
    place: str,
    measure: Measure,
    rates: RateTable | Grid,
    has_quota: bool,
) -> tuple[Multiplier, ...]:
    """``multipliers`` of a component; at most one is graduated, over graduated rates."""
    if "multipliers" not in component:
        return ()
    found = []
    for where, item in read.items(component, "multipliers", place):
        name = read.text(item, "name", where)
        if "where" in item:
            read.known_keys(item, where, "name", "where", "times")
            conditions = read_conditions(read, item, where)
            times = read.number(item.get("times"), f"{where}.times")
            found.append(Multiplier(name, conditions=conditions, times=times))
            continue
        read.known_keys(item, where, "name", "bands_in", "method", "bands")
        in_quota = read.choice(item, "bands_in", where, [one.value for one in BandsIn]) == "percent_of_quota"
        if in_quota and not has_quota:
            read.wrong(f"{where}.bands_in", "Say in “quota” which quota this is measured against.")
        method = Method(read.choice(item, "method", where, [one.value for one in Method]))
        graduated_rates = isinstance(rates, RateTable) and rates.method is Method.GRADUATED
        if method is Method.GRADUATED and not graduated_rates:
            read.wrong(f"{where}.method", "Only graduated rates take a graduated multiplier: write whole.")
        scale = edge_scale(measure, in_quota, read.currency)
        bands = _read_bands(read, item, where, "times", scale, ONE, in_quota)
        found.append(Multiplier(name, bands, in_quota, method))
    if sum(bool(one.bands) and one.method is Method.GRADUATED for one in found) > 1:
        read.wrong(f"{place}.multipliers", "One multiplier at most is graduated.")
    return tuple(found)


def write_multipliers(component: Component, currency: str) -> list[dict[str, Any]]:
    """The inverse of ``read_multipliers``."""
    found: list[dict[str, Any]] = []
    for one in component.multipliers:
        if one.conditions:
            found.append(
                {"name": one.name, "where": write_conditions(one.conditions), "times": plain(one.times)}
            )
            continue
        scale = edge_scale(component.measure, one.in_quota, currency)
        found.append(
            {
                "name": one.name,
                "bands_in": (BandsIn.PERCENT_OF_QUOTA if one.in_quota else BandsIn.UNITS).value,
                "method": one.method.value,
                "bands": _write_bands(one.bands, "times", scale, ONE),
            }
        )
    return found
