"""What permissions knock on of hiring, training and coaching: one of each for own, team and foreign."""

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

from apps.reps.models import Rep
from apps.scorecards.models import PracticeGoal, SupportAction
from apps.scorecards.services import hiring, training
from tests.cast import NOW, Cast
from tests.scorecards.test_hiring_rules import draft


def keep_coached(
    cast: Cast, pairs: dict[str, tuple[Rep, Rep, Rep]], keep: Callable[[str, str, Any], None]
) -> None:
    """A scenario of the team's manager; a session, a result, a goal of each SDR; support asked for each AE."""
    asked = training.write_certification(
        draft=training.CertificationDraft("isr", "BANT", date(2026, 1, 1)), at=NOW, actor=cast.revops
    )
    for whose, (sdr, ae, _) in pairs.items():
        manager = sdr.team.manager
        keep(
            "hiring_scenario",
            whose,
            hiring.save_scenario(draft=draft(name=f"Plan {whose}"), at=NOW, actor=manager),
        )
        keep("certification", whose, asked)
        session = training.plan_session(
            title="Practice", starts_at=NOW - timedelta(days=1), trainer=manager, reps=[sdr], certification=asked,
            at=NOW, actor=manager,
        )  # fmt: skip
        keep("training_session", whose, session)
        result = training.record_result(
            certification=asked, rep=sdr, session=session, taken_on=NOW.date() - timedelta(days=1), is_pass=True,
            at=NOW, actor=manager,
        )  # fmt: skip
        keep("certification_result", whose, result)
        goal = PracticeGoal.objects.create(
            rep=sdr, metric="meetings_accepted", months=1, baseline="1", aim="2", tier_from=3, tier_to=2,
            baseline_ends_on=date(2026, 11, 1), ends_on=date(2027, 1, 1), set_by=manager, set_at=NOW,
        )  # fmt: skip
        keep("practice_goal", whose, goal)
        action = SupportAction.objects.create(
            rep=ae, month_on=date(2026, 11, 1), reason="On the lowest tier.", raised_at=NOW,
            escalate_at=NOW + timedelta(days=7),
        )  # fmt: skip
        keep("support_action", whose, action)
