"""A plan document as a sheet of typed texts, one for each place, and back. Pure.

Places are those that the reader's problems name (``components[0].rates.bands[1].from``), so that what is wrong
stands at its field. Nothing is checked here: whatever was typed comes back as it was. A text that is left empty
is a field that is left out.
"""

import re
from collections.abc import Iterator, Mapping
from fractions import Fraction
from typing import Any

from apps.compensation.rules.tables import plain

Document = dict[str, Any]

_PLACE = re.compile(r"[a-z_0-9]+|\[\d{1,3}\]")
_WHOLE_PLACE = re.compile(
    r"(?:[a-z_0-9]{1,40}(?:\[\d{1,3}\]){0,2})(?:\.[a-z_0-9]{1,40}(?:\[\d{1,3}\]){0,2}){0,8}"
)
MOST_FIELDS = 4000
HEADS = (
    "format", "name", "role", "currency", "effective_on", "ends_on", "notes", "draw", "components",
)  # fmt: skip


def steps_of(place: str) -> list[str | int]:
    """``components[0].rates`` as ``["components", 0, "rates"]``."""
    return [int(one[1:-1]) if one[0] == "[" else one for one in _PLACE.findall(place)]


def is_place(name: str) -> bool:
    """Whether ``name`` can be a place in a document at all."""
    return _WHOLE_PLACE.fullmatch(name) is not None


def to_fields(document: Mapping[str, Any]) -> dict[str, str]:
    """Every value of ``document`` as the text of its place, in the order of the document."""
    return dict(_texts(document, ""))


def _texts(value: Any, place: str) -> Iterator[tuple[str, str]]:
    if isinstance(value, Mapping):
        for key, inner in value.items():
            yield from _texts(inner, f"{place}.{key}" if place else str(key))
    elif isinstance(value, list):
        if place.endswith(".value"):
            yield place, ", ".join(str(one) for one in value)
        else:
            for index, inner in enumerate(value):
                yield from _texts(inner, f"{place}[{index}]")
    elif value is not None:
        yield place, str(value)


def from_fields(fields: Mapping[str, str]) -> Document:
    """The document that was typed. What does not belong where it stands is left out (``relevant``)."""
    root: dict[Any, Any] = {}
    for place, text in list(fields.items())[:MOST_FIELDS]:
        if not is_place(place):
            continue
        steps = steps_of(place)
        if steps[0] not in HEADS:
            continue
        _put(root, steps, text.strip())
    document = _listed(root)
    return relevant(document) if isinstance(document, dict) else {}


def _put(node: dict[Any, Any], steps: list[str | int], text: str) -> None:
    for step in steps[:-1]:
        inner = node.setdefault(step, {})
        if not isinstance(inner, dict):
            return
        node = inner
    last = steps[-1]
    if text or isinstance(last, int):
        node[last] = text


def _listed(node: Any) -> Any:
    """Objects whose keys are all numbers become lists, in the order of the numbers."""
    if not isinstance(node, dict):
        return node
    if node and all(isinstance(key, int) for key in node):
        return [_listed(node[key]) for key in sorted(node)]
    return {key: _listed(value) for key, value in node.items() if not isinstance(key, int)}


_USUAL = {"scope": "own", "basis": "run", "bands_in": "units"}
_USUAL_MEASURE = {"not_below_zero": "no"}


# --- What belongs where ---------------------------------------------------------------------------


def relevant(document: Document) -> Document:
    """The same without what the choices of a form leave out: a figure's name where nothing is a figure."""
    for component in _objects(document.get("components")):
        measure = component.get("measure")
        if isinstance(measure, dict):
            if measure.get("of") != "figure":
                measure.pop("figure", None)
                measure.pop("unit", None)
            _split_values(measure.get("where"))
            _leave_out(measure, _USUAL_MEASURE)
        _leave_out(component, _USUAL)
        if component.get("pays") not in ("percent_of_target", "target_by_band"):
            component.pop("target", None)
        for one in _objects(component.get("multipliers")):
            _split_values(one.get("where"))
        holdback = component.get("holdback")
        if isinstance(holdback, dict):
            for release in _objects(holdback.get("releases")):
                if release.get("on") != "paid":
                    release.pop("label", None)
    return document


def _leave_out(value: dict[str, Any], usual: Mapping[str, str]) -> None:
    """What is as usual is not written."""
    for key, text in usual.items():
        if value.get(key) == text:
            del value[key]


