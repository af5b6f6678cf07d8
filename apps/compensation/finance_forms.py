"""What the pages of finance ask for: verdicts on pay, files of a run, layouts of the payroll file."""

from typing import Any

from django import forms

from apps.compensation.forms import SeenForm
from apps.compensation.models import FileKind, PayrollLayout, ReportFormat, ReviewVerdict
from apps.compensation.rules import payroll_layout as rules
from apps.compensation.rules.payroll_layout import Layout

SPARE_COLUMNS = 3
_NO_SIGN = "none"


class ReviewForm(forms.Form):
    """One verdict on one person's pay, as it was seen."""

    verdict = forms.ChoiceField(choices=ReviewVerdict.choices)
    digest = forms.CharField(max_length=64)
    reason = forms.CharField(
        label="Reason",
        max_length=500,
        required=False,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text="RevOps reads it. The person does not.",
    )

    def clean(self) -> dict[str, Any]:
        given = super().clean() or {}
        if given.get("verdict") == ReviewVerdict.SENT_BACK and not given.get("reason", "").strip():
            self.add_error("reason", "Say why it goes back.")
        return given


class FileForm(SeenForm):
    """Which file of a run."""

    kind = forms.ChoiceField(choices=FileKind.choices, required=False)
    format = forms.ChoiceField(choices=ReportFormat.choices)
    layout = forms.ModelChoiceField(PayrollLayout.objects.filter(retired_at__isnull=True), required=False)

    def clean_kind(self) -> str:
        return self.cleaned_data["kind"] or FileKind.REPORT


class LayoutForm(forms.Form):
    """How the payroll file is written; its columns are ``columns_in``."""

    name = forms.CharField(label="Name", max_length=60)
    delimiter = forms.ChoiceField(label="Between columns", choices=list(rules.DELIMITERS.items()))
    encoding = forms.ChoiceField(label="Encoding", choices=list(rules.ENCODINGS.items()))
    decimal = forms.ChoiceField(
        label="Decimal sign",
        choices=[(sign or _NO_SIGN, words) for sign, words in rules.DECIMAL_SIGNS.items()],
    )
    date = forms.ChoiceField(label="Days", choices=list(rules.DATES.items()))
    header = forms.BooleanField(label="Header row", required=False)
    control_row = forms.BooleanField(
        label="Control row", required=False, help_text="Closes each currency with its rows and sums."
    )

    def document(self) -> dict[str, Any]:
        """The options as a layout's document has them; the columns are added to it."""
        given = self.cleaned_data
        names = ("delimiter", "encoding", "decimal", "date", "header", "control_row")
        said = {name: given[name] for name in names}
        return said | {"decimal": "" if given["decimal"] == _NO_SIGN else given["decimal"]}


def initial_of(name: str, layout: Layout) -> dict[str, Any]:
    """What ``LayoutForm`` shows of ``layout``."""
    said = layout.as_document()
    shown = {key: value for key, value in said.items() if key != "columns"}
    return {"name": name, **shown, "decimal": layout.decimal or _NO_SIGN}


def columns_in(data: Any) -> list[dict[str, str]]:
    """The columns that were sent, by their places: rows without a field are left out."""
    found = []
    for at in range(rules.MOST_COLUMNS + SPARE_COLUMNS):
        field = data.get(f"field-{at}", "")
        if not field:
            continue
        place = data.get(f"place-{at}", "")
        order = int(place) if place.isascii() and place.isdigit() and len(place) < 5 else 10_000
        column = {"field": field, "title": data.get(f"title-{at}", "").strip()}
        if not column["title"] and field in rules.FIELDS:
            column["title"] = rules.FIELDS[field][0]
        if field == rules.CONSTANT:
            column["value"] = data.get(f"value-{at}", "")
        found.append((order, at, column))
    return [column for _, _, column in sorted(found, key=lambda one: one[:2])]


def column_rows(columns: list[dict[str, str]]) -> list[dict[str, Any]]:
    """The columns as the page's rows, with a few empty ones behind."""
    spare: list[dict[str, str]] = [{}] * max(0, min(SPARE_COLUMNS, rules.MOST_COLUMNS - len(columns)))
    return [
        {
            "at": at,
            "place": at + 1,
            "field": one.get("field", ""),
            "title": one.get("title", ""),
            "value": one.get("value", ""),
        }
        for at, one in enumerate([*columns, *spare])
    ]
