"""The designer: a draft as a form of every field, saved as it is typed, with its pay curve and an example.

The form is rendered here alone. A script only sends it as one types (``look``), and puts what is wrong at its
field; without one, every button submits the form and the page comes back with everything as it was typed.
"""

import copy
from fractions import Fraction
from functools import lru_cache
from json import loads
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods

from apps.compensation import policies
from apps.compensation.models import PlanVersion
from apps.compensation.presentation_plan_curve import curve_picture, usual_total, worked_example
from apps.compensation.presentation_plan_sheet import Sheet
from apps.compensation.presentation_plans import AXES, DRAW, OPTIONAL_PARTS, condition_fields, slug
from apps.compensation.rules import words
from apps.compensation.rules.plan import FORMAT, PlanInvalid, parse_plan
from apps.compensation.rules.sheet import from_fields, number_of, steps_of, to_fields
from apps.compensation.rules.sheet_acts import apply
from apps.compensation.rules.terms import Component, PlanRules
from apps.compensation.rules.writing import write_plan
from apps.compensation.selectors import plan_example
from apps.compensation.selectors.plan_versions import version_before
from apps.compensation.services import plan_drafts
from apps.compensation.services.plans import SHIPPED
from apps.core.errors import DomainError, note_refusal
from apps.core.periods import NotAPeriod, Period, day_of, parse_period
from apps.core.policies import guarded, visible_or_404

LOOK, SAVE, DOWNLOAD = "look", "save", "as-typed"
PARTS = {name: value for name, (_, value) in OPTIONAL_PARTS.items()} | {"draw": DRAW}


@lru_cache(maxsize=1)
def component_kinds() -> dict[str, dict[str, Any]]:
    """Components to begin with, by kind: label and component."""
    return loads((SHIPPED / "components.json").read_text(encoding="utf-8"))


@require_http_methods(["GET", "HEAD", "POST"])
@guarded(policies.CHANGE_DRAFT)
def design(request: HttpRequest, pk: int) -> HttpResponse:
    """A draft to change; whose it is not, or what is no draft, is only read."""
    found = visible_or_404(
        PlanVersion.objects.visible_to(request.user).select_related("plan", "author"), pk=pk
    )
    policies.CHANGE_DRAFT.check(request.user, found)
    if not found.is_draft:
        messages.info(
            request, f"{found} is {found.get_state_display().lower()}: it can no longer be changed."
        )
        return redirect("compensation:plan_version", pk)
    desk = _Desk(request, found)
    if request.method == "POST":
        return desk.answer()
    return desk.page()


