"""What a manager's month leaves behind: assumptions, certifications, recordings, goals, support, a hiring plan."""

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

from apps.accounts.models import Role
from apps.core.periods import month_of
from apps.leads.models import Meeting
from apps.leads.rules.metrics import METRICS, Better
from apps.leads.services.meetings import link_recording
from apps.portal.demo.chance import Chance
from apps.portal.demo.founding import Company
from apps.portal.demo.life import Span
from apps.reps.models import Rep, RepRole
from apps.scorecards.models import Certification, SupportAction
from apps.scorecards.rules import capacity as capacity_rules
from apps.scorecards.rules import coaching as rules
from apps.scorecards.selectors.capacity import capacity_of
from apps.scorecards.selectors.coaching import peers_at
from apps.scorecards.selectors.hiring import starting_point
from apps.scorecards.selectors.velocity import velocity_of
from apps.scorecards.services import assumptions, coaching, hiring, support, training, training_due

_CERTIFICATIONS = (
    (RepRole.ISR, "Qualifying by BANT", "Ask for all four, and hear what is not said.", 80),
    (RepRole.ISR, "Product basics", "What it does, for whom, and what it does not.", 70),
    (RepRole.OSR, "Outreach and the law", "Who may be called and written to, and who may not.", 90),
    (RepRole.AE, "Discovery calls", "A recorded call, judged by two.", None),
    (RepRole.AE, "Pricing and approvals", "What may be offered without asking.", 80),
)
_LISTEN = (
    "How the budget comes up before the price does.",
    "The silence after the question about the deadline.",
    "How the second decision maker is brought in.",
)
_PRACTISED = "Two calls a week listened to together, one thing to try in the next."
_ANSWER = "We sit down every Tuesday at four, listen to one call and choose one thing to try until Friday."


def put_coaching(company: Company, span: Span, seed: int) -> None:
    """Everything that the pages of capacity, training and coaching show."""
    chance = Chance(seed, "coaching")
    _put_assumptions(company, span)
    _put_certifications(company, span, chance)
    _put_recordings(span, chance)
    _put_support(span)
    _put_goals(span)
    _put_scenarios(company, span)


def _put_assumptions(company: Company, span: Span) -> None:
    """What this company assumes: near what its people do, so that some are below and most are not."""
    month = span.months[-1]
    reps = list(Rep.objects.select_related("calendar", "team__calendar"))
    # What is over has been judged by what was assumed then.
    at, first = span.at - timedelta(hours=3), month_of(span.today)
    for one in capacity_of(reps=reps, month=month, today=span.today).roles:
        if one.verdict.assumption.per == capacity_rules.LEVEL or one.verdict.mean is None:
            continue
        assumptions.set_assumption(
            role=one.role,
            metric=one.metric.key,
            value=Decimal(max(int(one.verdict.mean * 85 / 100), 1)),
            per=one.verdict.assumption.per,
            month=first,
            at=at,
            actor=company.of_role(Role.REVOPS),
        )


def _put_certifications(company: Company, span: Span, chance: Chance) -> None:
    """Of each role some have passed lately, for some it runs out, some are overdue and some never came."""
    revops = company.of_role(Role.REVOPS)
    written = [
        training.write_certification(
            draft=training.CertificationDraft(
                str(role), name, span.start - timedelta(days=365), 12, score, says
            ),
            at=span.instant(span.start, 10),
            actor=revops,
        )
        for role, name, says, score in _CERTIFICATIONS
    ]
    for one in written:
        reps = list(Rep.objects.active_on(span.today).filter(role=one.role).select_related("team__manager"))
        for place, rep in enumerate(reps):
            days = (40, 340, 380, 90, 200, 0)[place % 6]
            taken = span.today - timedelta(days=days)
            if days and taken >= rep.hired_on:
                _pass(one, rep, taken, span, chance)
        _put_sessions(one, reps, span)
    training_due.refresh(at=span.at)


def _pass(one: Certification, rep: Rep, taken: date, span: Span, chance: Chance) -> None:
    training.record_result(
        certification=one,
        rep=rep,
        taken_on=taken,
        score=chance.randrange(one.pass_score, 101) if one.pass_score is not None else None,
        is_pass=True,
        at=min(span.at, span.instant(taken, 18)),
        actor=rep.team.manager,
    )


