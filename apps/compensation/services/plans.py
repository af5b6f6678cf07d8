"""Load a plan document (``rules.plan``), approve a version, put a rep on a plan."""

import json
from collections.abc import Iterable
from datetime import date, datetime
from pathlib import Path
from typing import Any

from django.db import transaction
from django.db.models import Max, Q

from apps.audit import services as audit
from apps.compensation.models import Plan, PlanAssignment, PlanVersion
from apps.compensation.rules.plan import parse_plan
from apps.compensation.services import plan_news
from apps.core import locks
from apps.core.errors import DomainError, InvalidInput
from apps.reps.models import Rep

SHIPPED = Path(__file__).resolve().parents[1] / "plans"
EXAMPLES = {
    "sdr": "SDR: accepted meetings, share of their amount, a kicker for wins",
    "sdr_team": "SDR: meetings against a quota, a shared team target, a SPIFF",
    "ae": "Account executive: percent of what is won, by attainment",
    "ae_accelerated": "Account executive: accelerator, holdback until paid, clawback",
    "ae_new_hire": "Account executive, new: a recoverable draw for the first months",
    "manager": "Manager: an override on the team’s wins",
}
"""Plans that come along, to begin from."""


class UnableToApprovePlan(DomainError):
    """The approver wrote it, or it was approved before."""

    code = "unable_to_approve_plan"


class UnableToAssignPlan(DomainError):
    """The rep is on a plan on one of those days already."""

    code = "unable_to_assign_plan"


def shipped_plan(name: str) -> dict[str, Any]:
    """One of the plans that come with the portal (``EXAMPLES``), as a document."""
    if name not in EXAMPLES:
        raise InvalidInput(f"“{name}” is no plan that comes along: {', '.join(EXAMPLES)}.", field="file")
    return read_plan_file(SHIPPED / f"{name}.json")


def read_plan_file(path: Path) -> dict[str, Any]:
    """A plan file as a document. Raises ``InvalidInput`` when it is not there, or is no JSON."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InvalidInput(f"{path} cannot be read: {error.strerror}.", field="file") from error
    except UnicodeDecodeError as error:
        raise InvalidInput(f"{path} is not UTF-8 text.", field="file") from error
    except json.JSONDecodeError as error:
        raise InvalidInput(
            f"{path} is not JSON: line {error.lineno}, column {error.colno}: {error.msg}.", field="file"
        ) from error


@transaction.atomic
def load_plan_document(
    *,
    document: dict[str, Any],
    author: Any,
    at: datetime,
    currency: str = "",
    effective_on: date | None = None,
) -> PlanVersion:
    """Keep ``document`` as the next draft version of the plan that it names.

    ``currency`` and ``effective_on`` stand in for those of the document. The same document again is the
    version that is there. Raises ``rules.plan.PlanInvalid`` with everything that is wrong with it.
    """
    document = dict(document)
    if currency:
        document["currency"] = currency
    if effective_on is not None:
        document["effective_on"] = effective_on.isoformat()
    rules = parse_plan(document)
    starts = _date(document, "effective_on", required=True)
    ends = _date(document, "ends_on", required=False)
    plan, _ = Plan.objects.get_or_create(
        name=rules.name, currency=rules.currency, defaults={"role": rules.role}
    )
    if plan.role != rules.role:
        raise InvalidInput(f"“{plan.name}” is a plan for another role: give this one a name of its own.")
    # Two who load at once take their numbers one after the other.
    Plan.objects.select_for_update().get(pk=plan.pk)
    newest = plan.versions.order_by("-number").first()
    if newest is not None and newest.document == document:
        return newest
    number = (plan.versions.aggregate(newest=Max("number"))["newest"] or 0) + 1
    version = PlanVersion.objects.create(
        plan=plan,
        number=number,
        effective_on=starts,
        ends_on=ends,
        document=document,
        author=author,
        written_at=at,
        saved_at=at,
    )
    audit.record(verb="compensation.plan.loaded", subject=version, at=at, actor=author)
    return version


def _date(document: dict[str, Any], key: str, *, required: bool) -> Any:
    text = document.get(key)
    if text is None and not required:
        return None
    try:
        return date.fromisoformat(text)  # type: ignore[arg-type]
    except (TypeError, ValueError) as error:
        raise InvalidInput(f"{key}: write a day as 2026-01-31.", field=key) from error


@transaction.atomic
def approve_version(
    *, version: PlanVersion, approver: Any, at: datetime, fingerprint: str = ""
) -> PlanVersion:
    """Put a version in force, and tell its author and the reps whom it pays.

    ``fingerprint`` is that of what the approver read. Raises ``UnableToApprovePlan`` for its author or for
    somebody whom it pays, when it is approved, when it is another by now, or while it was not submitted.
    """
    PlanVersion.objects.select_for_update().get(pk=version.pk)
    version.refresh_from_db()
    if version.author_id == approver.pk:
        raise UnableToApprovePlan("You wrote this version, so somebody else approves it.")
    if PlanAssignment.objects.filter(plan=version.plan_id, rep__user=approver).exists():
        raise UnableToApprovePlan("You are paid by this plan, so somebody else approves it.")
    if version.is_approved:
        raise UnableToApprovePlan("This version was approved before.")
    if version.typed is not None:
        raise UnableToApprovePlan("Something in this draft is still wrong: its author mends it first.")
    if not version.is_submitted:
        raise UnableToApprovePlan("This version is a draft: its author submits it first.")
    if fingerprint and fingerprint != version.fingerprint:
        raise UnableToApprovePlan("This version was changed since you opened it: read it again.")
    version.state, version.approver, version.approved_at = PlanVersion.State.APPROVED, approver, at
    version.save(update_fields=["state", "approver", "approved_at"])
    audit.record(verb="compensation.plan.approved", subject=version, at=at, actor=approver)
    plan_news.tell_approved(version=version, at=at)
    return version


def hold_plans_of(reps: Iterable[Rep]) -> None:
    """Let nobody else change the plans that ``reps`` are on until the transaction ends.

    Spans that share days are told apart by no unique column: PostgreSQL would let two such rows wait for each
    other until one dies of it.
    """
    locks.hold(f"plan_assignments:{rep.pk}" for rep in reps)


@transaction.atomic
def assign_plan(
    *,
    rep: Rep,
    plan: Plan,
    starts_on: date,
    at: datetime,
    ends_on: date | None = None,
    actor: Any = None,
) -> PlanAssignment:
    """Put ``rep`` on ``plan`` from ``starts_on`` up to, not including, ``ends_on``.

    The same again changes nothing. Raises ``UnableToAssignPlan`` when the rep is on a plan on one of them.
    """
    hold_plans_of([rep])
    same = PlanAssignment.objects.filter(rep=rep, plan=plan, starts_on=starts_on, ends_on=ends_on).first()
    if same is not None:
        return same
    open_end = Q(ends_on__isnull=True) | Q(ends_on__gt=starts_on)
    clash = PlanAssignment.objects.filter(open_end, rep=rep).select_related("plan")
    if ends_on is not None:
        clash = clash.filter(starts_on__lt=ends_on)
    if clash.exists():
        raise UnableToAssignPlan(f"{rep.name} is on a plan on one of those days already: end that one first.")
    assignment = PlanAssignment.objects.create(rep=rep, plan=plan, starts_on=starts_on, ends_on=ends_on)
    audit.record(
        verb="compensation.plan.assigned",
        subject=assignment,
        at=at,
        actor=actor,
        data={"plan": plan.pk, "rep": rep.pk, "starts_on": starts_on.isoformat()},
    )
    return assignment
