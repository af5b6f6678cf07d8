"""A version of a plan on its way: begun, saved as it is typed, submitted, sent back, withdrawn, dropped.

A draft is changed by its author alone, so that whoever approves it wrote no part of it. What does not make a
plan yet is kept as it was typed beside the last text that did.
"""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.db import transaction

from apps.audit import services as audit
from apps.compensation.models import Plan, PlanVersion
from apps.compensation.rules.plan import PlanInvalid, parse_plan
from apps.compensation.rules.terms import PlanRules
from apps.compensation.services import plan_news
from apps.core.errors import DomainError, InvalidInput

Document = dict[str, Any]


class UnableToChangePlan(DomainError):
    """It is another's draft, no draft any more, or was saved elsewhere in between."""

    code = "unable_to_change_plan"


@dataclass(frozen=True)
class Saved:
    """A draft as it is kept, and what is still wrong with what was typed: (place, sentence)."""

    version: PlanVersion
    problems: list[tuple[str, str]]


def _own_draft(version: PlanVersion, actor: Any, state: str = PlanVersion.State.DRAFT) -> PlanVersion:
    """The locked row. Raises ``UnableToChangePlan``."""
    found = PlanVersion.objects.select_for_update(of=("self",)).select_related("plan", "author")
    kept = found.filter(pk=version.pk).first()
    if kept is None:
        raise UnableToChangePlan("This draft was thrown away: begin another one.")
    if kept.author_id != actor.pk:
        raise UnableToChangePlan(
            f"{kept.author.name} writes this version: begin a draft of your own from it, so that nobody "
            "approves what they wrote."
        )
    if kept.state != state:
        raise UnableToChangePlan(
            f"This version is {kept.get_state_display().lower()}: it can no longer be changed."
            if state == PlanVersion.State.DRAFT
            else "This version does not wait for approval."
        )
    return kept


@transaction.atomic
def save_draft(
    *, version: PlanVersion, typed: Document, seen: int | None = None, at: datetime, actor: Any
) -> Saved:
    """Keep what was typed. What makes a plan is the version from now on; else the last that did stays beside it.

    ``seen`` is the revision that the editor began from. Raises ``UnableToChangePlan``.
    """
    kept = _own_draft(version, actor)
    if seen is not None and seen != kept.revision:
        raise UnableToChangePlan(
            "This draft was saved in another window since. Nothing here is lost: download what you typed, or "
            "reload to see the other."
        )
    problems = _problems(kept.plan, typed)
    before = (kept.document, kept.typed)
    if problems:
        kept.typed = typed
    else:
        rules = parse_plan(typed)
        _rename(kept.plan, rules)
        kept.document, kept.typed = typed, None
        kept.effective_on, kept.ends_on = rules.effective_on or kept.effective_on, rules.ends_on
    if (kept.document, kept.typed) != before:
        kept.revision += 1
        kept.saved_at = at
        kept.save()
    return Saved(kept, problems)


def problems_of(document: Any) -> list[tuple[str, str]]:
    """Everything that keeps ``document`` from being a version: what the format says, and the first day."""
    try:
        rules = parse_plan(document)
    except PlanInvalid as error:
        return error.problems
    if rules.effective_on is None:
        return [("effective_on", "Write the first day on which it counts, as 2026-01-31.")]
    return []


def _problems(plan: Plan, typed: Document) -> list[tuple[str, str]]:
    found = problems_of(typed)
    if found:
        return found
    rules = parse_plan(typed)
    changed = {
        key: word
        for key, word in (("name", "name"), ("role", "role"), ("currency", "currency"))
        if getattr(rules, key) != getattr(plan, key)
    }
    if not changed:
        return []
    if plan.versions.count() > 1 or plan.assignments.exists():
        return [
            (key, f"This plan’s {word} stays: other versions or people are on it. Begin a new plan instead.")
            for key, word in changed.items()
        ]
    if Plan.objects.filter(name=rules.name, currency=rules.currency).exclude(pk=plan.pk).exists():
        return [("name", f"There is a plan “{rules.name}” in {rules.currency} already.")]
    return []


def _rename(plan: Plan, rules: PlanRules) -> None:
    wanted = (rules.name, rules.role, rules.currency)
    if (plan.name, plan.role, plan.currency) != wanted:
        plan.name, plan.role, plan.currency = wanted
        plan.save(update_fields=["name", "role", "currency"])


