"""RevOps has tried the newest plan for SDRs on the last half year, before anybody signs it."""

from datetime import timedelta

from apps.accounts.models import Role
from apps.compensation.models import PlanVersion
from apps.compensation.rules.moves import Who
from apps.compensation.services import replays
from apps.core.periods import month_of
from apps.jobs import services as jobs
from apps.portal.demo.founding import Company
from apps.portal.demo.life import Span

_MONTHS = 6


def put_replay(company: Company, span: Span) -> None:
    """A replay of the months that are over, asked and worked out this morning."""
    newest = (
        PlanVersion.objects.filter(plan__role="sdr").select_related("plan").order_by("-number", "pk").first()
    )
    assert newest is not None
    everybody = replays.AskedMove(
        Who.PLAN, [newest.plan_id], f"Everybody on {newest.plan.name}", replays.Target(version=newest)
    )
    at = span.at - timedelta(minutes=4)
    _, job = replays.ask_replay(
        name="",
        months=_MONTHS,
        until=month_of(span.today).previous().start,
        alternatives=[replays.Alternative("", [everybody])],
        everybody=False,
        request_key="demo:replay",
        at=at,
        actor=company.of_role(Role.REVOPS),
    )
    jobs.run(job_id=job.pk, clock=lambda: at + timedelta(seconds=9))
