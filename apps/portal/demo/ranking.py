"""What people did about the ranking: a tier that is held, a hold that was lifted, a draft that waits to be tried."""

from dataclasses import replace
from datetime import timedelta

from apps.accounts.models import Role
from apps.portal.demo.founding import Company
from apps.portal.demo.life import Span
from apps.reps.models import Rep
from apps.scorecards.models import Decides
from apps.scorecards.services import ranking_totals
from apps.scorecards.services.ranking_holds import hold_move, lift_hold
from apps.scorecards.services.ranking_policies import Draft, write_draft

_HELD = "Farid Nazari"
_WAS_HELD = "Yara Lemaire"


def put_ranking(company: Company, span: Span) -> None:
    """Two holds, a draft of the policy, and the monthly totals."""
    at = span.at
    for rep in _ae(_HELD, 1):
        hold_move(
            rep=rep,
            last_day=span.today + timedelta(days=24),
            reason="Two large deals slipped into next month when their buyer changed. We look again after that.",
            at=at - timedelta(days=3, hours=2),
            actor=rep.team.manager,
        )
    for rep in _ae(_WAS_HELD, 0):
        hold = hold_move(
            rep=rep,
            last_day=span.today + timedelta(days=6),
            reason="She took over the accounts of a colleague who left, and needs a month to know them.",
            at=at - timedelta(days=8),
            actor=rep.team.manager,
        )
        lift_hold(
            hold=hold,
            reason="The accounts are settled; the figures are hers now.",
            at=at - timedelta(days=5),
            actor=rep.team.manager,
        )
    draft = replace(
        Draft(),
        decides=Decides.ADJUSTED.value,
        days_to_hold=3,
        note="Let the index adjusted for the lead mix decide, with three days to hold a move.",
    )
    write_draft(draft=draft, at=at - timedelta(days=1), actor=company.of_role(Role.REVOPS))
    ranking_totals.refresh_totals(at=at)


def _ae(name: str, place: int) -> list[Rep]:
    """The AE of this name; in a small company, which has not everybody, the one in this place."""
    aes = Rep.objects.aes().filter(team__manager__isnull=False).select_related("team__manager").order_by("pk")
    return list(aes.filter(name=name)[:1]) or list(aes[place : place + 1])