def _put_sessions(one: Certification, reps: list[Rep], span: Span) -> None:
    """One that was held, with results, and one to come; by team, so that its manager sees it."""
    managed = [rep for rep in reps if rep.team.manager is not None]
    if not managed:
        return
    trainer, team = managed[0].team.manager, managed[0].team_id
    own = [rep for rep in managed if rep.team_id == team]
    held = span.instant(span.today - timedelta(days=12), 10)
    session = training.plan_session(
        title=f"{one.name}: practice",
        starts_at=held,
        trainer=trainer,
        reps=own[-2:],
        certification=one,
        material_url="https://learn.larkfield.example/practice",
        at=held - timedelta(days=10),
        actor=trainer,
    )
    training.record_result(
        certification=one,
        rep=own[-1],
        session=session,
        taken_on=span.today - timedelta(days=12),
        score=None if one.pass_score is None else one.pass_score - 5,
        is_pass=False,
        note="Once more in two weeks.",
        at=held + timedelta(hours=3),
        actor=trainer,
    )
    training.plan_session(
        title=f"{one.name}: refresher",
        starts_at=span.instant(span.today + timedelta(days=9), 14),
        trainer=trainer,
        reps=own[:6],
        certification=one,
        material_url="https://learn.larkfield.example/refresher",
        at=span.at - timedelta(days=1),
        actor=trainer,
    )


def _put_recordings(span: Span, chance: Chance) -> None:
    """Some of the meetings of the last weeks were recorded; a few are named to somebody."""
    meetings = Meeting.objects.filter(
        state=Meeting.State.HELD, starts_at__gte=span.at - timedelta(days=45), starts_at__lt=span.at
    ).select_related("ae__user", "ae__team__manager", "for_hand_off__sdr__team")
    named = 0
    for meeting in meetings.order_by("pk"):
        if not chance.happens(0.3):
            continue
        link_recording(
            meeting=meeting,
            url=f"https://calls.larkfield.example/{meeting.pk:06d}",
            at=min(meeting.ends_at + timedelta(hours=2), span.at),
            actor=meeting.ae.user,
        )
        peers = Rep.objects.active_on(span.today).filter(team=meeting.ae.team, role=RepRole.AE)
        others = list(peers.exclude(pk=meeting.ae_id).select_related("team")[:2])
        if named < len(_LISTEN) and others and meeting.ae.team.manager is not None:
            coaching.share_recording(
                meeting=meeting,
                reps=others,
                why=_LISTEN[named],
                at=span.at - timedelta(hours=5),
                actor=meeting.ae.team.manager,
            )
            named += 1


def _put_support(span: Span) -> None:
    """The newest ranking asks for everybody on the lowest tier; all but the first two are answered."""
    support.raise_for_newest_ranking(at=span.at - timedelta(days=2))
    asked = SupportAction.objects.open().select_related("rep__team__manager", "rep__user").order_by("pk")
    for action in asked[2:]:
        if action.rep.team.manager is not None:
            support.answer_support(
                action=action,
                kind="coaching",
                text=_ANSWER,
                at=span.at - timedelta(days=1),
                actor=action.rep.team.manager,
            )


def _put_goals(span: Span) -> None:
    """A goal for two of each role, set before this month began: as far as one step reaches."""
    month = month_of(span.today)
    at = span.instant(month.start, 9) - timedelta(days=3)
    before = month.previous().start
    for role, metric in (
        (RepRole.ISR, "meetings_accepted"),
        (RepRole.OSR, "touches"),
        (RepRole.AE, "win_rate"),
    ):
        set_so_far = 0
        reps = Rep.objects.active_on(span.today).filter(role=role, team__manager__isnull=False)
        for rep in reps.select_related("team__manager", "user").order_by("pk"):
            lower = METRICS[metric].better is Better.LOWER
            step = rules.next_step(rep.pk, peers_at(rep=rep, metric=metric, before=before), lower=lower)
            if set_so_far == 2 or step is None or step.to_tier is None:
                continue
            coaching.set_goal(
                rep=rep,
                metric=metric,
                aim=step.limit,
                last_month=month,
                why=_PRACTISED,
                at=at,
                actor=rep.team.manager,
            )
            set_so_far += 1


def _put_scenarios(company: Company, span: Span) -> None:
    """One manager's plan with and without hires."""
    manager = company.desks[0].teams["Inbound SDRs"].manager
    if manager is None:
        return
    month = span.months[-1]
    reps = list(Rep.objects.filter(team__manager=manager).select_related("calendar", "team__calendar"))
    teams = [team.pk for team in company.desks[0].teams.values() if team.manager_id == manager.pk]
    start = starting_point(
        reps=reps,
        capacity=capacity_of(reps=reps, month=month, today=span.today),
        growth=velocity_of(month=month, kind="mql", teams=teams),
        today=span.today,
        currency=company.desks[0].teams["Inbound SDRs"].currency,
    )
    costs = {"isr": 5_200_00, "osr": 5_200_00, "ae": 8_900_00}
    roles = {key: replace(one, cost_minor=costs[key]) for key, one in start.roles.items()}
    alone = replace(
        start,
        name="Improve, hire nobody",
        growth_percent=Decimal("3.30"),
        attainment_percent=Decimal(90),
        budget_minor=60_000_00,
        roles=roles,
    )
    hired = replace(alone, name="Two SDRs in January, an AE in March", hires=((1, "isr", 2), (3, "ae", 1)))
    for number, one in enumerate((alone, hired)):
        hiring.save_scenario(draft=one, at=span.at - timedelta(hours=30 - number), actor=manager)
