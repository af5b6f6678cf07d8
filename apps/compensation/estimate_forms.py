"""What the estimator's page asks: how far a deal goes, and events that are typed. Nothing of it is saved."""

import re
from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from typing import Any

from django import forms
from django.forms.utils import ErrorDict

from apps.compensation.rules.suppositions import YES_NO, Asked
from apps.compensation.rules.terms import COUNTS_WHEN
from apps.compensation.selectors.estimate_offers import AHEAD, MOST_OF_A_KIND, Offer, Step, Typed
from apps.core.forms import AmountField
from apps.core.money import exact, to_major

TYPED_ROWS = 6
_NUMBER = re.compile(r"-?(?:\d{1,3}(?:,\d{3})+|\d{1,12})(?:\.\d{1,6})?", re.ASCII)
_NUMBERS = ("employees", "score_points")


class ExactField(forms.CharField):
    """A number as people write it ("1,250.5"), cleaned to a fraction; empty is ``None``."""

    def __init__(self, **options: Any) -> None:
        options.setdefault("widget", forms.TextInput(attrs={"inputmode": "decimal", "autocomplete": "off"}))
        super().__init__(required=False, max_length=24, **options)

    def clean(self, value: Any) -> Any:
        text = re.sub(r"\s", "", str(super().clean(value) or "")).replace("−", "-")
        if not text:
            return None
        if not _NUMBER.fullmatch(text):
            raise forms.ValidationError("Write a number, such as 1,250.5.", code="not_a_number")
        return exact(text.replace(",", ""))


def _day_field(today: date) -> forms.DateField:
    return forms.DateField(
        label="Expected on",
        error_messages={"required": "Say on which day."},
        widget=forms.DateInput(
            format="%Y-%m-%d",
            attrs={
                "type": "date",
                "min": (today - AHEAD).isoformat(),
                "max": (today + AHEAD).isoformat(),
            },
        ),
    )


def _amount_field(currency: str, label: str = "Amount") -> AmountField:
    return AmountField(currency=currency, required=False, label=label)


class _AskingForm(forms.Form):
    """Fields that depend on what the plans look at: figures, and the label of a payment."""

    def __init__(self, data: Any, *, asked: Asked, today: date, prefix: str, initial: dict[str, Any]) -> None:
        super().__init__(data, prefix=prefix, initial=initial, use_required_attribute=False)
        self.asked, self.today = asked, today
        self.fields["on"] = _day_field(today)
        for name in asked.figures:
            self.fields[f"figure_{name}"] = ExactField(label=name.replace("_", " ").capitalize())
        if asked.labels:
            choices = [("", "Any payment"), *((label, label) for label in asked.labels)]
            self.fields["label"] = forms.ChoiceField(label="Which payment", choices=choices, required=False)

    def clean_on(self) -> date:
        on: date = self.cleaned_data["on"]
        if abs(on - self.today) > AHEAD:
            raise forms.ValidationError("Choose a day within a year of today.", code="too_far")
        return on

    @property
    def figures(self) -> dict[str, Fraction]:
        found = {name: self.cleaned_data.get(f"figure_{name}") for name in self.asked.figures}
        return {name: value for name, value in found.items() if value is not None}

    @property
    def figure_fields(self) -> list[forms.BoundField]:
        return [self[f"figure_{name}"] for name in self.asked.figures]

    def _ask_terms(self) -> None:
        for name in self.asked.terms:
            value = self.cleaned_data.get(f"figure_{name}")
            if f"figure_{name}" not in self.errors and (value is None or value <= 0):
                self.add_error(f"figure_{name}", "Say for how many; the plan divides the amount by it.")


class DealForm(_AskingForm):
    """One deal: whether it is supposed to go on, how far, when, for how much."""

    take = forms.BooleanField(required=False)

    def __init__(self, data: Any, *, offer: Offer, **options: Any) -> None:
        super().__init__(data, prefix=offer.key, **options)
        self.offer = offer
        self.fields["outcome"] = forms.ChoiceField(label="What happens", choices=offer.outcomes)
        self.fields["amount"] = _amount_field(offer.currency, f"Amount in {offer.currency}")

    def clean(self) -> dict[str, Any]:
        found = super().clean() or self.cleaned_data
        if not found.get("take"):
            # What is not chosen is not looked at.
            self._errors = ErrorDict()
            return found
        if (
            found.get("outcome") in ("won", "paid")
            and not found.get("amount")
            and "amount" not in self.errors
        ):
            self.add_error("amount", f"Say for how much {self.offer.name} would be won.")
        self._ask_terms()
        return found

    @property
    def step(self) -> Step | None:
        """What was chosen; ``None`` when it was not, or not rightly."""
        if not self.is_valid() or not self.cleaned_data.get("take"):
            return None
        found = self.cleaned_data
        return Step(
            self.offer, found["outcome"], found["on"], found["amount"], self.figures, found.get("label", "")
        )

    @property
    def chosen(self) -> Step | None:
        """What the page begins with: the deal that it was opened for, as it stands."""
        start = self.initial
        if self.is_bound or not start["take"]:
            return None
        return Step(self.offer, start["outcome"], start["on"], self.offer.amount_minor)

    @property
    def is_taken(self) -> bool:
        return bool(self["take"].value())


