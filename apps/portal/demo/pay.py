"""The plans that the demo company pays by, as plan documents, who is on which, and who has signed.

They show most of what a plan can say: bands, an accelerator against a quota, a holdback, a clawback, a shared
team target, a SPIFF with a budget, and a recoverable draw for whoever is new.
"""

from datetime import date, datetime, timedelta
from typing import Any

from apps.accounts.models import Role
from apps.compensation.models import Plan
from apps.compensation.selectors import acknowledgements
from apps.compensation.services import acknowledgements as services
from apps.compensation.services import plan_drafts, plans
from apps.portal.demo.founding import CURRENCY, Company
from apps.portal.demo.life import Span
from apps.reps.models import RepRole

_NAMES = {
    RepRole.ISR: "Inbound SDR",
    RepRole.OSR: "Outbound SDR",
    RepRole.AE: "Account executive",
    RepRole.AM: "Account manager",
    RepRole.CSM: "Customer success manager",
}
_NEW_AE = "Account executive, new"
_NEW_FOR = 3
"""Months on the plan of the new."""

_NOT_SIGNED = ("Ivo Marek", "Jonas Berg")
"""Whose names still wait."""


def put_plans(company: Company, span: Span) -> None:
    """Written by RevOps, approved by finance; a second inbound version in force since, a third one a draft."""
    author, approver = company.of_role(Role.REVOPS), company.of_role(Role.FINANCE)
    written_at = span.instant(span.start - timedelta(days=24), 10, 15)
    begin = span.start.replace(day=1)

    def put(document: dict[str, Any], at: datetime, approved: bool = True) -> Plan:
        version = plans.load_plan_document(document=document, author=author, at=at)
        if approved:
            plan_drafts.submit_version(version=version, at=at + timedelta(hours=3), actor=version.author)
            plans.approve_version(version=version, approver=approver, at=at + timedelta(days=2, hours=3))
        return version.plan

    by_role = {
        RepRole.ISR: put(
            _sdr(_NAMES[RepRole.ISR], begin, ("60.00", "90.00", "130.00"), (4, 7), "0.20"), written_at
        ),
        RepRole.OSR: put(
            _sdr(_NAMES[RepRole.OSR], begin, ("110.00", "150.00", "200.00"), (2, 4), "0.20"), written_at
        ),
        RepRole.AE: put(_ae(begin), written_at),
        RepRole.AM: put(_owner(_NAMES[RepRole.AM], "am", begin, ("3.00", "5.00", "8.00")), written_at),
        RepRole.CSM: put(_owner(_NAMES[RepRole.CSM], "csm", begin, ("2.00", "3.00", "5.00")), written_at),
    }
    new_ae = put(_ae(begin, _NEW_AE, draw=True), written_at)
    changed_on = span.month_start(5)
    changed = _sdr(_NAMES[RepRole.ISR], changed_on, ("60.00", "100.00", "150.00"), (4, 7), "0.25")
    changed["components"] += [_team_target(), _spiff(changed_on)]
    put(changed, span.instant(changed_on - timedelta(days=20), 15, 5))
    drafted = _sdr(_NAMES[RepRole.ISR], span.month_start(11), ("50.00", "100.00", "180.00"), (4, 8), "0.30")
    drafted["components"].append(_team_target())
    put(
        drafted,
        min(span.instant(span.today - timedelta(days=6), 16, 40), span.at),
        approved=False,
    )
    for worker in company.workers:
        rep, plan = worker.rep, by_role[RepRole(worker.rep.role)]
        at = written_at + timedelta(days=3)
        starts_on = max(rep.hired_on, begin)
        if rep.role == RepRole.AE and rep.hired_on > begin:
            new_until = _months_on(rep.hired_on, _NEW_FOR)
            if rep.left_on is None or rep.left_on > new_until:
                plans.assign_plan(
                    rep=rep, plan=new_ae, starts_on=starts_on, ends_on=new_until, at=at, actor=author
                )
                starts_on = new_until
        plans.assign_plan(rep=rep, plan=plan, starts_on=starts_on, ends_on=rep.left_on, at=at, actor=author)