class _Desk:
    """One request for the designer: what is shown, what was typed, what came of the act."""

    def __init__(self, request: HttpRequest, version: PlanVersion) -> None:
        self.request, self.version = request, version
        self.given = request.POST if request.method == "POST" else request.GET
        self.refusal = ""
        self.focus = ""
        self.seen = str(version.revision)
        if request.method == "POST":
            self.typed = from_fields({name: str(value) for name, value in request.POST.items()})
            self.typed["format"] = FORMAT
        else:
            self.typed = editable(version)
        self.problems = plan_drafts.problems_of(self.typed)
        self.shown = self._shown()

    def _shown(self) -> int:
        """Which component is open."""
        text = str(self.given.get("ui-show", "0"))
        number = int(text) if text.isascii() and text.isdigit() and len(text) < 4 else 0
        count = len(self.components())
        return min(number, count - 1) if count else 0

    def components(self) -> list[Any]:
        found = self.typed.get("components")
        return found if isinstance(found, list) else []

    # --- What was asked for -------------------------------------------------------------------------

    def answer(self) -> HttpResponse:
        """Do the act, keep what was typed, and give back the part of the page that it asks for."""
        act = str(self.request.POST.get("act", SAVE))
        self._do(act)
        self._keep()
        if act == LOOK:
            return render(self.request, "compensation/_plan_live.html", self.context() | {"is_live": True})
        if act == SAVE and not self.refusal and not self.request.htmx:
            messages.success(self.request, self._saved_words())
            return redirect(f"{self._address()}?ui-show={self.shown}")
        return self.page(422 if self.refusal else 200)

    def _do(self, act: str) -> None:
        word, _, rest = act.partition(":")
        if word == "show":
            self.shown = int(rest) if rest.isdigit() and int(rest) < len(self.components()) else self.shown
            self.focus = "component"
            return
        if act in (LOOK, SAVE, DOWNLOAD):
            return
        kinds = {name: one["component"] for name, one in component_kinds().items()}
        if word == "component":
            act = f"component:{self.request.POST.get('ui-kind', '')}"
        self.focus = apply(self.typed, act, PARTS, kinds)
        steps = steps_of(self.focus or rest)
        if steps[:1] == ["components"] and len(steps) > 1 and isinstance(steps[1], int):
            self.shown = min(steps[1], max(len(self.components()) - 1, 0))

    def _keep(self) -> None:
        text = str(self.request.POST.get("ui-seen", ""))
        seen = int(text) if text.isascii() and text.isdigit() and len(text) < 9 else None
        self.seen = text
        try:
            saved = plan_drafts.save_draft(
                version=self.version,
                typed=copy.deepcopy(self.typed),
                seen=seen,
                at=timezone.now(),
                actor=self.request.user,
            )
        except DomainError as error:
            note_refusal(error)
            self.refusal = error.message
            self.problems = plan_drafts.problems_of(self.typed)
        else:
            self.version, self.problems = saved.version, saved.problems
            self.seen = str(saved.version.revision)

    def _saved_words(self) -> str:
        if not self.problems:
            return "The draft is saved."
        count = len(self.problems)
        return (
            f"The draft is saved as you typed it; {count} {'thing is' if count == 1 else 'things are'} wrong."
        )

    def _address(self) -> str:
        return reverse("compensation:plan_design", args=[self.version.pk])

    # --- The page -----------------------------------------------------------------------------------

    def page(self, status: int = 200) -> HttpResponse:
        context = self.context()
        return render(self.request, "compensation/plan_design.html", context, status=status)

    def context(self) -> dict[str, Any]:
        before = version_before(self.version)
        old = before.rules if before else None
        sheet = Sheet(self.typed, self.problems, write_plan(old) if old else None)
        at = f"components[{self.shown}]"
        drawn, fresh = self._drawn()
        sections = sheet.component(self.shown)
        head, draw = sheet.head(), sheet.draw()
        hidden = {
            place: text
            for place, text in to_fields(self.typed).items()
            if place.startswith("components[") and not place.startswith(f"{at}.")
        }
        context: dict[str, Any] = {
            "version": self.version,
            "before": before,
            "sections": sections,
            "head": head,
            "draw": draw,
            "hidden": hidden,
            "shown": self.shown,
            "shown_text": str(self.shown),
            "problems": self.problems,
            "problem_list": _problem_list(head, draw, sections, sheet),
            "component_list": self._component_list(old),
            "kinds": [(name, one["label"]) for name, one in component_kinds().items()],
            "axes": AXES,
            "condition_fields": condition_fields(),
            "refusal": self.refusal,
            "seen": self.seen,
            "focus": slug(self.focus) if self.focus and self.focus != "component" else "",
            "focus_component": self.focus == "component",
            "is_fresh": fresh,
            # A script puts them there itself, so that no answer moves the cursor.
            "places_problems": not self.request.htmx,
        }
        return context | self._pictures(drawn, old, before)

    def _drawn(self) -> tuple[PlanRules, bool]:
        """The plan to draw: what was typed, or the last text of it that was a plan."""
        try:
            return parse_plan(self.typed), True
        except PlanInvalid:
            return self.version.rules, False

    def _component_list(self, old: PlanRules | None) -> list[dict[str, Any]]:
        """Each component with how it stands: how many errors, new, changed or the same."""
        found = []
        drawn, fresh = self._drawn()
        now = write_plan(drawn)["components"] if fresh else []
        was = {one["key"]: one for one in write_plan(old)["components"]} if old else {}
        for number, one in enumerate(self.components()):
            one = one if isinstance(one, dict) else {}
            errors = sum(place.startswith(f"components[{number}]") for place, _ in self.problems)
            state = ""
            if fresh and old:
                key = str(one.get("key"))
                state = "new" if key not in was else "same" if was[key] == now[number] else "changed"
            rule = next((c.rule_in_words for c in drawn.components if c.key == one.get("key")), "")
            name = str(one.get("name", "")) or f"Component {number + 1}"
            found.append({"number": number, "name": name, "rule": rule, "errors": errors, "state": state})
        return found

    def _pictures(
        self, drawn: PlanRules, old: PlanRules | None, before: PlanVersion | None
    ) -> dict[str, Any]:
        today = day_of(timezone.now(), settings.COMPANY_TIME_ZONE)
        months = plan_example.months_before(today)
        asked = str(self.given.get("ui-month", ""))
        period = _month(asked) or months[0]
        people = plan_example.people_on(self.version.plan, period)
        rep = next((one for one in people if str(one.pk) == str(self.given.get("ui-rep", ""))), None)
        rep = rep or (people[0] if people else None)
        example = None
        if rep is not None:
            example = plan_example.example_of(
                plan=self.version.plan, rules=drawn, rep=rep, period=period, as_of=timezone.now()
            )
        found: dict[str, Any] = {
            "example": example,
            "example_people": people,
            "example_months": months,
            "example_period": period,
            "example_rep": rep,
            "drawn": drawn,
        }
        key = self.components()[self.shown].get("key") if self.components() else None
        one = drawn.component(str(key)) or (
            drawn.components[self.shown] if self.shown < len(drawn.components) else None
        )
        if one is None:
            return found
        goal = self._quota(one, drawn.currency, example)
        earlier = old.component(one.key) if old is not None and old.currency == drawn.currency else None
        total = self._total(one, drawn.currency)
        return found | {
            "curve": curve_picture(
                one, drawn.currency, goal, earlier,
                f"version {before.number}" if before else "", f"draft {self.version.number}",
            ),
            "curve_component": one,
            "worked": worked_example(
                one, drawn.currency, goal, usual_total(one, drawn.currency, goal) if total is None else total
            ),
            "quota_typed": str(self.given.get("ui-quota", "")),
            "total_typed": str(self.given.get("ui-total", "")),
        }  # fmt: skip

    def _quota(self, one: Component, currency: str, example: Any) -> int | None:
        """The quota to draw with: typed, or that of the rep in the example."""
        if one.quota is None:
            return None
        typed = self._amount("ui-quota", one, currency)
        if typed:
            return int(typed)
        known = {key: goal for key, goal, _ in example.quotas} if example is not None else {}
        return known.get(one.key)

    def _total(self, one: Component, currency: str) -> Fraction | None:
        return self._amount("ui-total", one, currency)

    def _amount(self, name: str, one: Component, currency: str) -> Fraction | None:
        """A typed number in units of the measure; ``None`` where none was typed."""
        number = number_of(str(self.given.get(name, "")).replace(",", ""))
        if number is None:
            return None
        return number * 10 ** words.exponent(currency) if one.measure.sums_amounts else number


def _problem_list(head: Any, draw: Any, sections: list[Any], sheet: Sheet) -> list[Any]:
    """All problems of what is shown, then those of what is not: each with where it stands."""
    found = []
    for section in [head, draw, *sections]:
        if section is None:
            continue
        cells = [*section.cells, *(cell for row in section.rows for cell in row.cells)]
        grid = section.extra.get("grid")
        if grid:
            cells += [grid["columns_by"], grid["rows_by"], *grid["columns"]]
            cells += [cell for start, rates in grid["rows"] for cell in (start, *rates)]
        found += [problem for cell in cells for problem in cell.problems]
        found += section.problems
    return found + sheet.left_over()


def _month(text: str) -> Period | None:
    try:
        return parse_period(text) if text else None
    except NotAPeriod:
        return None


def editable(version: PlanVersion) -> dict[str, Any]:
    """The document of a draft to edit: as typed, and in the present format."""
    document = version.typed if version.typed is not None else version.document
    if document.get("format") != FORMAT:
        return write_plan(version.rules)
    return document
