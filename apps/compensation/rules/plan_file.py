"""A plan document as the text of a file, for people to read; and its fingerprint. Pure.

The text holds every value exactly as it was written, whatever order a database gave the fields back in, so
that a file that is loaded and exported again is the same, byte by byte.
"""

import hashlib
import json
from typing import Any

_ORDER = {
    name: place
    for place, name in enumerate(
        """
        format key name role currency effective_on ends_on notes draw amount recoverable paid forgiven_on
        components measure event capacity of figure unit other_currencies field is value where term years
        not_below_zero no_shows scope basis split sourced owned quota ramp_percent pays target bands_in rates
        method columns rows by bands from to rate times multipliers threshold at in cap floor holdback on label
        percent releases clawback within_days bonus budget
        """.split()
    )
}
_WIDTH = 100


def document_fingerprint(document: Any) -> str:
    """SHA-256 of what a document says, whatever the order of its fields."""
    text = json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


def plan_text(document: Any) -> str:
    """The file of a plan: JSON, fields in the order in which one reads them, short parts on one line."""
    return _lines(document, "") + "\n"


def _lines(value: Any, indent: str) -> str:
    if not isinstance(value, dict | list) or not value:
        return _flat(value)
    short = _flat(value)
    if indent and len(indent) + len(short) <= _WIDTH:
        return short
    inner = indent + "  "
    if isinstance(value, list):
        parts = [inner + _lines(one, inner) for one in value]
        return "[\n" + ",\n".join(parts) + f"\n{indent}]"
    parts = [f"{inner}{_flat(name)}: {_lines(value[name], inner)}" for name in _in_order(value)]
    return "{\n" + ",\n".join(parts) + f"\n{indent}}}"


def _flat(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{_flat(name)}: {_flat(value[name])}" for name in _in_order(value)) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(_flat(one) for one in value) + "]"
    return json.dumps(value, ensure_ascii=False)


def _in_order(value: dict[str, Any]) -> list[str]:
    return sorted(value, key=lambda name: (_ORDER.get(name, len(_ORDER)), name))