def _objects(value: Any) -> list[dict[str, Any]]:
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def _split_values(rows: Any) -> None:
    """Of a condition that asks for one of several, the text is a list, parted by commas."""
    for row in _objects(rows):
        value = row.get("value")
        if row.get("is") == "one_of" and isinstance(value, str):
            row["value"] = [one.strip() for one in value.split(",") if one.strip()]


# --- Finding and changing parts -------------------------------------------------------------------


def part(document: Any, place: str) -> Any:
    """What stands at ``place``; ``None`` where nothing does."""
    found = document
    for step in steps_of(place):
        if isinstance(step, int):
            if not isinstance(found, list) or step >= len(found):
                return None
            found = found[step]
        else:
            if not isinstance(found, Mapping) or step not in found:
                return None
            found = found[step]
    return found


def _split_last(place: str) -> tuple[str, str | int]:
    steps = steps_of(place)
    last = steps[-1]
    cut = f"[{last}]" if isinstance(last, int) else str(last)
    return place[: -len(cut)].rstrip("."), last


def put_in(document: Document, place: str, value: Any) -> None:
    """Let ``value`` stand at ``place``, whose surroundings exist; elsewhere nothing happens."""
    parent_place, last = _split_last(place)
    parent = part(document, parent_place) if parent_place else document
    if isinstance(last, int):
        if isinstance(parent, list) and last < len(parent):
            parent[last] = value
    elif isinstance(parent, dict):
        parent[last] = value


def take_out(document: Document, place: str) -> None:
    """Take away what stands at ``place``: a part, or a row of a list. The last row takes its list with it."""
    parent_place, last = _split_last(place)
    parent = part(document, parent_place) if parent_place else document
    if isinstance(last, int):
        if isinstance(parent, list) and last < len(parent):
            del parent[last]
            if not parent and not parent_place.endswith(("components", "bands")):
                take_out(document, parent_place)
    elif isinstance(parent, dict):
        parent.pop(last, None)


def append(document: Document, place: str, value: Any) -> int:
    """Add a row to the list at ``place``, which begins with it if need be; the number of the row."""
    rows = part(document, place)
    if not isinstance(rows, list):
        rows = []
        put_in(document, place, rows)
    rows.append(value)
    return len(rows) - 1


def move(document: Document, place: str, by: int) -> int:
    """Let a row change places with the next (``by`` 1) or the one before (-1); where it stands then."""
    parent_place, at = _split_last(place)
    rows = part(document, parent_place)
    if not isinstance(at, int) or not isinstance(rows, list) or not 0 <= at + by < len(rows):
        return at if isinstance(at, int) else 0
    rows[at], rows[at + by] = rows[at + by], rows[at]
    return at + by


def number_of(text: Any) -> Fraction | None:
    """What was typed as a number; ``None`` where it is none."""
    try:
        return Fraction(str(text)) if re.fullmatch(r"\s*\d{1,15}(\.\d{1,15})?\s*", str(text)) else None
    except ValueError:
        return None


def next_band(bands: list[Any], value: str) -> tuple[str, dict[str, str]]:
    """Where the last band ends when another follows it, and that one: as wide, at the same rate."""
    last = bands[-1] if bands and isinstance(bands[-1], dict) else {}
    begins = number_of(last.get("from")) or Fraction(0)
    before = bands[-2] if len(bands) > 1 and isinstance(bands[-2], dict) else {}
    width = begins - (number_of(before.get("from")) or Fraction(0)) if begins else Fraction(0)
    edge = number_of(last.get("to")) or begins + (width if width > 0 else Fraction(10))
    text = plain(edge)
    return text, {"from": text, value: str(last.get(value, ""))}


def mends(document: Document, place: str) -> list[tuple[str, str, str]]:
    """Ways to mend an edge that leaves a gap or an overlap: (what it says, place, text)."""
    found = re.fullmatch(r"(.*bands)\[(\d+)\]\.from", place)
    if found is None:
        return []
    bands, at = part(document, found.group(1)), int(found.group(2))
    if not isinstance(bands, list) or at >= len(bands) or not isinstance(bands[at], dict):
        return []
    if at == 0:
        return [("Start at 0", place, "0")]
    above = bands[at - 1].get("to") if isinstance(bands[at - 1], dict) else None
    end, begin = number_of(above), number_of(bands[at].get("from"))
    ways = []
    if end is not None:
        ways.append((f"Start at {above}", place, str(above)))
    if begin is not None and begin > (number_of(bands[at - 1].get("from")) or 0):
        text = str(bands[at]["from"]).strip()
        ways.append((f"end the band above at {text}", f"{found.group(1)}[{at - 1}].to", text))
    return ways
