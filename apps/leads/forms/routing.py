"""A routing policy and one of its rules as they are written: whom, among whom, and the method's own settings."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django import forms

from apps.leads.forms.conditions import WHOLE, ConditionRow, fields_to_add, new_condition, values_of
from apps.leads.forms.rows import RowForm, Rows
from apps.leads.models import RoutingRule
from apps.leads.rules import conditions as condition_rules
from apps.leads.rules.conditions import MOST_ROWS
from apps.leads.rules.routing.policies import (
    METHOD_WORDS,
    MOST_EXPLORATION,
    MOST_MONTHS,
    MOST_WEIGHT,
    OTHERWISE_WORDS,
    Method,
)
from apps.leads.rules.routing.policies import MOST_ROWS as MOST_SETTINGS
from apps.reps.models import Rep, Team

POOLED = (Method.BEST_RANKED, Method.ROUND_ROBIN, Method.STICKY)
"""Methods that choose among a pool; the others name their AEs themselves."""


class NameForm(forms.Form):
    """What a version is called, and why it is written."""

    name = forms.CharField(
        label="Name",
        max_length=80,
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
        error_messages={"required": "Give it a name."},
    )
    note = forms.CharField(
        label="Why this version",
        required=False,
        max_length=300,
        widget=forms.Textarea(attrs={"rows": 2}),
        error_messages={"max_length": "Keep this to %(limit_value)d characters; it has %(show_value)d."},
    )


class MomentForm(forms.Form):
    """From when a version decides; empty is at once. Read in the viewer's time zone."""

    from_at = forms.DateTimeField(
        label="From",
        required=False,
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M"),
        input_formats=["%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S"],
        help_text="Empty: at once.",
        error_messages={"invalid": "Write a day and a time such as 2026-12-01 09:00."},
    )


def _people(label: str) -> forms.MultipleChoiceField:
    return forms.MultipleChoiceField(label=label, required=False, widget=forms.CheckboxSelectMultiple)


def _number(label: str, least: int, most: int, **more: Any) -> forms.IntegerField:
    return forms.IntegerField(
        label=label,
        min_value=least,
        max_value=most,
        widget=forms.NumberInput(attrs={"inputmode": "numeric"}),
        error_messages={**WHOLE, "required": "Write a whole number."},
        **more,
    )


class AboutRule(forms.Form):
    """The rule's name, its pool, what follows, and the settings that only some methods have."""

    method = forms.ChoiceField(
        choices=[(one.value, METHOD_WORDS[one]) for one in Method], widget=forms.HiddenInput
    )
    seen = forms.CharField(widget=forms.HiddenInput, required=False)
    name = forms.CharField(
        label="Name",
        max_length=80,
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
        error_messages={"required": "Give it a name."},
    )
    teams = _people("Teams")
    reps = _people("AEs")
    otherwise = forms.ChoiceField(
        label="When nobody is free", choices=[(one.value, OTHERWISE_WORDS[one]) for one in OTHERWISE_WORDS]
    )
    other_teams = _people("Teams of the other pool")
    other_reps = _people("AEs of the other pool")
    exploration_percent = _number(
        "Good leads that go to lower tiers first",
        0,
        MOST_EXPLORATION,
        required=False,
        help_text="Of tier 1 leads, so that AEs of lower tiers can show what they make of them.",
    )
    months = _number("Owned it within the last", 1, MOST_MONTHS, required=False)

    def __init__(self, *args: Any, people: "People", **options: Any) -> None:
        super().__init__(*args, **options)
        for name in ("teams", "other_teams"):
            self.fields[name].choices = people.teams  # type: ignore[attr-defined]
        for name in ("reps", "other_reps"):
            self.fields[name].choices = people.reps  # type: ignore[attr-defined]


class People:
    """The teams with AEs, and the AEs, as choices. Two statements."""

    def __init__(self, at: datetime) -> None:
        aes = Rep.objects.aes().active_on(at.date()).select_related("team").order_by("name", "pk")
        rows = list(aes)
        self.reps = [(str(one.pk), one.name) for one in rows]
        teams = {one.team_id: one.team for one in rows}
        self.teams: list[tuple[str, str]] = [
            (str(one.pk), str(one)) for one in sorted(teams.values(), key=lambda one: (one.name, one.pk))
        ]

    def with_left(self, ids: Sequence[int]) -> None:
        """AEs who left but still stand in a rule stay choices, so that they can be taken out."""
        known = {value for value, _ in self.reps}
        for one in Rep.objects.filter(pk__in=[pk for pk in ids if str(pk) not in known]):
            self.reps.append((str(one.pk), f"{one.name} (left)"))

    def with_teams(self, ids: Sequence[int]) -> None:
        known = {value for value, _ in self.teams}
        for one in Team.objects.filter(pk__in=[pk for pk in ids if str(pk) not in known]):
            self.teams.append((str(one.pk), str(one)))


