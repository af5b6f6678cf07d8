"""The next version of the follow-up rules: its rows, the agreed touches, days until re-entry, and why."""

from typing import Any

from django import forms

from apps.leads.forms.rows import RowForm, Rows
from apps.leads.models import Channel, Disposition
from apps.leads.rules.dispositions import FIXED, ROW_ACTS, Act, Rules, RulesInvalid

MOST_ROWS = 60
_ACT_WORDS = {
    Act.RETRY: "try again",
    Act.QUALIFY: "fill the framework",
    Act.PROPOSE: "propose to leave",
    Act.RECYCLE: "recycle at once",
    Act.DISQUALIFY: "disqualify at once",
}
_HOURS, _DAYS = "hours", "days"


def _number(label: str, least: int) -> forms.IntegerField:
    return forms.IntegerField(
        label=label,
        required=False,
        min_value=least,
        max_value=10_000,
        widget=forms.NumberInput(attrs={"inputmode": "numeric"}),
        error_messages={
            "invalid": "Write a whole number.",
            "min_value": "%(limit_value)s at least.",
            "max_value": "%(limit_value)s at most.",
        },
    )


class RuleRow(RowForm):
    """One row: after which dispositions, at which touches and ages, what follows. Empty means any."""

    dispositions = forms.MultipleChoiceField(
        label="After",
        required=False,
        choices=[choice for choice in Disposition.choices if choice[0] not in FIXED],
        widget=forms.CheckboxSelectMultiple,
    )
    attempts_from = _number("Touch from", 1)
    attempts_to = _number("Touch to", 1)
    age_from = _number("Days old from", 0)
    age_to = _number("Days old to", 0)
    act = forms.ChoiceField(label="Then", choices=[(act.value, _ACT_WORDS[act]) for act in ROW_ACTS])
    proposal = forms.ChoiceField(
        label="To", required=False, choices=[("recycle", "recycle"), ("disqualify", "disqualify")]
    )
    channel = forms.ChoiceField(label="By", required=False, choices=Channel.choices)
    wait = _number("After", 0)
    unit = forms.ChoiceField(label="Unit", choices=[(_HOURS, "hours"), (_DAYS, "days")])
    reason = forms.CharField(label="Reason", required=False, max_length=76)

    @property
    def as_row(self) -> dict[str, Any]:
        """As ``rules.dispositions`` reads it, once the row is valid."""
        row = {name: self.cleaned_data[name] for name in self.fields if name not in ("wait", "unit")}
        key = "wait_hours" if self.cleaned_data["unit"] == _HOURS else "wait_days"
        return {**row, key: self.cleaned_data["wait"]}


class VersionForm(forms.Form):
    """What a version says besides its rows."""

    agreed_touches = forms.IntegerField(
        label="Agreed touches",
        min_value=1,
        max_value=99,
        help_text="Without contact, before leaving is proposed.",
    )
    recycle_days = forms.IntegerField(
        label="Days until re-entry",
        min_value=1,
        max_value=1_000,
        help_text="Of a recycled lead, calendar days.",
    )
    note = forms.CharField(
        label="Why this version",
        max_length=200,
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
        help_text="Stands beside the version.",
        error_messages={"required": "Say why, for those who read it later."},
    )


class AskForm(forms.Form):
    """A lead to ask the rules about: which touch it is, and how old the lead."""

    attempts = forms.IntegerField(label="Touch without contact", min_value=1, max_value=999, initial=1)
    age = forms.IntegerField(label="Days old", min_value=0, max_value=10_000, initial=0)


class PolicyForm:
    """A version as it is written: the form, its rows, and the lead that the preview asks about."""

    blank = {"act": Act.RETRY.value, "channel": "call", "wait": "1", "unit": _DAYS, "dispositions": []}

    def __init__(self, *, rules: Rules | None = None, data: Any = None, act: bool = False) -> None:
        """From ``rules`` as they stand, or ``data`` as typed: checked, or with ``act`` only changed by it."""
        self.parsed: Rules | None = None
        if data is None:
            assert rules is not None
            self.version = VersionForm(
                initial={"agreed_touches": rules.agreed_touches, "recycle_days": rules.recycle_days}
            )
            self.rows = Rows(RuleRow, "rows", values=typed_rows(rules), least=1, most=MOST_ROWS)
            self.ask = AskForm()
        elif act:
            plain = Rows(RuleRow, "rows", least=1, most=MOST_ROWS)
            self.rows = plain.acted(data, self.blank)
            self.version = VersionForm(initial={name: data.get(name, "") for name in VersionForm.base_fields})
            self.ask = AskForm(initial={name: data.get(name, "") for name in AskForm.base_fields})
        else:
            self.rows = Rows(RuleRow, "rows", data=data, least=1, most=MOST_ROWS)
            self.version = VersionForm(data)
            self.ask = AskForm(data)

    def is_valid(self) -> bool:
        """Whether the version may be published; what the rules refuse stands at the row and field."""
        rows_right, version_right = self.rows.is_valid(), self.version.is_valid()
        if rows_right:
            self._parse()
        return rows_right and version_right and self.parsed is not None and not self.rows.wrong

    def _parse(self) -> None:
        read = self.version.cleaned_data
        agreed, days = read.get("agreed_touches"), read.get("recycle_days")
        if agreed is None or days is None:
            return
        try:
            self.parsed = Rules.parse(self.as_rows, agreed_touches=agreed, recycle_days=days)
        except RulesInvalid as error:
            self.refuse(error.row, error.field, error.message)

    def refuse(self, row: int | None, field: str, message: str) -> None:
        """Put a refusal where it belongs: at a row's field, at a field of the version, or below the rows."""
        words = message[:1].upper() + message[1:]
        if row is not None:
            self.rows.add_error(row, "wait" if field in ("wait_hours", "wait_days") else field, words)
        elif field in self.version.fields:
            self.version.add_error(field, words)
        else:
            self.rows.add_error(-1, "", words)

    @property
    def as_rows(self) -> list[dict[str, Any]]:
        return [row.as_row for row in self.rows]

    @property
    def wrong(self) -> int:
        return self.rows.wrong + (len(self.version.errors) if self.version.is_bound else 0)


def typed_rows(rules: Rules) -> list[dict[str, Any]]:
    """The rows as the form shows them; what a row says only by default is left empty."""
    found = []
    for row in rules.as_rows():
        begins = rules.agreed_touches if row["act"] == Act.PROPOSE else 1
        days = row.get("wait_days")
        found.append({
            "dispositions": row["dispositions"],
            "attempts_from": "" if row["attempts_from"] == begins else row["attempts_from"],
            "attempts_to": "" if row["attempts_to"] is None else row["attempts_to"],
            "age_from": row["age_from"] or "",
            "age_to": "" if row["age_to"] is None else row["age_to"],
            "act": row["act"],
            "proposal": row["proposal"],
            "channel": row.get("channel", ""),
            "wait": row.get("wait_hours", "") if days is None else days,
            "unit": _HOURS if days is None else _DAYS,
            "reason": row["reason"],
        })  # fmt: skip
    return found
