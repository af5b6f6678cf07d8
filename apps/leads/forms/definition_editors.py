"""The editors of a draft: what MQL means as a table of points, what SQL means as criteria.

An editor is a form of single values with rows of others (``forms.rows``). It reads ``Terms`` from what was
typed and puts each refusal of the rules at the field or row that it names.
"""

from collections.abc import Mapping
from datetime import date
from typing import Any

from django import forms

from apps.core.errors import DomainError
from apps.leads.forms.definitions import BandRow, CriterionRow, MqlForm, SqlForm, VersionForm, WordsRow
from apps.leads.forms.rows import Rows
from apps.leads.models import Definition
from apps.leads.rules import frameworks
from apps.leads.rules.agreements import Terms
from apps.leads.rules.frameworks import FRAMEWORKS, Criterion
from apps.leads.rules.points import LETTERS, MOST_ROWS, PointTable, TableInvalid


def _typed(form_class: type[forms.Form], data: Any) -> dict[str, Any]:
    """What stands in each field of ``data``, unchecked."""
    form = form_class()
    return {
        name: field.widget.value_from_datadict(data, {}, form.add_prefix(name))
        for name, field in form.fields.items()
    }


class Editor:
    """Single values and rows of one draft. ``rows`` are named as their prefixes."""

    kind: Definition.Kind
    form_class: type[VersionForm]
    blanks: Mapping[str, dict[str, Any]]

    def __init__(
        self, *, values: Mapping[str, Any] | None = None, data: Any = None, act: bool = False
    ) -> None:
        """``values`` of a version (``values_of``), or ``data`` as it was typed: checked, or with ``act``
        only changed by the button that it names."""
        checked = data if not act else None
        shown = _typed(self.form_class, data) if act else dict(values or {})
        self.form = self.form_class(checked, initial=shown)
        self.rows = {name: self._rows(name, (values or {}).get(name, ()), checked) for name in self.blanks}
        if act:
            self.rows = {name: rows.acted(data, self._blank(name, data)) for name, rows in self.rows.items()}
        self.terms: Terms | None = None

    def _rows(self, name: str, values: Any, data: Any) -> Rows:
        raise NotImplementedError

    def _blank(self, name: str, data: Any) -> dict[str, Any]:
        return dict(self.blanks[name])

    def _read(self) -> Terms:
        raise NotImplementedError

    def is_tryable(self) -> bool:
        """Like ``is_valid``, but what only a kept version needs may still be empty."""
        later = [self.form.fields[name] for name in ("name", "effective_on")]
        for field in later:
            field.required = False
        right = self.is_valid()
        for field in later:
            field.required = True
        return right

    def is_valid(self) -> bool:
        """Whether all is right by itself and ``terms`` could be read of it."""
        right = all([self.form.is_valid(), *(rows.is_valid() for rows in self.rows.values())])
        if not right:
            return False
        try:
            self.terms = self._read()
        except TableInvalid as error:
            for problem in error.problems:
                self.put(problem.part, problem.row, problem.field, problem.message)
        return self.wrong == 0

    def put(self, part: str, row: int | None, field: str, message: str) -> None:
        """An error at its row and field; at the form as a whole where there is no such place."""
        if part in self.rows:
            self.rows[part].add_error(-1 if row is None else row, field, message)
        else:
            name = field if field in self.form.fields else part
            self.form.add_error(name if name in self.form.fields else None, message)

    def refuse(self, error: DomainError) -> None:
        """What the service refuses, at its field."""
        self.put(error.field, None, error.field, error.message)

    @property
    def effective_on(self) -> date:
        return self.form.cleaned_data["effective_on"]

    @property
    def note(self) -> str:
        return self.form.cleaned_data["note"]

    @property
    def wrong(self) -> int:
        single = sum(1 for name in self.form.errors if name != "__all__")
        return single + bool(self.form.non_field_errors()) + sum(rows.wrong for rows in self.rows.values())


class SqlEditor(Editor):
    """Framework, criteria and what is expected of them."""

    kind = Definition.Kind.SQL
    form_class = SqlForm
    blanks = {"criteria": {"name": "", "asks": ""}}

    def __init__(
        self, *, values: Mapping[str, Any] | None = None, data: Any = None, act: bool = False
    ) -> None:
        super().__init__(values=values, data=data, act=act)
        if act and data.get("act") == "framework:take":
            self._take(FRAMEWORKS.get(str(data.get("framework"))))

    def _rows(self, name: str, values: Any, data: Any) -> Rows:
        return Rows(CriterionRow, name, values=values, data=data, least=1, most=frameworks.MOST_CRITERIA)

    def _take(self, framework: frameworks.Framework | None) -> None:
        """The questions, the number needed and the expectation of a framework, in place of what stood there."""
        if framework is None:
            return
        self.form.initial["needed"] = framework.needed
        self.form.initial["expected_from"], self.form.initial["expected_to"] = framework.expected
        if framework.criteria:
            self.rows["criteria"] = self._rows("criteria", criteria_rows(framework.criteria), None)

    def _read(self) -> Terms:
        read = self.form.cleaned_data
        least, most = read["expected_from"], read["expected_to"]
        criteria = [Criterion(row["name"], row["asks"]) for row in self.rows["criteria"].cleaned]
        seen: dict[str, int] = {}
        for place, one in enumerate(criteria):
            if not one.key:
                self.put("criteria", place, "name", "Name it with letters or digits.")
            elif one.key in seen:
                message = f"Row {seen[one.key] + 1} has this name already: give another one."
                self.put("criteria", place, "name", message)
            seen.setdefault(one.key, place)
        return Terms(
            name=read["name"],
            needed=read["needed"],
            framework=read["framework"],
            criteria=tuple(criteria),
            expected=(least, most) if least is not None and most is not None else None,
        )