class WeightRow(RowForm):
    """How many turns an AE gets beside the others, from a day on."""

    rep = forms.ChoiceField(label="AE")
    weight = _number("Weight", 0, MOST_WEIGHT)
    from_on = forms.DateField(
        label="From",
        required=False,
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
        error_messages={"invalid": "Write a day such as 2026-12-01."},
    )

    def __init__(self, *args: Any, people: People, **options: Any) -> None:
        super().__init__(*args, **options)
        self.fields["rep"].choices = people.reps  # type: ignore[attr-defined]

    @property
    def as_row(self) -> dict[str, Any]:
        read = self.cleaned_data
        return {"rep": int(read["rep"]), "weight": read["weight"], "from_on": read["from_on"]}


class AccountRow(RowForm):
    """A company, by domain or name, and the AE it is kept for."""

    account = forms.CharField(
        label="Company or domain",
        max_length=160,
        widget=forms.TextInput(attrs={"autocomplete": "off", "placeholder": "brightmoor.example"}),
        error_messages={"required": "Write a domain or a company."},
    )
    rep = forms.ChoiceField(label="AE")

    def __init__(self, *args: Any, people: People, **options: Any) -> None:
        super().__init__(*args, **options)
        self.fields["rep"].choices = people.reps  # type: ignore[attr-defined]

    @property
    def as_row(self) -> dict[str, Any]:
        return {"account": self.cleaned_data["account"], "rep": int(self.cleaned_data["rep"])}


class TerritoryRow(ConditionRow):
    """One condition of a territory. Rows of one name belong to one territory: all of them must hold."""

    name = forms.CharField(
        label="Territory",
        max_length=80,
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
        error_messages={"required": "Give it a name."},
    )

    def __init__(self, *args: Any, people: People, **options: Any) -> None:
        super().__init__(*args, **options)
        self.fields["reps"] = forms.MultipleChoiceField(
            label="Belongs to", required=False, choices=people.reps, widget=forms.CheckboxSelectMultiple
        )


class RuleForm:
    """The whole of a rule. As typed it is checked; after a button that changes rows it is only changed."""

    def __init__(
        self,
        *,
        method: str,
        at: datetime,
        rule: RoutingRule | None = None,
        seen: datetime | None = None,
        data: Any = None,
        act: bool = False,
    ) -> None:
        """Of a ``rule``, or a new one by ``method``; ``seen`` is the draft's state that the page was made of."""
        self.method = Method(rule.method if rule else method)
        self.people = People(at)
        terms = rule.terms if rule else {}
        self.people.with_left(_reps_in(terms))
        self.people.with_teams(
            [*terms.get("pool", {}).get("teams", ()), *terms.get("other_pool", {}).get("teams", ())]
        )
        rows: dict[str, tuple[Any, int, dict[str, Any]]] = {
            "conditions": (ConditionRow, MOST_ROWS, {}),
            "weights": (WeightRow, MOST_SETTINGS, {"people": self.people}),
            "territories": (TerritoryRow, MOST_SETTINGS, {"people": self.people}),
            "accounts": (AccountRow, MOST_SETTINGS, {"people": self.people}),
        }
        blank = {
            "conditions": new_condition(data or {}),
            "weights": {"weight": 1},
            "territories": {"name": "", **new_territory(data or {})},
            "accounts": {},
        }
        values = _values(rule)
        self.rows: dict[str, Rows] = {}
        for name, (row, most, options) in rows.items():
            if data is None:
                self.rows[name] = Rows(row, name, values=values[name], most=most, **options)
            elif act:
                self.rows[name] = Rows(row, name, most=most, **options).acted(data, blank[name])
            else:
                self.rows[name] = Rows(row, name, data=data, most=most, **options)
        if data is None:
            self.about = AboutRule(initial=_about(rule, self.method, seen), people=self.people)
        elif act:
            typed = {
                name: field.widget.value_from_datadict(data, {}, name)
                for name, field in AboutRule.base_fields.items()
            }
            self.about = AboutRule(initial=typed, people=self.people)
        else:
            self.about = AboutRule(data, people=self.people)

    @property
    def conditions(self) -> Rows:
        return self.rows["conditions"]

    @property
    def weights(self) -> Rows:
        return self.rows["weights"]

    @property
    def territories(self) -> Rows:
        return self.rows["territories"]

    @property
    def accounts(self) -> Rows:
        return self.rows["accounts"]

    @property
    def word(self) -> str:
        return METHOD_WORDS[self.method]

    @property
    def is_pooled(self) -> bool:
        return self.method in POOLED

    @property
    def fields_to_add(self) -> list[tuple[str, str]]:
        """What a further condition can be about."""
        return fields_to_add()

    def is_valid(self) -> bool:
        return all([self.about.is_valid(), *(rows.is_valid() for rows in self.rows.values())])

    @property
    def seen(self) -> str:
        return str(self.about.cleaned_data["seen"])

    @property
    def values(self) -> dict[str, Any]:
        """What the services are given, once valid."""
        read = self.about.cleaned_data
        return {
            "name": read["name"],
            "method": self.method.value,
            "conditions": [row.as_condition for row in self.conditions],
            "terms": {
                "pool": _pool(read, "teams", "reps") if self.is_pooled else {},
                "otherwise": read["otherwise"],
                "other_pool": _pool(read, "other_teams", "other_reps"),
                "exploration_percent": read["exploration_percent"] or 0,
                "months": read["months"] or 12,
                "weights": [row.as_row for row in self.weights],
                "territories": self._territories(),
                "accounts": [row.as_row for row in self.accounts],
            },
        }

    def _territories(self) -> list[dict[str, Any]]:
        """Rows of one name put together, in the order in which the names first stand there."""
        found: dict[str, dict[str, Any]] = {}
        self._rows_of: list[list[int]] = []
        for place, row in enumerate(self.territories):
            name = " ".join(row.cleaned_data["name"].split())
            key = name.casefold()
            if key not in found:
                found[key] = {"name": name, "conditions": [], "reps": []}
                self._rows_of.append([])
            index = list(found).index(key)
            self._rows_of[index].append(place)
            found[key]["conditions"].append(row.as_condition)
            found[key]["reps"] += [int(one) for one in row.cleaned_data["reps"]]
        return list(found.values())

    def refuse(self, part: str, index: int | None, field: str, message: str) -> None:
        """Put a refusal at the row and the field that it names, or above the form."""
        message = message[:1].upper() + message[1:]
        if part in self.rows:
            place = -1 if index is None else index
            if part == "territories" and index is not None:
                place = self._rows_of[index][0]
            self.rows[part].add_error(place, field, message)
            return
        name = {"pool": "teams", "other_pool": "other_teams"}.get(part, part)
        self.about.add_error(name if name in self.about.fields else None, message)

    @property
    def wrong(self) -> int:
        about = sum(1 for name in self.about.errors if name != "__all__") if self.about.is_bound else 0
        return about + sum(rows.wrong for rows in self.rows.values())


