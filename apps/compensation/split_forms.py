"""What the pages of credits by hand ask for: who gets which part, and why."""

from decimal import Decimal
from typing import Any

from django import forms
from django.utils import timezone

from apps.compensation.services.credit_splits import MOST_WORDS, shares_by_weight
from apps.leads.models import WHOLE_SHARE, Capacity
from apps.reps.models import Rep

ROWS = 6
"""How many people a form offers; the API takes more."""
# A third has no end in percent: as many ten-thousandths as there are rows may be missing.
_CLOSE = Decimal("0.0001") * ROWS


def reason_field(label: str = "Why", **options: Any) -> forms.CharField:
    return forms.CharField(
        label=label,
        max_length=MOST_WORDS,
        widget=forms.Textarea(attrs={"rows": 3}),
        error_messages={"required": "Say why: the others read it."},
        **options,
    )


class SplitForm(forms.Form):
    """Up to six reps with their percentages, which sum to 100."""

    reason = reason_field(help_text="Who approves it reads this, and it stands on the statements it changes.")

    def __init__(self, *args: Any, standing: list[tuple[int, int]], **options: Any) -> None:
        """``standing`` are rep and share, in millionths, as the credit is now."""
        super().__init__(*args, **options)
        reps = list(Rep.objects.active_on(timezone.localdate()).order_by("name", "pk"))
        known = {rep.pk for rep in reps}
        # Who has left keeps a share that they had.
        reps += Rep.objects.filter(pk__in=[rep_id for rep_id, _ in standing if rep_id not in known])
        self._reps = {rep.pk: rep for rep in reps}
        choices = [("", "Nobody"), *((rep.pk, rep.name) for rep in reps)]
        for row in range(1, ROWS + 1):
            stands = standing[row - 1] if row <= len(standing) else None
            self.fields[f"rep_{row}"] = forms.TypedChoiceField(
                choices=choices,
                coerce=int,
                required=False,
                empty_value=None,
                label=f"Rep {row}",
                initial=stands[0] if stands else "",
            )
            self.fields[f"percent_{row}"] = forms.DecimalField(
                required=False,
                label=f"Share {row}",
                min_value=Decimal(0),
                max_value=Decimal(100),
                decimal_places=4,
                initial=_percent(stands[1]) if stands else None,
                widget=forms.TextInput(attrs={"inputmode": "decimal", "autocomplete": "off"}),
                error_messages={"invalid": "Write a percentage, such as 60 or 33.3333."},
            )

    @property
    def rows(self) -> list[tuple[forms.BoundField, forms.BoundField]]:
        """Rep and percentage, row by row."""
        return [(self[f"rep_{row}"], self[f"percent_{row}"]) for row in range(1, ROWS + 1)]

    def clean(self) -> dict[str, Any]:
        found = super().clean() or {}
        weights: dict[int, Decimal] = {}
        for row in range(1, ROWS + 1):
            rep_id, percent = found.get(f"rep_{row}"), found.get(f"percent_{row}")
            if rep_id is None and percent:
                self.add_error(f"rep_{row}", "Say who gets this share.")
            elif rep_id is not None and rep_id in weights:
                self.add_error(f"rep_{row}", "Name everybody once.")
            elif rep_id is not None and percent:
                weights[rep_id] = percent
        if self.errors:
            return found
        total = sum(weights.values(), Decimal(0))
        if not weights or abs(total - 100) > _CLOSE:
            raise forms.ValidationError(f"The shares sum to 100 %; these sum to {total.normalize():f} %.")
        parts = shares_by_weight([int(percent * 10_000) for percent in weights.values()])
        found["shares"] = {
            self._reps[rep_id]: part for rep_id, part in zip(weights, parts, strict=True) if part
        }
        return found


def _percent(share: int) -> str:
    return f"{(Decimal(share) * 100 / WHOLE_SHARE).normalize():f}"


class CapacityForm(forms.Form):
    """Which credit of the event; what is none is the first."""

    capacity = forms.ChoiceField(choices=Capacity.choices)


class DeclineForm(forms.Form):
    """Why not."""

    words = reason_field("Why not")


class ReversalForm(forms.Form):
    """Why an approved split is to be taken back."""

    reason = reason_field("Why take it back")
