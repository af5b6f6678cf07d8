"""Forms of the ranking: its policy, when it takes effect, holds."""

from typing import Any

from django import forms

from apps.leads.rules.metrics import METRICS
from apps.scorecards.models import Decides, PeerGroup, RankingPolicy
from apps.scorecards.services.ranking_policies import (
    FEWEST_MONTHS,
    MAY_WEIGH,
    MOST_DAYS_TO_HOLD,
    MOST_MONTHS,
    Draft,
    draft_of,
)

_NUMBER = {"invalid": "Write a number.", "required": "Write a number."}
_DAY = {"invalid": "Write the day as 2026-11-12.", "required": "Choose a day."}


def _whole(label: str, help_text: str = "") -> forms.IntegerField:
    return forms.IntegerField(
        label=label,
        help_text=help_text,
        widget=forms.NumberInput(attrs={"inputmode": "numeric"}),
        error_messages=_NUMBER,
    )


def _decimal(label: str, help_text: str = "") -> forms.DecimalField:
    return forms.DecimalField(
        label=label,
        help_text=help_text,
        max_digits=6,
        decimal_places=2,
        widget=forms.NumberInput(attrs={"inputmode": "decimal", "step": "0.01"}),
        error_messages={**_NUMBER, "max_decimal_places": "Write two decimals at most."},
    )


class RankingPolicyForm(forms.Form):
    """A draft of the ranking policy. A metric without a weight is not weighed."""

    months = _whole("Months", f"Whole months before the ranking's day: {FEWEST_MONTHS} to {MOST_MONTHS}.")
    peer_group = forms.ChoiceField(label="Compared with", choices=PeerGroup.choices)
    floor = _decimal("Lower bound of a ratio", "So that one metric cannot carry the rest.")
    ceiling = _decimal("Upper bound of a ratio")
    up_at = _decimal("One tier up from", "The edge belongs to the move.")
    down_at = _decimal("One tier down from")
    least_closed = _whole("Closed deals that a move needs", "Nobody moves with fewer.")
    days_to_hold = _whole(
        "Days to hold a move", f"After the period, before moves are applied: 0 to {MOST_DAYS_TO_HOLD}."
    )
    decides = forms.ChoiceField(label="What decides", choices=Decides.choices, widget=forms.RadioSelect)
    least_expected = _decimal("Wins expected that an adjustment needs", "Below it nothing is adjusted.")
    least_in_cell = _whole(
        "Closed deals that a kind of lead needs", "Among the peers; fewer are joined with the next kind."
    )
    note = forms.CharField(
        label="What changes, and why",
        max_length=300,
        required=False,
        widget=forms.Textarea(attrs={"rows": 2}),
    )
    seen = forms.CharField(widget=forms.HiddenInput, required=False)

    def __init__(self, *args: Any, policy: RankingPolicy | None = None, **kwargs: Any) -> None:
        if policy is not None:
            kwargs["initial"] = _initial(policy)
        super().__init__(*args, **kwargs)
        for key in MAY_WEIGH:
            self.fields[f"weight_{key}"] = forms.IntegerField(
                label=METRICS[key].name,
                required=False,
                min_value=0,
                max_value=100,
                widget=forms.NumberInput(attrs={"inputmode": "numeric"}),
                error_messages={
                    "invalid": "Write a whole number.",
                    "min_value": "Write 0 to 100.",
                    "max_value": "Write 0 to 100.",
                },
            )
        self.weights_error = ""

    @property
    def weights(self) -> list[tuple[forms.BoundField, str]]:
        """The fields of the weights, each with what the metric counts."""
        return [(self[f"weight_{key}"], METRICS[key].says) for key in MAY_WEIGH]

    @property
    def draft(self) -> Draft:
        """What was written, once valid."""
        read = self.cleaned_data
        weights = {key: read[f"weight_{key}"] for key in MAY_WEIGH if read.get(f"weight_{key}")}
        names = set(Draft.__dataclass_fields__) - {"weights"}
        return Draft(weights=weights, **{name: read[name] for name in names})

    def refuse(self, field: str | None, message: str) -> None:
        """Put a refusal of the service at its field."""
        if field == "weights":
            self.weights_error = message
            self.add_error(None, message)
        else:
            self.add_error(field if field in self.fields else None, message)


def _initial(policy: RankingPolicy) -> dict[str, Any]:
    said = draft_of(policy)
    values = {name: getattr(said, name) for name in Draft.__dataclass_fields__ if name != "weights"}
    values |= {f"weight_{key}": percent for key, percent in said.weights.items()}
    if not policy.is_draft:
        values["note"] = ""
    values["seen"] = policy.written_at.isoformat() if policy.is_draft and policy.written_at else ""
    return values


def _day_field(label: str, help_text: str = "") -> forms.DateField:
    return forms.DateField(
        label=label,
        help_text=help_text,
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
        error_messages=_DAY,
    )


class PutInForceForm(forms.Form):
    """From which day a draft decides."""

    effective_on = _day_field("From", "Rankings that were made stay as they are.")


class HoldForm(forms.Form):
    """Hold an AE's tier."""

    last_day = _day_field("Hold until", "The last day on which no ranking moves the AE.")
    reason = forms.CharField(
        label="Why",
        max_length=500,
        widget=forms.Textarea(attrs={"rows": 3}),
        error_messages={"required": "Say why, in a sentence that the AE will read."},
        help_text="The AE reads it, and so does whoever manages the team later. Peers do not.",
    )