def new_territory(data: Any) -> dict[str, Any]:
    """The row that the button adds: about the field that was chosen beside it."""
    chosen = str(data.get("territories-new", "") or "city")
    field = condition_rules.FIELDS.get(chosen, condition_rules.FIELDS["city"])
    return {"field": field.name, "operator": condition_rules.OPERATORS[field.kind][0], "value": ""}


def _pool(read: dict[str, Any], teams: str, reps: str) -> dict[str, list[int]]:
    return {"teams": [int(one) for one in read[teams]], "reps": [int(one) for one in read[reps]]}


def _reps_in(terms: dict[str, Any]) -> list[int]:
    return [
        *terms.get("pool", {}).get("reps", ()),
        *terms.get("other_pool", {}).get("reps", ()),
        *(one["rep"] for one in (*terms.get("weights", ()), *terms.get("accounts", ()))),
        *(rep for one in terms.get("territories", ()) for rep in one["reps"]),
    ]


def _values(rule: RoutingRule | None) -> dict[str, list[dict[str, Any]]]:
    """Kept rows as the form shows them."""
    if rule is None:
        return {"conditions": [], "weights": [], "territories": [], "accounts": []}
    territories = []
    for one in rule.terms.get("territories", ()):
        for place, row in enumerate(values_of(one["conditions"])):
            reps = [str(rep) for rep in one["reps"]] if place == 0 else []
            territories.append({**row, "name": one["name"], "reps": reps})
    return {
        "conditions": values_of(rule.conditions),
        "weights": [{**one, "rep": str(one["rep"])} for one in rule.terms.get("weights", ())],
        "territories": territories,
        "accounts": [{**one, "rep": str(one["rep"])} for one in rule.terms.get("accounts", ())],
    }


def _about(rule: RoutingRule | None, method: Method, seen: datetime | None) -> dict[str, Any]:
    terms = rule.terms if rule else {}
    pool, other = terms.get("pool", {}), terms.get("other_pool", {})
    return {
        "method": method.value,
        "seen": seen.isoformat() if seen else "",
        "name": rule.name if rule else METHOD_WORDS[method],
        "teams": [str(one) for one in pool.get("teams", ())],
        "reps": [str(one) for one in pool.get("reps", ())],
        "otherwise": terms.get("otherwise", "next"),
        "other_teams": [str(one) for one in other.get("teams", ())],
        "other_reps": [str(one) for one in other.get("reps", ())],
        "exploration_percent": terms.get("exploration_percent", 0),
        "months": terms.get("months", 12),
    }
