"""Forms of assumptions and hiring scenarios."""

from datetime import date
from decimal import Decimal
from typing import Any

from django import forms

from apps.core.forms import AmountField
from apps.core.money import to_major
from apps.core.periods import Period, month_of, parse_period
from apps.leads.rules.metrics import METRICS, Unit
from apps.reps.models import RepRole
from apps.scorecards.models import Assumption
from apps.scorecards.rules.hiring import LONGEST_MONTHS, ROLES
from apps.scorecards.rules.hiring_draft import MOST_HIRES, Draft, RoleDraft

_NUMBER = {"invalid": "Write a number.", "required": "Write a number."}


class MonthField(forms.CharField):
    """A month such as 2026-12, cleaned to its ``Period``."""

    def __init__(self, **options: Any) -> None:
        options.setdefault("widget", forms.TextInput(attrs={"type": "month"}))
        options.setdefault("error_messages", {"required": "Choose a month."})
        super().__init__(**options)

    def to_python(self, value: Any) -> Period | None:  # type: ignore[override]
        text = super().to_python(value)
        if not text:
            return None
        try:
            found = parse_period(text)
        except ValueError as error:
            raise forms.ValidationError("Write the month as 2026-12.", code="not_a_month") from error
        if found != month_of(found.start):
            raise forms.ValidationError("Write one month, as 2026-12.", code="not_a_month")
        return found


def countable() -> list[tuple[str, str]]:
    """The metrics that can be assumed: counts and rates."""
    return [(key, one.name) for key, one in METRICS.items() if one.unit in (Unit.COUNT, Unit.RATE)]


class AssumptionForm(forms.Form):
    """What a role is assumed to take from a month on."""

    role = forms.ChoiceField(label="Role", choices=RepRole.choices)
    metric = forms.ChoiceField(label="Metric", choices=countable)
    value = forms.DecimalField(
        label="Assumed",
        min_value=0,
        widget=forms.TextInput(attrs={"inputmode": "decimal"}),
        error_messages={**_NUMBER, "min_value": "Write a number that is not below zero."},
        help_text="A rate in percent, such as 20.",
    )
    per = forms.ChoiceField(label="Counted", choices=Assumption.Per.choices)
    month = MonthField(label="From", help_text="This month or a later one.")

    @property
    def given(self) -> dict[str, Any]:
        """What the service takes; percent become a fraction."""
        read = dict(self.cleaned_data)
        if read["per"] == Assumption.Per.LEVEL:
            read["value"] = read["value"] / 100
        return read


def _number(label: str, **options: Any) -> forms.DecimalField:
    options.setdefault("widget", forms.TextInput(attrs={"inputmode": "decimal", "autocomplete": "off"}))
    return forms.DecimalField(
        label=label, error_messages={**_NUMBER, "max_decimal_places": "Write fewer places."}, **options
    )


def _whole(label: str, **options: Any) -> forms.IntegerField:
    return forms.IntegerField(
        label=label,
        widget=forms.TextInput(attrs={"inputmode": "numeric", "autocomplete": "off"}),
        error_messages=_NUMBER,
        **options,
    )


