"""What the buttons of the designer do to a document: rows and parts added, taken away, moved, shaped. Pure.

An act is a word and a place (``band:components[0].rates.bands``). What it names that is not there changes
nothing; nothing else of what was typed does.
"""

import copy
import re
from collections.abc import Mapping
from typing import Any

from apps.compensation.rules.sheet import Document, append, is_place, move, next_band, part, put_in, take_out

CONDITION = {"field": "industry", "is": "is", "value": ""}
RELEASE = {"on": "paid", "percent": "100"}
BANDS = {"method": "graduated", "bands": [{"from": "0", "rate": ""}]}
GRID = {
    "method": "grid",
    "columns": {"by": "amount", "from": ["0", "50000"]},
    "rows": {"by": "attainment", "from": ["0", "100"]},
    "rates": [["", ""], ["", ""]],
}


def apply(document: Document, act: str, parts: Mapping[str, Any], kinds: Mapping[str, Any]) -> str:
    """Do ``act`` to ``document``; the place to look at afterwards, "" for none.

    ``parts`` are the optional parts by name, as they begin; ``kinds`` components by kind.
    """
    word, _, rest = act.partition(":")
    place, _, detail = rest.partition(":") if word != "set" else (rest, "", "")
    if word == "set":
        place, _, text = rest.partition("=")
        if is_place(place):
            put_in(document, place, text)
        return place
    if word == "component":
        return _add_component(document, kinds.get(rest))
    if not is_place(place):
        return ""
    if word in ("remove", "take"):
        take_out(document, place)
        return ""
    if word in ("up", "down"):
        at = move(document, place, -1 if word == "up" else 1)
        return re.sub(r"\[\d+\]$", f"[{at}]", place)
    if word == "put":
        return _put_part(document, place, parts)
    return _rows(document, word, place, detail)


def _rows(document: Document, word: str, place: str, detail: str) -> str:
    if word == "band":
        return _add_band(document, place)
    if word == "condition":
        at = append(document, place, dict(CONDITION))
        return f"{place}[{at}].value"
    if word == "release":
        at = append(document, place, dict(RELEASE))
        return f"{place}[{at}].percent"
    if word == "factor":
        return _add_factor(document, place, of_a_kind=detail == "kind")
    if word == "shape" and detail in ("graduated", "whole", "grid"):
        return _shape(document, place, detail)
    if word in ("column", "row", "uncolumn", "unrow"):
        _grid_side(document, place, word, int(detail) if detail.isdigit() else -1)
    return ""


def _add_component(document: Document, kind: Any) -> str:
    if kind is None:
        return ""
    rows = document.get("components")
    taken = (
        {str(one.get("key")) for one in rows if isinstance(one, dict)} if isinstance(rows, list) else set()
    )
    fresh = copy.deepcopy(kind)
    base, number = fresh["key"], 2
    while fresh["key"] in taken:
        fresh["key"] = f"{base}_{number}"
        number += 1
    at = append(document, "components", fresh)
    return f"components[{at}].name"


def _put_part(document: Document, place: str, parts: Mapping[str, Any]) -> str:
    name = next((one for one in parts if place == one or place.endswith(f".{one}")), "")
    if name and part(document, place) is None:
        put_in(document, place, copy.deepcopy(parts[name]))
    return place


def _add_band(document: Document, place: str) -> str:
    bands = part(document, place)
    if not isinstance(bands, list) or not bands:
        value = "times" if ".multipliers[" in place else "rate"
        append(document, place, {"from": "0", value: ""})
        return f"{place}[0].{value}"
    value = "times" if ".multipliers[" in place else "rate"
    edge, fresh = next_band(bands, value)
    if isinstance(bands[-1], dict):
        bands[-1]["to"] = edge
    bands.append(fresh)
    return f"{place}[{len(bands) - 1}].from"


def _add_factor(document: Document, place: str, *, of_a_kind: bool) -> str:
    if of_a_kind:
        fresh: dict[str, Any] = {"name": "Factor", "where": [dict(CONDITION)], "times": "1"}
    else:
        bands = [{"from": "0", "to": "100", "times": "1"}, {"from": "100", "times": "1.5"}]
        fresh = {"name": "Accelerator", "bands_in": "percent_of_quota", "method": "graduated", "bands": bands}
    at = append(document, place, fresh)
    return f"{place}[{at}].name"


def _shape(document: Document, place: str, method: str) -> str:
    """From bands to a grid or back; between graduated and whole the bands stay."""
    rates = part(document, f"{place}.rates")
    if method == "grid":
        if not isinstance(rates, dict) or rates.get("method") != "grid":
            put_in(document, f"{place}.rates", copy.deepcopy(GRID))
    elif isinstance(rates, dict) and "bands" in rates:
        rates["method"] = method
    else:
        put_in(document, f"{place}.rates", copy.deepcopy(BANDS) | {"method": method})
    return f"{place}.rates"


def _grid_side(document: Document, place: str, word: str, at: int) -> None:
    """A column or row more at the end of a grid, or one less."""
    side = "columns" if word.endswith("column") else "rows"
    starts, rates = part(document, f"{place}.{side}.from"), part(document, f"{place}.rates")
    if not isinstance(starts, list) or not isinstance(rates, list):
        return
    columns = part(document, f"{place}.columns.from")
    width = len(columns) if isinstance(columns, list) else 1
    if word == "column":
        starts.append("")
        for row in rates:
            if isinstance(row, list):
                row.append("")
    elif word == "row":
        starts.append("")
        rates.append([""] * width)
    elif 0 <= at < len(starts) and len(starts) > 1:
        del starts[at]
        if word == "unrow":
            del rates[at : at + 1]
        else:
            for row in rates:
                if isinstance(row, list):
                    del row[at : at + 1]
