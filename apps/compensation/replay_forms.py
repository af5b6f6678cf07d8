"""What the page of a new replay asks for: the months, and for each alternative who would have been on which plan."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from django import forms
from django.core.files.uploadedfile import UploadedFile
from django.utils.datastructures import MultiValueDict

from apps.compensation.models import Plan, PlanVersion
from apps.compensation.rules.moves import Who
from apps.compensation.rules.plan import PlanInvalid, parse_plan
from apps.compensation.services.replays import (
    MOST_ALTERNATIVES,
    MOST_MONTHS,
    Alternative,
    AskedMove,
    Target,
    version_words,
)
from apps.core.periods import NotAPeriod, Period, parse_period
from apps.reps.models import Rep, RepRole, Team

MOST_MOVES = 8
LARGEST_FILE = 512 * 1024
FILE, PEOPLE, EVERYBODY = "file", "people", "everybody"
Choices = list[tuple[str, Any]]


class MonthsForm(forms.Form):
    """Which months, whom to show, and a name."""

    months = forms.IntegerField(
        label="Months",
        min_value=1,
        max_value=MOST_MONTHS,
        help_text="Widened to whole pay periods where runs were of others.",
        error_messages={"required": "Say how many months."},
    )
    until = forms.CharField(label="Up to and with", max_length=10, help_text="A month, such as 2026-10.")
    shows = forms.ChoiceField(
        label="Whom to show",
        choices=[("concerned", "Those whom it concerns"), ("everybody", "Everybody on a plan")],
        widget=forms.RadioSelect,
        help_text="It concerns who moves, and whoever shares a plan’s pools and budgets with them.",
    )
    name = forms.CharField(
        label="Name", max_length=120, required=False, help_text="Empty: named after the plans tried."
    )
    request_key = forms.CharField(max_length=80, widget=forms.HiddenInput)

    def clean_until(self) -> Period:
        try:
            return parse_period(self.cleaned_data["until"])
        except NotAPeriod as error:
            raise forms.ValidationError(str(error)) from error


class MoveForm(forms.Form):
    """Who would have been on which plan."""

    who = forms.ChoiceField(label="Who")
    people = forms.CharField(
        label="Which people",
        required=False,
        max_length=4_000,
        widget=forms.Textarea(attrs={"rows": 2}),
        help_text="Names, e-mail addresses or external ids, one on a line.",
    )
    to = forms.ChoiceField(label="would have been on")
    file = forms.FileField(label="Plan file", required=False, help_text="JSON, as a version’s page gives it.")
    document = forms.CharField(required=False, widget=forms.HiddenInput)
    document_name = forms.CharField(required=False, max_length=200, widget=forms.HiddenInput)

    def __init__(self, *args: Any, lists: "Lists", **more: Any) -> None:
        super().__init__(*args, **more)
        self._lists = lists
        self.fields["who"].choices = lists.who  # type: ignore[attr-defined]
        self.fields["to"].choices = lists.to  # type: ignore[attr-defined]
        self.fields["file"].widget.attrs["accept"] = ".json,application/json"

    @property
    def kept_file(self) -> str:
        """The name of the file that was read already: it need not be chosen again."""
        return str(self["document_name"].value() or "")

    def clean(self) -> dict[str, Any]:
        found = super().clean() or {}
        who, to = str(found.get("who", "")), str(found.get("to", ""))
        if who:
            found["asked"] = self._who(who, str(found.get("people", "")))
        if to:
            found["target"] = self._to(to, found)
        return found

    def _who(self, who: str, people: str) -> tuple[Who, list[int | str], str]:
        kind, _, key = who.partition(":")
        if kind == PEOPLE:
            reps = self._people(people)
            names = ", ".join(rep.name for rep in reps[:3]) + (
                f" and {len(reps) - 3} more" if len(reps) > 3 else ""
            )
            return Who.PEOPLE, [rep.pk for rep in reps], names
        ids: list[int | str] = [] if kind == EVERYBODY else [key if kind == "role" else int(key)]
        return Who(kind), ids, self._lists.said[who]

    def _people(self, text: str) -> list[Rep]:
        asked = [word.strip() for line in text.splitlines() for word in line.split(",")]
        found, wrong = [], []
        for word in dict.fromkeys(one for one in asked if one):
            reps = self._lists.by_word.get(word.casefold(), [])
            if len(reps) == 1:
                found.append(reps[0])
            elif reps:
                wrong.append(f"“{word}” names {len(reps)} people: write the e-mail address instead.")
            else:
                wrong.append(f"“{word}” is nobody whom you see.")
        if wrong:
            self.add_error("people", " ".join(wrong))
        elif not found:
            self.add_error("people", "Name at least one person.")
        return found

    def _to(self, to: str, given: Mapping[str, Any]) -> Target | None:
        kind, _, key = to.partition(":")
        if kind == "plan":
            return Target(plan=self._lists.plans[int(key)])
        if kind == "version":
            return Target(version=self._lists.versions[int(key)])
        if not given.get("document"):
            self.add_error("file", "Choose the plan file.")
            return None
        try:
            document = json.loads(given["document"])
            parse_plan(document)
        except json.JSONDecodeError as error:
            self.add_error(
                "file", f"This is not JSON: line {error.lineno}, column {error.colno}: {error.msg}."
            )
        except PlanInvalid as error:
            for place, says in error.problems[:12]:
                self.add_error("file", f"{place}: {says}" if place else says)
        else:
            return Target(document=document, name=str(given.get("document_name", "")))
        return None


@dataclass
class Lists:
    """What the viewer may choose from; read once for all moves of a page."""

    who: Choices
    to: Choices
    said: dict[str, str]
    plans: dict[int, Plan]
    versions: dict[int, PlanVersion]
    by_word: dict[str, list[Rep]]

    @classmethod
    def of(cls, user: Any) -> "Lists":
        plans = {plan.pk: plan for plan in Plan.objects.visible_to(user).order_by("name", "currency")}
        kept = PlanVersion.objects.visible_to(user).filter(plan__in=plans).select_related("plan")
        versions = {one.pk: one for one in kept.order_by("plan__name", "plan__currency", "-number")}
        teams = Team.objects.visible_to(user).order_by("name")
        groups: list[tuple[str, Choices]] = [
            ("Everybody on a plan", [(f"plan:{plan.pk}", f"Everybody on {plan.name}") for plan in plans.values()]),
            ("A team", [(f"team:{team.pk}", team.name) for team in teams]),
            ("A role", [(f"role:{key}", f"Every {word}") for key, word in RepRole.choices]),
            ("Others", [(PEOPLE, "People by name"), (EVERYBODY, "Everybody on any plan")]),
        ]  # fmt: skip
        tried = [
            (f"version:{one.pk}", f"{one.plan.name}, {version_words(one)}")
            for one in _drafts_first(versions.values())
        ]
        to: Choices = [
            ("Versions", tried),
            ("Plans as they were in force", [(f"plan:{plan.pk}", plan.name) for plan in plans.values()]),
            ("A file", [(FILE, "A plan file")]),
        ]
        said = {key: word for _, group in groups for key, word in group}
        by_word: dict[str, list[Rep]] = {}
        for rep in Rep.objects.visible_to(user).select_related("user").order_by("pk"):
            words = {rep.name, rep.external_id, rep.user.email if rep.user else ""}
            for word in words - {""}:
                by_word.setdefault(word.casefold(), []).append(rep)
        return cls(
            [one for one in groups if one[1]], [one for one in to if one[1]], said, plans, versions, by_word
        )


def _drafts_first(versions: Iterable[PlanVersion]) -> list[PlanVersion]:
    return sorted(versions, key=lambda one: one.is_approved)


@dataclass
class AlternativeBlock:
    """One alternative on the page: its name, and its moves."""

    number: int
    name: forms.BoundField
    form: forms.Form
    moves: list[MoveForm]

    @property
    def may_add(self) -> bool:
        return len(self.moves) < MOST_MOVES

    @property
    def may_drop_moves(self) -> bool:
        return len(self.moves) > 1


class NameForm(forms.Form):
    """What the figures of an alternative are called."""

    name = forms.CharField(
        label="Called", max_length=60, required=False, help_text="Empty: after the plan that is tried."
    )


_FIELDS = ("who", "people", "to", "document", "document_name")
Typed = list[dict[str, Any]]


class Question:
    """The whole page: the months, and the alternatives with their moves, however many somebody added.

    Whatever was typed is kept when a move is added or taken away; a file is read once and carried along.
    """

    def __init__(self, lists: Lists, months: MonthsForm, typed: Typed, *, bound: bool) -> None:
        self.lists, self.months = lists, months
        self.blocks = []
        for number, one in enumerate(typed):
            prefix = f"alternative-{number}"
            data = {f"{prefix}-name": one["name"]} if bound else None
            name = NameForm(data, prefix=prefix, initial={"name": one["name"]})
            moves = [
                MoveForm(
                    {f"{prefix}-{place}-{key}": value for key, value in move.items()} if bound else None,
                    prefix=f"{prefix}-{place}",
                    initial=move,
                    lists=lists,
                )
                for place, move in enumerate(one["moves"])
            ]
            self.blocks.append(AlternativeBlock(number, name["name"], name, moves))

    @classmethod
    def fresh(cls, user: Any, *, initial: dict[str, Any], version: int | None) -> "Question":
        """An empty page; with ``version`` it is tried for everybody on its plan."""
        lists = Lists.of(user)
        move = dict.fromkeys(_FIELDS, "")
        if version in lists.versions:
            found = lists.versions[version]
            move |= {"to": f"version:{version}", "who": f"plan:{found.plan_id}"}
        return cls(lists, MonthsForm(initial=initial), [{"name": "", "moves": [move]}], bound=False)

    @classmethod
    def posted(
        cls, user: Any, data: Mapping[str, Any], files: MultiValueDict[str, UploadedFile]
    ) -> "Question":
        """The page as it was sent: to be checked, or changed by its buttons (``do``)."""
        do = str(data.get("do", ""))
        typed = _changed(_typed(data, files), do)
        lists = Lists.of(user)
        if do:
            kept = {name: data.get(name, "") for name in MonthsForm.base_fields}
            return cls(lists, MonthsForm(initial=kept), typed, bound=False)
        return cls(lists, MonthsForm(data), typed, bound=True)

    @property
    def shape(self) -> str:
        """How many moves each alternative has: ``2,1``."""
        return ",".join(str(len(block.moves)) for block in self.blocks)

    @property
    def may_add(self) -> bool:
        return len(self.blocks) < MOST_ALTERNATIVES

    @property
    def forms(self) -> list[forms.Form]:
        return [self.months, *(form for block in self.blocks for form in (block.form, *block.moves))]

    def is_valid(self) -> bool:
        # Each is asked, so that everything wrong is told at once.
        answers = [form.is_valid() for form in self.forms]
        return all(answers)

    @property
    def alternatives(self) -> list[Alternative]:
        return [
            Alternative(
                block.form.cleaned_data["name"],
                [_asked(move) for move in block.moves],
            )
            for block in self.blocks
        ]


def _asked(move: MoveForm) -> AskedMove:
    who, ids, says = move.cleaned_data["asked"]
    return AskedMove(who, ids, says, move.cleaned_data["target"])


def _typed(data: Mapping[str, Any], files: MultiValueDict[str, UploadedFile]) -> Typed:
    """What was sent, alternative by alternative; a new file is read and takes the place of the one before."""
    found = []
    for number, moves in enumerate(_shape(str(data.get("shape", "")))):
        prefix = f"alternative-{number}"
        rows = []
        for place in range(moves):
            row = {key: str(data.get(f"{prefix}-{place}-{key}", "")) for key in _FIELDS}
            file = files.get(f"{prefix}-{place}-file")
            if file is not None:
                row |= {"document": _text(file), "document_name": str(file.name)[:200]}
            rows.append(row)
        found.append({"name": str(data.get(f"{prefix}-name", "")), "moves": rows})
    return found


def _text(file: UploadedFile) -> str:
    """The file as text; one that is too long or no text becomes what the check then refuses as no JSON."""
    if (file.size or 0) > LARGEST_FILE:
        return "(this file is larger than 512 KB)"
    return file.read().decode("utf-8", errors="replace")


def _shape(text: str) -> list[int]:
    counts = [int(part) for part in text.split(",") if part.isascii() and part.isdigit() and len(part) < 3]
    return [min(max(count, 1), MOST_MOVES) for count in counts[:MOST_ALTERNATIVES]] or [1]


def _changed(typed: Typed, do: str) -> Typed:
    """``typed`` after a button: add-alternative, add-move-0, drop-alternative-1, drop-move-0-1."""
    act, _, rest = do.rpartition("alternative" if "alternative" in do else "move")
    numbers = [int(part) for part in rest.split("-") if part.isascii() and part.isdigit() and len(part) < 3]
    empty = dict.fromkeys(_FIELDS, "")
    if do == "add-alternative" and len(typed) < MOST_ALTERNATIVES:
        # The next one usually moves the same people somewhere else.
        like = typed[-1]["moves"][0] if typed else empty
        return [*typed, {"name": "", "moves": [empty | {"who": like["who"], "people": like["people"]}]}]
    if not numbers or numbers[0] >= len(typed):
        return typed
    block = typed[numbers[0]]
    if do.startswith("add-move") and len(block["moves"]) < MOST_MOVES:
        block["moves"].append(dict(empty))
    elif do.startswith("drop-alternative") and len(typed) > 1:
        typed.pop(numbers[0])
    elif act == "drop-" and len(numbers) == 2 and 1 < len(block["moves"]) > numbers[1]:
        block["moves"].pop(numbers[1])
    return typed