class ScenarioForm(forms.Form):
    """A hiring scenario: what comes, what each role does, whom to hire when, and what it may cost."""

    name = forms.CharField(label="Name", max_length=80, error_messages={"required": "Name the scenario."})
    start = MonthField(label="First month")
    months = _whole("Months ahead", min_value=1, max_value=LONGEST_MONTHS)
    leads = _whole("MQLs in the month before", min_value=0)
    growth_percent = _number("Growth a month", max_digits=7, decimal_places=2)
    attainment_percent = _number(
        "Attainment factor",
        max_digits=7,
        decimal_places=2,
        help_text="What part of the assumption hires reach.",
    )
    hours_a_meeting = _number("Hours a meeting", max_digits=5, decimal_places=2)
    close_percent = _number("AEs close", max_digits=5, decimal_places=2)
    seen = forms.IntegerField(required=False, widget=forms.HiddenInput)

    def __init__(self, *args: Any, draft: Draft, version: int | None = None, **kwargs: Any) -> None:
        kwargs.setdefault("initial", _initial(draft) | {"seen": version})
        super().__init__(*args, **kwargs)
        self.currency = draft.currency
        self.first = self._first(draft.start_on)
        self.fields["budget"] = AmountField(
            currency=self.currency, label="Budget for hires", required=False, help_text="Over all months."
        )
        for key in ROLES:
            self.fields[f"{key}_heads"] = _whole("People now", min_value=0)
            self.fields[f"{key}_does"] = _number("One does now", max_digits=12, decimal_places=2)
            self.fields[f"{key}_assumed"] = _number("Assumed of one", max_digits=12, decimal_places=2)
            self.fields[f"{key}_ramp_months"] = _whole("Months of ramp", min_value=0, max_value=24)
            self.fields[f"{key}_cost"] = AmountField(
                currency=self.currency, label="Cost of a head a month", required=False
            )
            if key != "ae":
                self.fields[f"{key}_meetings_percent"] = _number(
                    "Becomes meetings", max_digits=7, decimal_places=4
                )
            for number in range(LONGEST_MONTHS):
                self.fields[f"hire_{key}_{number}"] = forms.IntegerField(
                    label=f"{RepRole(key).label}, {self.month_name(number)}",
                    required=False,
                    min_value=0,
                    max_value=MOST_HIRES,
                    widget=forms.TextInput(attrs={"inputmode": "numeric", "size": 3, "autocomplete": "off"}),
                    error_messages={"invalid": "Write a whole number."},
                )

    def _first(self, usual: date) -> date:
        """The month that the names of the hires' columns count from: the one that was posted, where there is one."""
        try:
            return parse_period(str(self.data.get("start", ""))).start if self.is_bound else usual
        except ValueError:
            return usual

    def month_name(self, number: int) -> str:
        year, month = divmod(self.first.year * 12 + self.first.month - 1 + number, 12)
        return f"{date(year, month + 1, 1):%b %Y}"

    @property
    def roles(self) -> list[dict[str, Any]]:
        """The fields of each role, for the page."""
        unit = {"isr": "MQLs a month", "osr": "touches a month", "ae": "hours in meetings a month"}
        return [
            {
                "label": RepRole(key).label,
                "unit": unit[key],
                "fields": [
                    (self[f"{key}_{name}"], after)
                    for name, after in (
                        ("heads", ""),
                        ("does", ""),
                        ("assumed", ""),
                        ("ramp_months", ""),
                        ("cost", self.currency),
                        ("meetings_percent", "%"),
                    )
                    if f"{key}_{name}" in self.fields
                ],
                "hires": [self[f"hire_{key}_{number}"] for number in range(LONGEST_MONTHS)],
            }
            for key in ROLES
        ]

    @property
    def month_names(self) -> list[str]:
        return [self.month_name(number) for number in range(LONGEST_MONTHS)]

    @property
    def draft(self) -> Draft:
        """What was written, once valid."""
        read = self.cleaned_data
        return Draft(
            name=read["name"],
            currency=self.currency,
            start_on=read["start"].start,
            months=read["months"],
            leads=read["leads"],
            growth_percent=read["growth_percent"],
            attainment_percent=read["attainment_percent"],
            hours_a_meeting=read["hours_a_meeting"],
            close_percent=read["close_percent"],
            budget_minor=read["budget"] or 0,
            roles={
                key: RoleDraft(
                    heads=read[f"{key}_heads"],
                    does=read[f"{key}_does"],
                    assumed=read[f"{key}_assumed"],
                    ramp_months=read[f"{key}_ramp_months"],
                    cost_minor=read[f"{key}_cost"] or 0,
                    meetings_percent=read.get(f"{key}_meetings_percent", Decimal(0)),
                )
                for key in ROLES
            },
            hires=tuple(
                (number, key, count)
                for key in ROLES
                for number in range(LONGEST_MONTHS)
                if (count := read.get(f"hire_{key}_{number}"))
            ),
        )

    def refuse(self, field: str, message: str) -> None:
        """Put a refusal at its field."""
        self.add_error(field if field in self.fields else None, message)


def _initial(draft: Draft) -> dict[str, Any]:
    values: dict[str, Any] = {
        "name": draft.name,
        "start": f"{draft.start_on:%Y-%m}",
        "months": draft.months,
        "leads": draft.leads,
        "growth_percent": draft.growth_percent,
        "attainment_percent": draft.attainment_percent,
        "hours_a_meeting": draft.hours_a_meeting,
        "close_percent": draft.close_percent,
        "budget": to_major(draft.budget_minor, draft.currency),
    }
    for key, one in draft.roles.items():
        values |= {
            f"{key}_heads": one.heads,
            f"{key}_does": one.does,
            f"{key}_assumed": one.assumed,
            f"{key}_ramp_months": one.ramp_months,
            f"{key}_cost": to_major(one.cost_minor, draft.currency),
            f"{key}_meetings_percent": one.meetings_percent,
        }
    values |= {f"hire_{role}_{month}": count for month, role, count in draft.hires}
    return values
