"""Suggest which column is which field, from what columns are called and what their cells look like.

General on purpose: no product is named here. A person looks over it before anything is read.
"""

from collections.abc import Mapping as AnyMapping
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from apps.integrations.rules.kinds import KINDS, FieldOfKind, Kind
from apps.integrations.rules.looks import MOSTLY, Look, is_unclear, numbers_of
from apps.integrations.rules.mappings.column_names import FIRST_NAME, LAST_NAME, likeness, words_of
from apps.integrations.rules.mappings.wordings import meant

ENOUGH = 0.55
_BY_LOOK = 0.6
_MOST_VALUES = 100
_SURELY = 1.01
"""Before a name that says the same: what the cells are is known."""

Samples = AnyMapping[str, Sequence[str]]


@dataclass(frozen=True)
class Suggestion:
    """A field's source, as a mapping says it, and in words why it was suggested."""

    spec: Any
    why: str
    sure: float = 1.0


def suggested(kind: Kind, header: Sequence[str], samples: Samples | None = None) -> dict[str, Any]:
    """Field name → column, or what a mapping says of it where there is more to say."""
    return {name: found.spec for name, found in suggestions(kind, header, samples).items()}


def suggestions(kind: Kind, header: Sequence[str], samples: Samples | None = None) -> dict[str, Suggestion]:
    """Field name → suggestion, in the kind's order. Each column goes to one field, the one that it is most like."""
    looks = {column: Look.of((samples or {}).get(column, ())) for column in header}
    chosen = _assigned(kind, header, looks)
    _join_names(kind, header, chosen)
    found: dict[str, Suggestion] = {}
    for known in kind.fields:
        if known.name in chosen:
            columns, sure = chosen[known.name]
            look = looks[columns[0]]
            found[known.name] = Suggestion(_spec(kind, known, columns, look), _why(columns, look, sure), sure)
    _stand_ins(kind, looks, found)
    return found


def fitness(kind: Kind, name: str, header: Sequence[str], samples: Samples | None = None) -> float:
    """How much a file looks like one of this kind: what must be there, what else is, and the file's name."""
    found = suggestions(kind, header, samples)
    needed = [known.name for known in kind.fields if known.required]
    needed += [
        group[0][0] for group in kind.needs if not any(all(one in found for one in way) for way in group)
    ]
    there = sum(found[one].sure for one in needed if one in found) / len(needed) if needed else 0.5
    if needed and there < 0.5:
        return 0.0
    used = sum(one.sure for one in found.values()) / max(len(kind.fields), min(len(header), 8))
    called = 0.4 if _CALLED[kind.name] & set(words_of(name.rpartition(".")[0])) else 0.0
    return there + used + called


_CALLED = {
    "reps": {"rep", "reps", "employees", "users", "user", "people", "owner", "owners"},
    "quotas": {"quota", "quotas", "targets", "goals"},
    "leads": {"lead", "leads", "contact", "contacts", "people", "persons", "prospects"},
    "hand_offs": {"hand", "handoffs", "handovers"},
    "opportunities": {"opportunity", "opportunities", "deals", "opps", "pipeline"},
    "touches": {"touches", "activities", "activity", "calls", "tasks", "emails", "engagements", "events"},
    "time_off": {"absences", "vacation", "holidays", "leave", "off", "pto"},
    "spend": {"spend", "costs", "budget", "expenses", "ads"},
}


def most_like(name: str, header: Sequence[str], samples: Samples | None = None) -> str:
    """The kind that a file most looks like; "" where it looks like none."""
    fits = {kind.name: fitness(kind, name, header, samples) for kind in KINDS.values()}
    best = max(fits, key=lambda one: fits[one])
    return best if fits[best] > 0 else ""


# --- Which column ---------------------------------------------------------------------------------


def _assigned(
    kind: Kind, header: Sequence[str], looks: AnyMapping[str, Look]
) -> dict[str, tuple[list[str], float]]:
    scored = []
    for order, known in enumerate(kind.fields):
        for place, column in enumerate(header):
            score = _score(kind, known, column, looks[column])
            if score >= ENOUGH:
                scored.append((-score, order, place, known.name, column))
    chosen: dict[str, tuple[list[str], float]] = {}
    taken: set[str] = set()
    for negative, _, _, name, column in sorted(scored):
        if name not in chosen and column not in taken:
            chosen[name] = ([column], min(1.0, -negative))
            taken.add(column)
    return chosen


def _score(kind: Kind, known: FieldOfKind, column: str, look: Look) -> float:
    is_date = known.type in ("day", "instant")
    named = likeness(column, kind=kind.name, field=known.name, is_date=is_date, label=known.label)
    if not look.values:
        return named
    if not _may_be(known, look):
        return 0.0
    if known.name == "outcome":
        return _SURELY if _says_outcome(kind, known, look) else 0.0
    if known.type == "email" and look.emails >= MOSTLY:
        return max(named + 0.1, _BY_LOOK)
    if known.name == "phone" and look.phones >= MOSTLY:
        return max(named + 0.1, _BY_LOOK)
    if is_date:
        return named + 0.1 if named else 0.0
    return named


