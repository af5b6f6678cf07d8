"""What is typed about stage gates: the answers of an opportunity, and a version with its criteria."""

from collections.abc import Mapping, Sequence
from typing import Any

from django import forms

from apps.core.errors import DomainError
from apps.leads.forms.opportunities import day_field
from apps.leads.forms.rows import RowForm, Rows
from apps.leads.models import OpportunityKind, StageGate
from apps.leads.rules import gates as rules
from apps.leads.rules.gates import GateCriterion, Judged, Known

MET, NOT_MET = "met", "not_met"


class AnswersForm(forms.Form):
    """Each criterion of the stage to come: met or not, and by what evidence."""

    def __init__(self, *args: Any, judged: Sequence[Judged], **options: Any) -> None:
        options.setdefault("auto_id", "answer_%s")
        super().__init__(*args, **options)
        self.judged = judged
        for one in judged:
            key, known = one.criterion.key, one.known
            self.fields[f"met_{key}"] = forms.ChoiceField(
                required=False,
                label=f"{one.criterion.name}: is it met?",
                choices=[("", "Not answered"), (MET, "Met"), (NOT_MET, "Not met")],
                initial="" if known is None else MET if known.is_met else NOT_MET,
            )
            self.fields[f"evidence_{key}"] = forms.CharField(
                required=False,
                max_length=500,
                label=f"{one.criterion.name}: evidence",
                initial="" if known is None else known.evidence,
            )

    def lines(self) -> list[tuple[Judged, forms.BoundField, forms.BoundField]]:
        """Each criterion with its two fields."""
        return [
            (one, self[f"met_{one.criterion.key}"], self[f"evidence_{one.criterion.key}"])
            for one in self.judged
        ]

    def answers(self) -> dict[str, Known]:
        """What was answered, by key; what stays open is left out."""
        read = self.cleaned_data
        keys = [one.criterion.key for one in self.judged]
        return {
            key: Known(read[f"met_{key}"] == MET, read[f"evidence_{key}"])
            for key in keys
            if read[f"met_{key}"]
        }

    def refuse(self, error: DomainError) -> None:
        """What the service refuses, at the evidence it names."""
        name = f"evidence_{error.field}"
        self.add_error(name if name in self.fields else None, error.message)


class CriterionRow(RowForm):
    """One thing that a stage asks."""

    key = forms.CharField(required=False, max_length=20, widget=forms.HiddenInput)
    name = forms.CharField(
        max_length=rules.LONGEST_NAME,
        label="Criterion",
        error_messages={"required": "Name it, or remove the row."},
    )
    asks = forms.CharField(required=False, max_length=rules.LONGEST_QUESTION, label="What is asked")
    fills_from = forms.ChoiceField(required=False, label="Filled from")

    def __init__(self, *args: Any, sources: Sequence[tuple[str, str]], **options: Any) -> None:
        super().__init__(*args, **options)
        self.fields["fills_from"].choices = [  # type: ignore[attr-defined]
            ("", "Nothing: answered by hand"),
            *sources,
        ]


class GateForm(forms.Form):
    """Whom a version is for, who may override it, and from when on it judges."""

    stage = forms.ChoiceField(label="Stage", choices=[(one.value, one.label) for one in StageGate.STAGES])
    kind = forms.ChoiceField(label="Kind", choices=OpportunityKind.choices)
    overrider = forms.ChoiceField(label="Who may override", choices=StageGate.Overrider.choices)
    effective_on = day_field("In force from")
    note = forms.CharField(required=False, max_length=300, label="Why this version")


class GateEditor:
    """A version as it is written: single values and the rows of its criteria (``forms.rows``)."""

    def __init__(
        self,
        *,
        sources: Sequence[tuple[str, str]],
        values: Mapping[str, Any] | None = None,
        data: Any = None,
        act: bool = False,
    ) -> None:
        """``values`` to begin from, or ``data`` as typed: checked, or with ``act`` only changed by its button."""
        checked = None if act else data
        shown = dict(values or {})
        if act:
            blank = GateForm()
            shown = {
                name: field.widget.value_from_datadict(data, {}, name) for name, field in blank.fields.items()
            }
        self.form = GateForm(checked, initial=shown)
        self.rows = Rows(
            CriterionRow,
            "criteria",
            values=(values or {}).get("criteria", ()),
            data=checked,
            most=rules.MOST_CRITERIA,
            sources=sources,
        )
        if act:
            self.rows = self.rows.acted(data, {"key": "", "name": "", "asks": "", "fills_from": ""})

    def is_valid(self) -> bool:
        return all([self.form.is_valid(), self.rows.is_valid()])

    def criteria(self) -> tuple[GateCriterion, ...]:
        """The criteria of a valid editor; a new one is given a key by its name, an old one keeps its own."""
        found: list[GateCriterion] = []
        kept = {row["key"] for row in self.rows.cleaned if row["key"]}
        for row in self.rows.cleaned:
            taken = {one.key for one in found} | (kept if not row["key"] else set())
            key = row["key"] if row["key"] and row["key"] not in taken else rules.key_of(row["name"], taken)
            found.append(GateCriterion(key, row["name"].strip(), row["asks"].strip(), row["fills_from"]))
        return tuple(found)

    def refuse(self, error: DomainError) -> None:
        if error.field == "criteria":
            self.rows.error = error.message
        else:
            self.form.add_error(error.field if error.field in self.form.fields else None, error.message)

    @property
    def wrong(self) -> int:
        return len(self.form.errors) + self.rows.wrong
