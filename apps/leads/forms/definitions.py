"""The fields of a definition's draft, single ones and rows, and of a lead to try a draft on.

``forms.definition_editors`` puts them together.
"""

from typing import Any

from django import forms

from apps.leads.forms.rows import RowForm
from apps.leads.rules import frameworks
from apps.leads.rules.frameworks import FRAMEWORKS
from apps.leads.rules.points import FURTHEST, LARGEST_COMPANY, LETTERS
from apps.leads.rules.scoring import Known

_WHOLE = "Give a whole number."


def _number(
    label: str, least: int, most: int, *, required: bool = True, **options: Any
) -> forms.IntegerField:
    return forms.IntegerField(
        label=label,
        required=required,
        min_value=least,
        max_value=most,
        error_messages={
            "required": "Give a number.",
            "invalid": _WHOLE,
            "min_value": "Give %(limit_value)s or more.",
            "max_value": "Give %(limit_value)s or less.",
        },
        **options,
    )


def _points(label: str = "Points") -> forms.IntegerField:
    return _number(label, -FURTHEST, FURTHEST)


class CriterionRow(RowForm):
    """One question of a framework."""

    name = forms.CharField(
        label="Criterion",
        max_length=frameworks.LONGEST_NAME,
        error_messages={"required": "Name the criterion."},
    )
    asks = forms.CharField(label="What it asks", max_length=frameworks.LONGEST_QUESTION, required=False)


class BandRow(RowForm):
    """Companies of so many employees, both ends included; the last band is open."""

    least = _number("From", 0, LARGEST_COMPANY)
    most = _number("To", 0, LARGEST_COMPANY, required=False)
    points = _points()


class WordsRow(RowForm):
    """Words of a title or a source."""

    words = forms.CharField(
        label="Words, with commas between", max_length=400, error_messages={"required": "Name a word."}
    )
    points = _points()


class VersionForm(forms.Form):
    """What every version has."""

    name = forms.CharField(max_length=80, label="Name", error_messages={"required": "Name this version."})
    effective_on = forms.DateField(
        label="In force from",
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
        help_text="Not before both have signed.",
        error_messages={"required": "Choose a day.", "invalid": "Write a day such as 2026-12-01."},
    )
    note = forms.CharField(
        max_length=500,
        required=False,
        label="Why this version",
        widget=forms.Textarea(attrs={"rows": 2}),
        help_text="Those who sign read it.",
    )


class SqlForm(VersionForm):
    """The single values of an SQL definition."""

    framework = forms.ChoiceField(
        choices=[(key, one.name) for key, one in FRAMEWORKS.items()], label="Framework"
    )
    needed = _number("Criteria needed", 1, frameworks.MOST_CRITERIA)
    expected_from = _number("From", 0, 100, required=False)
    expected_to = _number("To", 0, 100, required=False)

    def clean(self) -> dict[str, Any]:
        read = super().clean() or {}
        least, most = read.get("expected_from"), read.get("expected_to")
        if "expected_from" in read and "expected_to" in read:
            if (least is None) != (most is None):
                self.add_error(
                    "expected_from" if least is None else "expected_to", "Give both ends, or none."
                )
            elif least is not None and most is not None and most < least:
                self.add_error("expected_to", f"Give {least} or more.")
        return read


class MqlForm(VersionForm):
    """The single values of an MQL definition."""

    needed = _number("An MQL from", 1, 10 * FURTHEST)
    industries = forms.CharField(
        label="Target industries, one a line",
        required=False,
        max_length=8_000,
        widget=forms.Textarea(attrs={"rows": 6}),
        help_text="The ideal customer profile. Others are exploration. With none named, all are targets.",
    )
    industry_points = _points("A target industry")
    other_industry_points = _points("Another industry")
    letter_a = _number("A from", -FURTHEST, 10 * FURTHEST)
    letter_b = _number("B from", -FURTHEST, 10 * FURTHEST)
    letter_c = _number("C from", -FURTHEST, 10 * FURTHEST)
    predictive_a = _number("A", -FURTHEST, FURTHEST, required=False)
    predictive_b = _number("B", -FURTHEST, FURTHEST, required=False)
    predictive_c = _number("C", -FURTHEST, FURTHEST, required=False)
    predictive_d = _number("D", -FURTHEST, FURTHEST, required=False)
    forms_each = _number("Each further form", 0, FURTHEST)
    forms_most = _number("at most", 0, FURTHEST)
    visits_each = _number("Each page visit", 0, FURTHEST)
    visits_most = _number("at most", 0, FURTHEST)
    events_each = _number("Each event attended", 0, FURTHEST)
    events_most = _number("at most", 0, FURTHEST)


class TryForm(forms.Form):
    """A lead to try a table on: typed, or filled in from one that is here."""

    lead = forms.CharField(label="Number or e-mail of a lead", required=False, max_length=254)
    title = forms.CharField(label="Title", required=False, max_length=120)
    employees = _number("Employees", 0, LARGEST_COMPANY, required=False)
    industry = forms.CharField(label="Industry", required=False, max_length=80)
    source = forms.CharField(label="Source", required=False, max_length=80)
    predictive = forms.ChoiceField(
        choices=[("", "Unknown"), *((letter, letter) for letter in LETTERS)],
        required=False,
        label="Predictive score",
    )
    forms = _number("Further forms", 0, 10_000, required=False)
    visits = _number("Page visits", 0, 10_000, required=False)
    events = _number("Events", 0, 10_000, required=False)

    @property
    def known(self) -> Known:
        """What was typed, once valid."""
        read = self.cleaned_data
        return Known(
            title=read["title"],
            employees=read["employees"],
            industry=read["industry"],
            source=read["source"],
            predictive=read["predictive"],
            forms=read["forms"] or 0,
            visits=read["visits"] or 0,
            events=read["events"] or 0,
        )
