"""A rule that shares credit, as typed: what it is about, for which leads, and who gets which part."""

from decimal import Decimal
from typing import Any

from django import forms

from apps.leads.forms.conditions import ConditionRow, fields_to_add, new_condition, values_of
from apps.leads.forms.rows import RowForm, Rows
from apps.leads.models import Capacity, CreditRule, EventKind
from apps.leads.rules.credit_rules import CREDITED, KINDS, MOST_SHARES, NAMED, RECIPIENTS, WHOLE
from apps.leads.services.credit_rules import RuleTerms
from apps.reps.models import Rep


def _day_field(label: str, **options: Any) -> forms.DateField:
    return forms.DateField(
        label=label,
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
        error_messages={"invalid": "Give a day, such as 2026-11-30.", "required": "Give the day."},
        **options,
    )


class AboutForm(forms.Form):
    """Name, what is shared, and when."""

    name = forms.CharField(
        label="Name", max_length=80, help_text="It stands beside every credit that the rule shares."
    )
    capacity = forms.ChoiceField(
        label="What is shared", choices=[(Capacity.OWNED, "Owning it"), (Capacity.SOURCED, "Sourcing it")]
    )
    kinds = forms.MultipleChoiceField(
        label="When",
        choices=[(kind, EventKind(kind).label) for kind in KINDS],
        widget=forms.CheckboxSelectMultiple,
        error_messages={"required": "Choose one at least."},
    )
    starts_on = _day_field(
        "From", help_text="For what occurs from this day on and is recorded after approval."
    )
    ends_on = _day_field("Until", required=False, help_text="First day it no longer counts.")
    position = forms.IntegerField(
        label="Place",
        min_value=1,
        max_value=999,
        initial=10,
        help_text="Of several that fit, the lowest is taken.",
    )
    note = forms.CharField(
        label="Note", required=False, max_length=300, widget=forms.Textarea(attrs={"rows": 2})
    )


class ShareRow(RowForm):
    """Who gets which part."""

    to = forms.ChoiceField(label="Who")
    percent = forms.DecimalField(
        label="Share",
        min_value=Decimal("0.0001"),
        max_value=Decimal(100),
        decimal_places=4,
        widget=forms.TextInput(attrs={"inputmode": "decimal", "autocomplete": "off"}),
        error_messages={"invalid": "Write a percentage, such as 20.", "required": "Say how much."},
    )

    def __init__(self, *args: Any, choices: list[tuple[str, Any]], **options: Any) -> None:
        super().__init__(*args, **options)
        self.fields["to"].choices = choices  # type: ignore[attr-defined]

    @property
    def as_share(self) -> dict[str, Any]:
        return {"to": self.cleaned_data["to"], "share": int(self.cleaned_data["percent"] * WHOLE / 100)}


def recipients() -> list[tuple[str, Any]]:
    """Those by their part in it, and every rep by name."""
    reps = [(f"{NAMED}{pk}", name) for pk, name in Rep.objects.order_by("name").values_list("pk", "name")]
    return [("By their part in it", list(RECIPIENTS.items())), ("By name", reps)]


_BLANK = {"to": CREDITED, "percent": ""}


class RuleForm:
    """The whole of it. As typed it is checked; after a button that changes rows it is only changed."""

    def __init__(self, *, rule: CreditRule | None = None, data: Any = None, act: bool = False) -> None:
        shares: dict[str, Any] = {"most": MOST_SHARES, "least": 1, "choices": recipients()}
        if data is None:
            self.about = AboutForm(initial=_about(rule))
            kept = values_of(rule.conditions if rule else [])
            self.conditions = Rows(ConditionRow, "conditions", values=kept, most=20)
            self.shares = Rows(ShareRow, "shares", values=_shares(rule), **shares)
        elif act:
            typed = {name: data.get(name, "") for name in AboutForm.base_fields}
            self.about = AboutForm(initial=typed | {"kinds": data.getlist("kinds")})
            self.conditions = Rows(ConditionRow, "conditions", most=20).acted(data, new_condition(data))
            self.shares = Rows(ShareRow, "shares", **shares).acted(data, _BLANK)
        else:
            self.about = AboutForm(data)
            self.conditions = Rows(ConditionRow, "conditions", data=data, most=20)
            self.shares = Rows(ShareRow, "shares", data=data, **shares)

    def is_valid(self) -> bool:
        return all([self.about.is_valid(), self.conditions.is_valid(), self.shares.is_valid()])

    @property
    def terms(self) -> RuleTerms:
        """What the services are given, once valid."""
        read = self.about.cleaned_data
        return RuleTerms(
            **{**read, "capacity": Capacity(read["capacity"])},
            conditions=[row.as_condition for row in self.conditions],
            shares=[row.as_share for row in self.shares],
        )

    def refuse(self, field: str, message: str) -> None:
        """Put a refusal where it belongs."""
        if field in ("shares", "conditions"):
            getattr(self, field).add_error(-1, "", message)
        else:
            self.about.add_error(field if field in self.about.fields else None, message)

    @property
    def fields_to_add(self) -> list[tuple[str, str]]:
        """What a further condition can be about."""
        return fields_to_add()

    @property
    def wrong(self) -> int:
        about = sum(1 for name in self.about.errors if name != "__all__") if self.about.is_bound else 0
        return about + self.conditions.wrong + self.shares.wrong


def _about(rule: CreditRule | None) -> dict[str, Any]:
    if rule is None:
        return {"capacity": Capacity.OWNED, "kinds": ["won"]}
    return {name: getattr(rule, name) for name in AboutForm.base_fields}


def _shares(rule: CreditRule | None) -> list[dict[str, Any]]:
    if rule is None:
        return [{"to": CREDITED, "percent": "80"}, {"to": "sdr", "percent": "20"}]
    return [
        {"to": one["to"], "percent": f"{(Decimal(one['share']) * 100 / WHOLE).normalize():f}"}
        for one in rule.shares
    ]


class EndForm(forms.Form):
    """From when a rule shares nothing more."""

    ends_on = _day_field("From when it no longer counts")