class MqlEditor(Editor):
    """The table of points and its threshold."""

    kind = Definition.Kind.MQL
    form_class = MqlForm
    blanks = {
        "employees": {"least": "", "most": "", "points": ""},
        "titles": {"words": "", "points": ""},
        "sources": {"words": "", "points": ""},
    }

    def _rows(self, name: str, values: Any, data: Any) -> Rows:
        row = BandRow if name == "employees" else WordsRow
        return Rows(row, name, values=values, data=data, most=MOST_ROWS)

    def _blank(self, name: str, data: Any) -> dict[str, Any]:
        """A new band goes on where the last one ends."""
        blank = dict(self.blanks[name])
        if name == "employees":
            last = self.rows[name].typed(data)[-1:]
            end = str(last[0]["most"] or "") if last else "-1"
            blank["least"] = int(end) + 1 if end.lstrip("-").isdecimal() else ""
        return blank

    def put(self, part: str, row: int | None, field: str, message: str) -> None:
        if part == "employees":
            field = {"from": "least", "to": "most"}.get(field, field)
        elif part == "industries":
            field = {"targets": "industries", "points": "industry_points"}.get(field, "other_industry_points")
        elif part in ("letters", "predictive", "forms", "visits", "events"):
            field = f"{'letter' if part == 'letters' else part}_{field.lower()}"
        super().put(part, row, field, message)

    def _read(self) -> Terms:
        read = self.form.cleaned_data
        kept = {
            "letters": {letter: read[f"letter_{letter.lower()}"] for letter in LETTERS[:-1]},
            "predictive": {
                letter: read[f"predictive_{letter.lower()}"]
                for letter in LETTERS
                if read[f"predictive_{letter.lower()}"] is not None
            },
            "employees": [
                {"from": row["least"], "to": row["most"], "points": row["points"]}
                for row in self.rows["employees"].cleaned
            ],
            "industries": {
                "targets": [line.strip() for line in read["industries"].splitlines() if line.strip()],
                "points": read["industry_points"],
                "others": read["other_industry_points"],
            },
            **{name: _words(self.rows[name]) for name in ("titles", "sources")},
            **{
                name: {"each": read[f"{name}_each"], "most": read[f"{name}_most"]}
                for name in ("forms", "visits", "events")
            },
        }
        if 0 < len(kept["predictive"]) < len(LETTERS):
            missing = next(letter for letter in LETTERS if letter not in kept["predictive"])
            self.form.add_error(f"predictive_{missing.lower()}", "Give all four letters points, or none.")
        return Terms(name=read["name"], needed=read["needed"], table=PointTable.parse(kept))


def _words(rows: Rows) -> list[dict[str, Any]]:
    return [
        {
            "words": [word.strip() for word in row["words"].split(",") if word.strip()],
            "points": row["points"],
        }
        for row in rows.cleaned
    ]


def criteria_rows(criteria: Any) -> list[dict[str, str]]:
    return [{"name": one.name, "asks": one.asks} for one in criteria]


def values_of(terms: Terms) -> dict[str, Any]:
    """What an editor shows of a version."""
    shown: dict[str, Any] = {"name": terms.name, "needed": terms.needed}
    if terms.table is None:
        least, most = terms.expected or (None, None)
        return shown | {
            "framework": terms.framework,
            "criteria": criteria_rows(terms.criteria),
            "expected_from": least,
            "expected_to": most,
        }
    table = terms.table
    return shown | {
        **{f"letter_{letter.lower()}": floor for letter, floor in table.letters},
        **{f"predictive_{letter.lower()}": points for letter, points in table.predictive},
        "employees": [
            {"least": band.least, "most": band.most, "points": band.points} for band in table.employees
        ],
        "industries": "\n".join(table.industries),
        "industry_points": table.industry_points,
        "other_industry_points": table.other_industry_points,
        **{
            name: [{"words": ", ".join(row.words), "points": row.points} for row in rows]
            for name, rows in (("titles", table.titles), ("sources", table.sources))
        },
        **{
            f"{name}_{part}": getattr(counted, part)
            for name, counted in (("forms", table.forms), ("visits", table.visits), ("events", table.events))
            for part in ("each", "most")
        },
    }


EDITORS: dict[str, type[Editor]] = {Definition.Kind.SQL: SqlEditor, Definition.Kind.MQL: MqlEditor}