class TypedForm(_AskingForm):
    """Events that no deal on the page stands for: so many of a kind, each for so much."""

    kind = forms.ChoiceField(label="What")
    count = forms.IntegerField(
        label="How many",
        error_messages={"required": "Say how many."},
        min_value=1,
        max_value=MOST_OF_A_KIND,
        widget=forms.NumberInput(attrs={"inputmode": "numeric"}),
    )

    def __init__(self, data: Any, *, row: int, currency: str, **options: Any) -> None:
        super().__init__(data, prefix=f"t{row}", **options)
        self.row, self.currency = row, currency
        kinds = [(kind, COUNTS_WHEN[kind]) for kind in self.asked.kinds]
        self.fields["kind"].choices = [("", "Nothing"), *kinds]  # type: ignore[attr-defined]
        self.fields["amount"] = _amount_field(currency, f"Amount in {currency}, of each")
        for name in self.asked.fields:
            label = name.replace("_", " ").capitalize()
            if name in YES_NO:
                answers = [("", "Not known"), ("yes", "Yes"), ("no", "No")]
                self.fields[f"fact_{name}"] = forms.ChoiceField(label=label, choices=answers, required=False)
            elif name in _NUMBERS:
                self.fields[f"fact_{name}"] = ExactField(label=label)
            else:
                self.fields[f"fact_{name}"] = forms.CharField(label=label, required=False, max_length=80)

    def clean(self) -> dict[str, Any]:
        found = super().clean() or self.cleaned_data
        if not found.get("kind"):
            self._errors = ErrorDict()
            return found
        if found["kind"] in ("won", "paid") and not found.get("amount") and "amount" not in self.errors:
            self.add_error("amount", "Say the amount of each.")
        self._ask_terms()
        return found

    @property
    def fact_fields(self) -> list[forms.BoundField]:
        return [self[f"fact_{name}"] for name in self.asked.fields]

    @property
    def typed(self) -> Typed | None:
        """What was typed; ``None`` when nothing was, or not rightly."""
        if not self.is_valid() or not self.cleaned_data.get("kind"):
            return None
        found = self.cleaned_data
        facts: dict[str, Any] = {}
        for name in self.asked.fields:
            value = found.get(f"fact_{name}")
            if value not in (None, ""):
                facts[name] = value == "yes" if name in YES_NO else value
        return Typed(
            found["kind"],
            found["count"],
            found["on"],
            found["amount"],
            self.currency,
            self.figures,
            facts,
            found.get("label", ""),
            name=COUNTS_WHEN[found["kind"]],
        )


@dataclass
class EstimateForm:
    """All that the page asks: a form for each deal and for each row that can be typed into."""

    deals: list[DealForm]
    rows: list[TypedForm]

    @classmethod
    def of(
        cls, offers: list[Offer], asked: Asked, currency: str, today: date, data: Any = None, chosen: str = ""
    ) -> "EstimateForm":
        """``data`` is a request's; ``chosen`` is the key of the deal that is ticked to begin with."""
        deals = []
        for offer in offers:
            on = offer.expected_on if offer.expected_on and offer.expected_on >= today else today
            won = [value for value, _ in offer.outcomes if value == "won"]
            initial = {
                "take": offer.key == chosen,
                "outcome": won[0] if won else offer.outcomes[-1][0],
                "on": on,
                "amount": _major(offer.amount_minor, offer.currency),
            }
            deals.append(DealForm(data, offer=offer, asked=asked, today=today, initial=initial))
        rows = [
            TypedForm(
                data, row=row, currency=currency, asked=asked, today=today, initial={"on": today, "count": 1}
            )
            for row in range(TYPED_ROWS if asked.kinds else 0)
        ]
        return cls(deals, rows)

    @property
    def steps(self) -> list[Step]:
        return [step for form in self.deals if (step := form.step)]

    @property
    def chosen_steps(self) -> list[Step]:
        """What the page begins with, before anything is typed."""
        return [step for form in self.deals if (step := form.chosen)]

    @property
    def typed(self) -> list[Typed]:
        return [typed for form in self.rows if (typed := form.typed)]

    @property
    def problems(self) -> list[tuple[str, str, str]]:
        """What keeps a row out: whose it is, the field's id, and what to do."""
        named: list[tuple[str, _AskingForm]] = [(form.offer.name, form) for form in self.deals]
        named += [(f"Row {form.row + 1}", form) for form in self.rows]
        found = []
        for name, form in named:
            for field, errors in form.errors.items():
                found += [(name, form[field].auto_id, str(error)) for error in errors]
        return found


def _major(minor: int | None, currency: str) -> str:
    return "" if minor is None else f"{to_major(minor, currency):,}"
