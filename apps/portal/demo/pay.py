"""The plans that the demo company pays by, as plan documents, and who is on which."""

from datetime import date, datetime, timedelta
from typing import Any

from apps.accounts.models import Role
from apps.compensation.models import Plan
from apps.compensation.services import plans
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


def put_plans(company: Company, span: Span) -> None:
    """Written by RevOps, approved by finance; a second inbound version in force since, a third one a draft."""
    author, approver = company.of_role(Role.REVOPS), company.of_role(Role.FINANCE)
    written_at = span.instant(span.start - timedelta(days=24), 10, 15)
    begin = span.start.replace(day=1)

    def put(document: dict[str, Any], at: datetime, approved: bool = True) -> Plan:
        version = plans.load_plan_document(document=document, author=author, at=at)
        if approved:
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
    changed_on = span.month_start(5)
    put(
        _sdr(_NAMES[RepRole.ISR], changed_on, ("60.00", "100.00", "150.00"), (4, 7), "0.25"),
        span.instant(changed_on - timedelta(days=20), 15, 5),
    )
    put(
        _sdr(_NAMES[RepRole.ISR], span.month_start(11), ("50.00", "100.00", "180.00"), (4, 8), "0.30"),
        min(span.instant(span.today - timedelta(days=6), 16, 40), span.at),
        approved=False,
    )
    for worker in company.workers:
        rep = worker.rep
        plans.assign_plan(
            rep=rep,
            plan=by_role[RepRole(rep.role)],
            starts_on=max(rep.hired_on, begin),
            ends_on=rep.left_on,
            at=written_at + timedelta(days=3),
            actor=author,
        )


def _component(
    key: str, name: str, event: str, of: str, capacity: str, rates: dict[str, Any]
) -> dict[str, Any]:
    return {
        "key": key,
        "name": name,
        "measure": {"event": event, "capacity": capacity, "of": of},
        "scope": "own",
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
        "format": "salesportal.plan/1",
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
            ),
            _component("closed_won", "Closed won", "won", "amount", "sourced", _flat("0.50")),
        ],
    )


def _by_quota(key: str, name: str, rates: dict[str, Any]) -> dict[str, Any]:
    component = _component(key, name, "won", "amount", "owned", rates)
    return component | {
        "quota": {"measure": "amount_won", "ramp_percent": "50"},
        "bands_in": "percent_of_quota",
    }


def _ae(effective_on: date) -> dict[str, Any]:
    return _document(
        _NAMES[RepRole.AE],
        "ae",
        effective_on,
        "A percentage of what is won, higher the more of the quota is reached. The quota halves while ramping.",
        [_by_quota("amount_won", "Amount won", _bands((80, 100, 120), ("4.00", "6.00", "9.00", "12.00")))],
    )


def _owner(name: str, role: str, effective_on: date, rates: tuple[str, str, str]) -> dict[str, Any]:
    return _document(
        name,
        role,
        effective_on,
        "A percentage of renewals and upsells won, higher above the quota.",
        [_by_quota("renewals_and_upsells", "Renewals and upsells", _bands((100, 130), rates))],
    )
