"""A plan document as the designer shows it: cells with label, value and choices, in sections. No queries.

Each cell is called by its place in the document; so are problems, which stand at the cell they name, or at the
nearest section around it.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from apps.compensation.presentation_plans import (
    BANDS_IN,
    BASIS_NAMES,
    FACTOR_ON,
    METHOD_SAYS,
    METHODS,
    OPTIONAL_PARTS,
    OTHER_CURRENCIES,
    PAYS_NAMES,
    ROLE_NAMES,
    SCOPE_NAMES,
    YES_NO,
    Cell,
    Choices,
    Problem,
    Row,
    Section,
    named,
    rate_change,
    slug,
)
from apps.compensation.rules.currencies import ISO_4217
from apps.compensation.rules.limits import RELEASING
from apps.compensation.rules.plan import ROLES
from apps.compensation.rules.sheet import mends, part, to_fields
from apps.compensation.rules.terms import (
    CAPACITIES,
    COUNTS_WHEN,
    OPERATORS,
    PAYABLE_EVENTS,
    QUOTA_MEASURES,
)


class Sheet:
    """The cells of one document. ``problems`` are by place; ``compared`` is the other version's document."""

    def __init__(
        self,
        document: Mapping[str, Any],
        problems: Sequence[tuple[str, str]] = (),
        compared: Mapping[str, Any] | None = None,
    ) -> None:
        self.document = dict(document)
        self.currency = str(document.get("currency", ""))
        self._texts = to_fields(document)
        self._problems: dict[str, list[Problem]] = {}
        for place, says in problems:
            ways = mends(self.document, place)
            self._problems.setdefault(place, []).append(Problem(slug(place or "plan"), says, ways))
        self._compared = {
            str(one.get("key")): one
            for one in (compared or {}).get("components", [])
            if isinstance(one, dict)
        }

    # --- Cells --------------------------------------------------------------------------------------

    def cell(self, place: str, label: str, choices: Choices = (), **more: Any) -> Cell:
        value, usual = self._texts.get(place, ""), more.pop("default", "")
        if choices and value not in [one for one, _ in choices]:
            choices = [*choices, (value, value)] if value else choices
        kind = "select" if choices else more.pop("kind", "text")
        cell = Cell(place, label, value or usual, choices, kind, **more)
        cell.problems = self._problems.pop(place, [])
        return cell

    def head(self) -> Section:
        """What the plan says as a whole."""
        found = Section("", "Plan")
        found.cells = [
            self.cell("name", "Name"),
            self.cell("role", "For", named(ROLES, ROLE_NAMES)),
            self.cell("currency", "Currency", [(one, one) for one in sorted(ISO_4217)]),
            self.cell("effective_on", "In effect from", kind="day"),
            self.cell("ends_on", "Until, not including", kind="day", hint="Empty: until another follows."),
            self.cell("notes", "In your words", kind="area", hint="Those whom it pays read this first."),
        ]
        return found

    def draw(self) -> Section | None:
        if not isinstance(self.document.get("draw"), dict):
            return None
        found = Section("draw", "Draw", note="for each pay period, by days on the plan", drop="take:draw")
        found.cells = [
            self.cell("draw.name", "Name"),
            self.cell("draw.amount", "Amount", affix=self.currency),
            self.cell("draw.recoverable", "Taken back from later pay", YES_NO),
            self.cell("draw.paid", "Paid", (("with_the_run", "with the run"), ("in_advance", "in advance"))),
            self.cell("draw.forgiven_on", "Given up on", kind="day", hint="What is owed then is forgiven."),
        ]
        found.problems = self._around("draw")
        return found

    def component(self, number: int) -> list[Section]:
        """The sections of one component."""
        at = f"components[{number}]"
        if not isinstance(part(self.document, at), dict):
            return []
        sections = [
            self._basics(at),
            self._rates(at),
            self._conditions(f"{at}.measure.where", "Counts when all of this holds"),
            *self._parts(at),
            *self._multipliers(at),
            self._bounds(at),
        ]
        for one in sections:
            one.problems += self._around(one.place) if one.place != at else []
        sections[0].problems += self._around(at)
        return sections

    def left_over(self) -> list[Problem]:
        """Problems that stand at no cell that is shown."""
        return [one for found in self._problems.values() for one in found]

    def _around(self, place: str) -> list[Problem]:
        inside = [one for one in self._problems if one == place or one.startswith((f"{place}.", f"{place}["))]
        return [problem for one in inside for problem in self._problems.pop(one)]

    def _text(self, place: str) -> str:
        return self._texts.get(place, "")

    # --- The sections of a component ----------------------------------------------------------------

    def _basics(self, at: str) -> Section:
        found = Section(at, "What is measured", note="activity alone never pays")
        events = named(tuple(PAYABLE_EVENTS), COUNTS_WHEN)
        found.cells = [
            self.cell(f"{at}.name", "Name"),
            self.cell(f"{at}.key", "Key", hint="Stays over versions: by it pay is compared and posted."),
            self.cell(f"{at}.measure.event", "Counts when", events),
            self.cell(
                f"{at}.measure.capacity",
                "Credited to",
                named(CAPACITIES, {"sourced": "who sourced it (SDR)", "owned": "who owns it (AE)"}),
            ),
            self.cell(
                f"{at}.measure.of",
                "Of each",
                (("count", "it is counted"), ("amount", "its amount"), ("figure", "another figure")),
            ),
            self.cell(f"{at}.measure.figure", "Figure", only_if="figure", hint="margin, seats …"),
            self.cell(
                f"{at}.measure.unit", "In", (("money", "money"), ("number", "a number")), only_if="figure"
            ),
            self.cell(f"{at}.scope", "Whose", named(tuple(SCOPE_NAMES), SCOPE_NAMES), default="own"),
            self.cell(
                f"{at}.basis", "Bands run on over", named(tuple(BASIS_NAMES), BASIS_NAMES), default="run"
            ),
            self.cell(
                f"{at}.measure.no_shows",
                "No-shows",
                (("", "as usual"), ("left_out", "left out"), ("pay", "pay")),
                hint="Usual: left out for bookings and hand-offs.",
            ),
            self.cell(f"{at}.measure.not_below_zero", "Below zero counts as zero", YES_NO, default="no"),
            self.cell(f"{at}.measure.other_currencies", "Other currencies", OTHER_CURRENCIES),
        ]
        return found

    def _rates(self, at: str) -> Section:
        place, method = f"{at}.rates", self._text(f"{at}.rates.method") or "graduated"
        found = Section(place, "Rates", kind="grid" if method == "grid" else "bands")
        found.note = METHOD_SAYS.get(method, "")
        pays = self._text(f"{at}.pays")
        found.cells = [
            self.cell(f"{at}.pays", "Pays", named(tuple(PAYS_NAMES), PAYS_NAMES)),
            self.cell(f"{at}.target", "Target incentive", affix=self.currency, only_if="target"),
            self.cell(f"{at}.bands_in", "Edges are in", BANDS_IN, default="units"),
        ]
        unit = self._unit(at)
        unit_word = self.currency + f" per {unit}" if pays == "per_unit" else "%"
        found.extra = {
            "method": method,
            "methods": METHODS,
            "shape": f"shape:{at}",
            "method_cell": f"{place}.method",
            "rate_word": unit_word,
            "edge_word": "% of quota"
            if self._text(f"{at}.bands_in") == "percent_of_quota"
            else self._edge_word(at),
        }
        if method == "grid":
            found.extra["grid"] = self._grid(place)
        else:
            found.rows = self._bands(f"{place}.bands", "rate", self._compared_bands(at))
            found.adds = [(f"band:{place}.bands", "Band")]
        return found

    def _unit(self, at: str) -> str:
        if self._text(f"{at}.measure.of") == "figure":
            return self._text(f"{at}.measure.figure").replace("_", " ").removesuffix("s") or "unit"
        return PAYABLE_EVENTS.get(self._text(f"{at}.measure.event"), "unit")

    def _edge_word(self, at: str) -> str:
        of, unit = self._text(f"{at}.measure.of"), self._text(f"{at}.measure.unit")
        return (
            self.currency if of == "amount" or (of == "figure" and unit == "money") else f"{self._unit(at)}s"
        )

    def _compared_bands(self, at: str) -> list[Any] | None:
        """The bands that the compared version has in the component of the same key."""
        other = self._compared.get(self._text(f"{at}.key"))
        if other is None or self._text(f"{at}.pays") != other.get("pays"):
            return None
        found = part(other, "rates.bands")
        return found if isinstance(found, list) else None

    def _bands(self, place: str, value: str, compared: list[Any] | None = None) -> list[Row]:
        bands = part(self.document, place)
        bands = bands if isinstance(bands, list) else []
        found = []
        for number in range(len(bands)):
            at, last = f"{place}[{number}]", number == len(bands) - 1
            cells = [
                self.cell(f"{at}.from", f"Band {number + 1} from"),
                self.cell(f"{at}.to", f"Band {number + 1} up to, not including"),
                self.cell(f"{at}.{value}", f"Band {number + 1} {value}"),
            ]
            row = Row(at, f"band {number + 1}", cells, number == 0, last)
            if compared is not None:
                row.was, row.change = rate_change(compared, number, self._text(f"{at}.{value}"))
            found.append(row)
        return found

    def _grid(self, place: str) -> dict[str, Any]:
        columns = part(self.document, f"{place}.columns.from") or []
        rows = part(self.document, f"{place}.rows.from") or []
        return {
            "columns_by": self.cell(f"{place}.columns.by", "Columns go by", listed="axes"),
            "rows_by": self.cell(f"{place}.rows.by", "Rows go by", listed="axes"),
            "columns": [
                self.cell(f"{place}.columns.from[{at}]", f"Column {at + 1} from")
                for at in range(len(columns))
            ],
            "rows": [
                (
                    self.cell(f"{place}.rows.from[{row}]", f"Row {row + 1} from"),
                    [
                        self.cell(f"{place}.rates[{row}][{at}]", f"Rate of row {row + 1}, column {at + 1}")
                        for at in range(len(columns))
                    ],
                )
                for row in range(len(rows))
            ],
            "place": place,
        }

    def _conditions(self, place: str, title: str) -> Section:
        found = Section(place, title, kind="rows", note="nothing here: every one counts")
        found.rows = self._condition_rows(place)
        found.adds = [(f"condition:{place}", "Condition")]
        return found

    def _condition_rows(self, place: str) -> list[Row]:
        rows = part(self.document, place)
        rows = rows if isinstance(rows, list) else []
        return [
            Row(
                f"{place}[{at}]",
                f"condition {at + 1}",
                [
                    self.cell(f"{place}[{at}].field", "What", listed="fields"),
                    self.cell(f"{place}[{at}].is", "Holds when it", named(tuple(OPERATORS), OPERATORS)),
                    self.cell(f"{place}[{at}].value", "Value", hint="several: parted by commas"),
                ],
            )
            for at in range(len(rows))
        ]

    def _parts(self, at: str) -> list[Section]:
        """The optional parts that the component has."""
        shapes: dict[str, Sequence[tuple[str, str, Choices, dict[str, Any]]]] = {
            "quota": (
                ("measure", "Measured by", named(tuple(QUOTA_MEASURES)), {}),
                ("of", "Whose quota", (("rep", "the rep’s own"), ("team", "the team’s")), {"default": "rep"}),
                ("ramp_percent", "A day of the ramp counts for", (), {"after": "%", "hint": "Empty: 100 %."}),
            ),
            "split": (
                ("sourced", "Who sourced it", (), {"after": "%"}),
                ("owned", "Who owns it", (), {"after": "%"}),
            ),
            "measure.term": (
                ("figure", "Years are in the figure", (), {}),
                ("years", "Years that count", (), {}),
            ),
            "threshold": (
                ("at", "Below this nothing is paid", (), {}),
                ("in", "In", BANDS_IN, {}),
                (
                    "pays",
                    "Once reached",
                    (("everything", "everything counts"), ("what_is_above", "only what is above counts")),
                    {},
                ),
            ),
            "holdback": (("percent", "Held back", (), {"after": "%"}),),
            "clawback": (
                ("within_days", "When reversed within", (), {"after": "days"}),
                ("method", "Taken back", (("full", "in full"), ("pro_rata", "day by day")), {}),
            ),
            "bonus": (
                ("from", "First day", (), {"kind": "day"}),
                ("to", "Until, not including", (), {"kind": "day"}),
                ("budget", "Budget for all", (), {"affix": self.currency, "hint": "Empty: none."}),
            ),
        }
        found = []
        for name, cells in shapes.items():
            place = f"{at}.{name}"
            if not isinstance(part(self.document, place), dict):
                continue
            section = Section(place, OPTIONAL_PARTS[name][0], drop=f"take:{place}")
            section.cells = [
                self.cell(f"{place}.{key}", label, choices, **more) for key, label, choices, more in cells
            ]
            if name == "holdback":
                section.kind = "rows"
                section.rows = self._releases(f"{place}.releases")
                section.adds = [(f"release:{place}.releases", "Release")]
            found.append(section)
        return found

    def _releases(self, place: str) -> list[Row]:
        rows = part(self.document, place)
        rows = rows if isinstance(rows, list) else []
        return [
            Row(
                f"{place}[{at}]",
                f"release {at + 1}",
                [
                    self.cell(f"{place}[{at}].percent", "Share", after="%"),
                    self.cell(f"{place}[{at}].on", "Released when", named(RELEASING, COUNTS_WHEN)),
                    self.cell(f"{place}[{at}].label", "Which payment", only_if="paid", hint="Empty: any."),
                ],
            )
            for at in range(len(rows))
        ]

    def _multipliers(self, at: str) -> list[Section]:
        rows = part(self.document, f"{at}.multipliers")
        found = []
        for number, one in enumerate(rows if isinstance(rows, list) else []):
            place = f"{at}.multipliers[{number}]"
            of_a_kind = isinstance(one, dict) and "where" in one
            section = Section(place, "Factor for events of a kind" if of_a_kind else "Factor by bands")
            section.drop = f"remove:{place}"
            section.cells = [self.cell(f"{place}.name", "Name")]
            if of_a_kind:
                section.kind = "rows"
                section.cells.append(self.cell(f"{place}.times", "Times"))
                section.rows = self._condition_rows(f"{place}.where")
                section.adds = [(f"condition:{place}.where", "Condition")]
            else:
                section.kind = "bands"
                section.cells += [
                    self.cell(f"{place}.bands_in", "Edges are in", BANDS_IN),
                    self.cell(f"{place}.method", "A band’s factor is on", FACTOR_ON),
                ]  # fmt: skip
                section.rows = self._bands(f"{place}.bands", "times")
                section.adds = [(f"band:{place}.bands", "Band")]
                section.extra = {"rate_word": "times", "edge_word": ""}
            found.append(section)
        return found

    def _bounds(self, at: str) -> Section:
        found = Section(f"{at}.cap", "Cap and floor", note="of what the component pays over its basis")
        found.cells = [
            self.cell(f"{at}.cap", "At most", affix=self.currency, hint="Empty: no cap."),
            self.cell(f"{at}.floor", "At least", affix=self.currency, hint="Empty: no floor."),
        ]
        found.adds = [
            (f"put:{at}.{name}", label)
            for name, (label, _) in OPTIONAL_PARTS.items()
            if part(self.document, f"{at}.{name}") is None
        ]
        found.adds += [
            (f"factor:{at}.multipliers:bands", "Factor by bands"),
            (f"factor:{at}.multipliers:kind", "Factor for a kind"),
        ]
        return found