@transaction.atomic
def begin_draft(*, document: Document, effective_on: date, at: datetime, author: Any) -> PlanVersion:
    """A new draft of the plan that ``document`` names, from ``effective_on`` on.

    Raises ``rules.plan.PlanInvalid``, or ``InvalidInput`` when the name is that of a plan for another role.
    """
    document = dict(document, effective_on=effective_on.isoformat())
    ends = document.get("ends_on")
    if isinstance(ends, str) and ends <= document["effective_on"]:
        del document["ends_on"]
    rules = parse_plan(document)
    plan, _ = Plan.objects.get_or_create(
        name=rules.name, currency=rules.currency, defaults={"role": rules.role}
    )
    if plan.role != rules.role:
        raise InvalidInput(
            f"“{plan.name}” is a plan for another role: give this one a name of its own.", field="name"
        )
    Plan.objects.select_for_update().get(pk=plan.pk)
    newest = plan.versions.order_by("-number").values_list("number", flat=True).first() or 0
    version = PlanVersion.objects.create(
        plan=plan,
        number=newest + 1,
        effective_on=effective_on,
        ends_on=rules.ends_on,
        document=document,
        author=author,
        written_at=at,
        saved_at=at,
    )
    audit.record(verb="compensation.plan.begun", subject=version, at=at, actor=author)
    return version


@transaction.atomic
def submit_version(*, version: PlanVersion, at: datetime, actor: Any) -> PlanVersion:
    """Hand a draft to those who approve. Raises ``UnableToChangePlan``, also while something in it is wrong."""
    kept = _own_draft(version, actor)
    if kept.typed is not None:
        count = len(problems_of(kept.typed)) or 1
        raise UnableToChangePlan(
            f"{count} {'thing is' if count == 1 else 'things are'} still wrong in this draft: mend "
            f"{'it' if count == 1 else 'them'}, then submit it."
        )
    kept.state, kept.submitted_at = PlanVersion.State.SUBMITTED, at
    kept.save(update_fields=["state", "submitted_at"])
    audit.record(
        verb="compensation.plan.submitted",
        subject=kept,
        at=at,
        actor=actor,
        data={"fingerprint": kept.fingerprint},
    )
    plan_news.tell_submitted(version=kept, at=at)
    return kept


@transaction.atomic
def withdraw_version(*, version: PlanVersion, at: datetime, actor: Any) -> PlanVersion:
    """Take a submitted version back to go on writing. Raises ``UnableToChangePlan``."""
    kept = _own_draft(version, actor, PlanVersion.State.SUBMITTED)
    kept.state, kept.submitted_at = PlanVersion.State.DRAFT, None
    kept.revision += 1
    kept.save(update_fields=["state", "submitted_at", "revision"])
    audit.record(verb="compensation.plan.withdrawn", subject=kept, at=at, actor=actor)
    return kept


@transaction.atomic
def send_back_version(*, version: PlanVersion, reason: str, at: datetime, actor: Any) -> PlanVersion:
    """Give a submitted version back to its author with a reason. Raises ``UnableToChangePlan``."""
    reason = reason.strip()
    if not reason:
        raise InvalidInput("Say why it goes back.", field="reason")
    kept = PlanVersion.objects.select_for_update(of=("self",)).select_related("plan").get(pk=version.pk)
    if not kept.is_submitted:
        raise UnableToChangePlan("This version does not wait for approval.")
    if kept.author_id == actor.pk:
        raise UnableToChangePlan("You wrote this version: withdraw it to go on writing.")
    kept.state, kept.submitted_at = PlanVersion.State.DRAFT, None
    kept.sent_back_at, kept.sent_back_by, kept.sent_back_because = at, actor, reason
    kept.revision += 1
    kept.save()
    audit.record(
        verb="compensation.plan.sent_back", subject=kept, at=at, actor=actor, data={"reason": reason}
    )
    plan_news.tell_sent_back(version=kept, by=actor, at=at)
    return kept


@transaction.atomic
def drop_draft(*, version: PlanVersion, at: datetime, actor: Any) -> None:
    """Throw a draft away; a plan that has nothing else goes with it. Raises ``UnableToChangePlan``."""
    kept = _own_draft(version, actor)
    plan = kept.plan
    audit.record(
        verb="compensation.plan.dropped",
        subject=kept,
        at=at,
        actor=actor,
        data={"plan": plan.name, "number": kept.number, "document": kept.typed or kept.document},
    )
    kept.delete()
    if not plan.versions.exists() and not plan.assignments.exists():
        plan.delete()