def _says_outcome(kind: Kind, known: FieldOfKind, look: Look) -> bool:
    """Whether the cells say open, won and lost, and nothing of how far it is."""
    found = {value: choice for value, choice in translated(kind, known, look.values).items() if choice}
    return set(found) == set(look.values) and bool({"won", "lost"} & set(found.values()))


def _may_be(known: FieldOfKind, look: Look) -> bool:
    """Whether the cells can be of the field at all."""
    match known.type:
        case "day" | "instant":
            return bool(look.formats)
        case "amount" | "whole":
            return look.numbers >= MOSTLY
        case "yes_no":
            return look.yes_no >= MOSTLY
        case "email":
            return look.emails >= MOSTLY
        case "id":
            return look.is_unique
        case "currency":
            return all(len(value) == 3 and value.isalpha() for value in look.values)
        case "text" if known.name == "phone":
            return look.emails < MOSTLY and not look.formats
        case "text" | "choice":
            worded = look.emails < MOSTLY and look.links < MOSTLY and not look.formats
            return worded and (known.name in ("note", "comment") or look.numbers < MOSTLY)
    return True


def _join_names(kind: Kind, header: Sequence[str], chosen: dict[str, tuple[list[str], float]]) -> None:
    """First and last name are one field; a column that has both is taken before."""
    if kind.name not in ("leads", "reps"):
        return
    noise = {"contact", "person", "lead", "employees"}
    plain = {column: tuple(word for word in words_of(column) if word not in noise) for column in header}
    both = [next((one for one in header if plain[one] == name), "") for name in (FIRST_NAME, LAST_NAME)]
    taken, sure = chosen.get("name", ([], 0.0))
    if all(both) and (sure < 0.9 or taken[0] in both):
        for name in [name for name, (columns, _) in chosen.items() if columns[0] in both]:
            del chosen[name]
        chosen["name"] = (both, 1.0)


# --- How it is read -------------------------------------------------------------------------------


def _spec(kind: Kind, known: FieldOfKind, columns: list[str], look: Look) -> Any:
    spec: dict[str, Any] = {"columns": columns} if len(columns) > 1 else {"column": columns[0]}
    if known.type in ("day", "instant") and look.formats:
        spec["dates"] = look.formats[:1]
    if known.type == "choice" and look.values:
        spec["values"] = translated(kind, known, look.values)
    if known.type == "rep" and look.values:
        if look.emails >= MOSTLY:
            spec["by"] = "email"
        elif look.full_names >= 0.5:
            spec["by"] = "name"
        if known.may_be_nobody:
            # Somebody who is no rep here, or left: the row is taken without, and it is said how many.
            spec["otherwise"] = ""
    if not known.required and look.values:
        spec["optional"] = True
    return columns[0] if spec == {"column": columns[0]} else spec


def translated(kind: Kind, known: FieldOfKind, values: Sequence[str]) -> dict[str, str]:
    """Each spelling and what it probably means; what means nothing known is left to a person."""
    found = {}
    for value in list(dict.fromkeys(values))[:_MOST_VALUES]:
        choice = meant(value, kind=kind.name, field=known.name, choices=known.choices)
        if choice is not None:
            found[value] = choice
    return found


def _stand_ins(kind: Kind, looks: AnyMapping[str, Look], found: dict[str, Suggestion]) -> None:
    """An e-mail address tells people apart where there is no id; open, won and lost are stages where none is told."""
    outcome = found["outcome"].spec if "outcome" in found else None
    if isinstance(outcome, dict) and "stage" not in found:
        del found["outcome"]
        values = {
            text: "stage_1" if choice == "open" else choice for text, choice in outcome["values"].items()
        }
        found["stage"] = Suggestion({"column": outcome["column"], "values": values}, "open, won or lost", 0.9)
    if kind.name != "leads" or "external_id" in found or "email" not in found:
        return
    column = found["email"].spec if isinstance(found["email"].spec, str) else found["email"].spec["column"]
    if looks[column].is_unique and len(looks[column].values) > 0:
        found["external_id"] = Suggestion(column, "no column is an id, and each address stands once", 0.6)


def _why(columns: Sequence[str], look: Look, sure: float) -> str:
    if len(columns) > 1:
        return "first and last name, joined"
    by = "by its name" if sure > _BY_LOOK else "by its cells"
    unclear = ", day or month first is not clear" if is_unclear(look.formats) else ""
    return ", ".join(filter(None, [by, look.in_words])) + unclear


# --- A document -----------------------------------------------------------------------------------


def numbers_in(samples: Samples) -> dict[str, Any]:
    """How amounts are written in the files, where it can be told."""
    told = [numbers for values in samples.values() if (numbers := numbers_of(values)) is not None]
    if not told:
        return {}
    commas = sum(one.decimal == "," for one in told)
    decimal, thousands = (",", ".") if commas * 2 > len(told) else (".", ",")
    return {"decimal": decimal, "thousands": thousands, "signs": ["$", "€", "£"]}


def dated_today(today: date) -> dict[str, Any]:
    """Where no column says when: the day of the upload, for every row."""
    return {"constant": today.isoformat(), "dates": ["%Y-%m-%d"]}