def _months_on(day: date, count: int) -> date:
    """The first of the month that is ``count`` months after that of ``day``."""
    months = day.year * 12 + day.month - 1 + count
    return date(months // 12, months % 12 + 1, 1)


def put_names(company: Company, span: Span) -> None:
    """Reps sign the version that pays them within days of the news; two have not yet."""
    for number, one in enumerate(acknowledgements.waiting(today=span.today)):
        rep = one.rep
        if rep.user is None or not rep.user.is_active or rep.name in _NOT_SIGNED:
            continue
        known_at = max(one.version.approved_at or span.at, span.instant(max(rep.hired_on, span.start), 8, 0))
        at = known_at + timedelta(days=number % 4, hours=1 + number % 5, minutes=7 * (number % 8))
        services.acknowledge(
            version=one.version,
            rep=rep,
            typed_name=rep.name,
            fingerprint=one.version.fingerprint,
            at=min(at, span.at),
            actor=rep.user,
        )


def _component(
    key: str, name: str, event: str, of: str, capacity: str, rates: dict[str, Any]
) -> dict[str, Any]:
    return {
        "key": key,
        "name": name,
        "measure": {"event": event, "capacity": capacity, "of": of},
        "pays": "per_unit" if of == "count" else "percent_of_amount",
        "rates": rates,
    }


def _flat(rate: str) -> dict[str, Any]:
    return {"method": "graduated", "bands": [{"from": "0", "rate": rate}]}


def _bands(edges: tuple[int, ...], rates: tuple[str, ...]) -> dict[str, Any]:
    starts, ends = (0, *edges), (*edges, None)
    return {
        "method": "graduated",
        "bands": [
            {"from": str(start), **({"to": str(end)} if end is not None else {}), "rate": rate}
            for start, end, rate in zip(starts, ends, rates, strict=True)
        ],
    }


def _document(
    name: str, role: str, effective_on: date, notes: str, components: list[dict[str, Any]]
) -> dict[str, Any]:
    return {
        "format": "salesportal.plan/2",
        "name": name,
        "role": role,
        "currency": CURRENCY,
        "effective_on": effective_on.isoformat(),
        "notes": notes,
        "components": components,
    }


def _sdr(
    name: str, effective_on: date, rates: tuple[str, str, str], edges: tuple[int, int], pipeline: str
) -> dict[str, Any]:
    return _document(
        name,
        "sdr",
        effective_on,
        "Beside the base salary. Accepted meetings pay most, the accepted amount a share, a win a small kicker.",
        [
            _component(
                "accepted_meetings", "Accepted meetings", "accepted", "count", "sourced", _bands(edges, rates)
            ),
            _component(
                "accepted_amount",
                "Share of the accepted amount",
                "accepted",
                "amount",
                "sourced",
                _flat(pipeline),
            )
            | {"holdback": {"percent": "30", "releases": [{"on": "stage_2", "percent": "100"}]}},
            _component("closed_won", "Closed won", "won", "amount", "sourced", _flat("0.50")),
        ],
    )


def _by_quota(key: str, name: str, rates: dict[str, Any]) -> dict[str, Any]:
    component = _component(key, name, "won", "amount", "owned", rates)
    return component | {
        "quota": {"measure": "amount_won", "ramp_percent": "50"},
        "bands_in": "percent_of_quota",
    }


def _team_target() -> dict[str, Any]:
    """The office's target, month by month: all of the team are paid on what the team brings."""
    component = _component("team_target", "Team target", "accepted", "amount", "sourced", {})
    return component | {
        "scope": "team",
        "quota": {"measure": "amount_accepted", "of": "team"},
        "pays": "target_by_band",
        "target": "200.00",
        "bands_in": "percent_of_quota",
        "rates": _bands((80, 100), ("0", "50", "100")) | {"method": "whole"},
    }


def _spiff(starts_on: date) -> dict[str, Any]:
    component = _component("spiff", "SPIFF of the summer", "accepted", "count", "sourced", _flat("20.00"))
    ends_on = _months_on(starts_on, 1)
    days = {"from": starts_on.isoformat(), "to": ends_on.isoformat()}
    return component | {"bonus": days | {"budget": "400.00"}}


def _ae(effective_on: date, name: str = "", *, draw: bool = False) -> dict[str, Any]:
    factors = [
        {"from": "0", "to": "80", "times": "1"},
        {"from": "80", "to": "100", "times": "1.5"},
        {"from": "100", "to": "120", "times": "2.25"},
        {"from": "120", "times": "3"},
    ]
    won = _component("amount_won", "Amount won", "won", "amount", "owned", _flat("4.00"))
    won |= {
        "quota": {"measure": "amount_won", "of": "rep", "ramp_percent": "50"},
        "multipliers": [
            {"name": "Accelerator", "bands_in": "percent_of_quota", "method": "graduated", "bands": factors}
        ],
        "clawback": {"within_days": "180", "method": "full"},
    }
    document = _document(
        name or _NAMES[RepRole.AE],
        "ae",
        effective_on,
        "A percentage of what is won, faster the more of the quota is reached. The quota halves while ramping. "
        "A win that is undone within half a year is taken back.",
        [won],
    )
    if draw:
        document["notes"] += " For the first months a draw is advanced; later pay above it gives it back."
        document["draw"] = {
            "name": "Draw of the first months",
            "amount": "1500.00",
            "recoverable": "yes",
            "paid": "with_the_run",
        }
    return document


def _owner(name: str, role: str, effective_on: date, rates: tuple[str, str, str]) -> dict[str, Any]:
    return _document(
        name,
        role,
        effective_on,
        "A percentage of renewals and upsells won, higher above the quota.",
        [_by_quota("renewals_and_upsells", "Renewals and upsells", _bands((100, 130), rates))],
    )
