"""Objects to knock on every door with: one's own, the team's, and a foreign one of each kind.

``own`` belongs to the SDR, the AE and their manager of the cast; ``team`` to their teammates under the
same manager; ``foreign`` to the outsider under the outside manager. ``SEEN`` is the expectation, written
by hand: which part of the cast may open which of the three. Everybody else gets 404.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from apps.accounts.models import Notification
from apps.accounts.services.notifications import NewNotification, notify
from apps.audit.models import AuditEntry, Export
from apps.audit.services import exports
from apps.compensation.models import (
    CustomerPayment,
    InquiryAttachment,
    KeptFile,
    PlanVersion,
    Replay,
    RunState,
    Statement,
)
from apps.compensation.rules.attachments import checked
from apps.compensation.rules.moves import Who
from apps.compensation.rules.payroll_layout import DEFAULT
from apps.compensation.services import (
    credit_splits,
    inquiries,
    pay_adjustments,
    plan_drafts,
    plans,
    replays,
)
from apps.compensation.services.downloads import download_report
from apps.compensation.services.payroll_layouts import create_layout
from apps.compensation.services.replay_computation import compute_replay
from apps.core.periods import parse_period
from apps.customers.models import Churn, Contract, PassOn
from apps.customers.services import pass_ons, readings
from apps.customers.services.contracts import Terms
from apps.integrations.models import ImportRun, WebhookMessage
from apps.integrations.services import capture_forms, imports, webhooks
from apps.jobs import services as jobs
from apps.leads.models import (
    Account,
    Capacity,
    Contest,
    Definition,
    HandOff,
    Lead,
    Opportunity,
    OpportunityStage,
    Reassignment,
    RejectionReason,
    Source,
)
from apps.leads.services import (
    booking,
    cadences,
    contests,
    credit_rules,
    duplicates,
    enrolments,
    gates,
    hand_offs,
    intake,
    merges,
    opportunities,
    qualifications,
    reassignment,
    routing_policies,
    suppressions,
    touches,
)
from apps.reps.models import Rep, RepRole
from apps.reps.services import busy_calendars, calendars, time_off
from apps.scorecards.models import RankingHold, Scorecard, ScorecardAction
from apps.scorecards.services import ranking_holds, ranking_policies, rankings
from apps.slas.models import Policy
from apps.slas.notification_kinds import OVERDUE
from tests.cast import NOW, Cast
from tests.integrations.forms import a_form
from tests.permissions.coached import keep_coached
from tests.permissions.reviews import keep_reviews
from tests.settling import settle_period

EVERYBODY = frozenset({
    "sdr", "teammate", "ae", "second_ae", "am", "manager", "finance", "revops", "marketing",
    "outsider", "outside_manager",
})  # fmt: skip


@dataclass(frozen=True)
class Seen:
    """Who may open the own, the team's and the foreign one of a kind."""

    own: frozenset[str]
    team: frozenset[str]
    foreign: frozenset[str]


def seen(own: str, team: str, foreign: str) -> Seen:
    return Seen(frozenset(own.split()), frozenset(team.split()), frozenset(foreign.split()))


def everyone_sees() -> Seen:
    return Seen(EVERYBODY, EVERYBODY, EVERYBODY)


_OF_AN_SDR = seen("sdr manager revops", "teammate manager revops", "outsider outside_manager revops")

SEEN = {
    "hiring_scenario": seen("manager revops", "manager revops", "outside_manager revops"),
    "certification": seen(*["sdr teammate outsider manager outside_manager revops"] * 3),
    "training_session": _OF_AN_SDR,
    "certification_result": _OF_AN_SDR,
    "practice_goal": _OF_AN_SDR,
    "support_action": seen("ae manager revops", "second_ae manager revops", "outside_manager revops"),
    "lead": seen(
        "sdr ae manager finance revops marketing",
        "teammate second_ae manager finance revops marketing",
        "outsider outside_manager finance revops marketing",
    ),
    "hand_off": seen(
        "sdr ae manager finance revops marketing",
        "teammate second_ae manager finance revops marketing",
        "outsider outside_manager finance revops marketing",
    ),
    "meeting": seen(
        "sdr ae manager revops",
        "teammate second_ae manager revops",
        "outsider outside_manager revops",
    ),
    "opportunity": seen(
        "sdr ae manager finance revops",
        "teammate second_ae manager finance revops",
        "outsider outside_manager finance revops",
    ),
    "event": seen(
        "sdr ae manager finance revops marketing",
        "teammate second_ae manager finance revops marketing",
        "outsider outside_manager finance revops marketing",
    ),
    "touch": seen("sdr", "teammate", "outsider"),
    # Whoever passed leads on takes it back, and nobody else.
    "reassignment": seen("manager", "manager", "outside_manager"),
    # The AE's promise to answer the hand-off.
    "clock": seen("ae manager revops", "second_ae manager revops", "outside_manager revops"),
    "cadence": everyone_sees(),
    "promise_policy": everyone_sees(),
    "routing_policy": everyone_sees(),
    "routing_rule": everyone_sees(),
    # The lead that was handed off, for whoever sees it or its hand-off.
    "routed_lead": seen(
        "sdr ae manager finance revops marketing",
        "teammate second_ae manager finance revops marketing",
        "outsider outside_manager finance revops marketing",
    ),
    "duplicate": seen(
        "sdr manager finance revops marketing",
        "teammate manager finance revops marketing",
        "outsider outside_manager finance revops marketing",
    ),
    "merge": seen(
        "sdr manager finance revops marketing",
        "teammate manager finance revops marketing",
        "outsider outside_manager finance revops marketing",
    ),
    # Who must not be contacted is the whole company's to know.
    "suppression": everyone_sees(),
    # Of a lead that is worked: nobody was given it yet but its SDR.
    "enrolment": seen(
        "sdr manager revops",
        "teammate manager revops",
        "outsider outside_manager revops",
    ),
    # Both sides, their manager, and the judge: the manager of the other company half, who is of neither side.
    "contest": seen(
        "sdr ae manager outside_manager revops marketing",
        "teammate second_ae manager outside_manager revops marketing",
        "outsider outside_manager manager revops marketing",
    ),
    "rep": seen(
        "sdr manager revops",
        "teammate manager revops",
        "outsider outside_manager revops",
    ),
    # The bookable time of those who take meetings, and all that it is made of.
    **dict.fromkeys(
        ("taker", "time_off", "busy_time", "busy_calendar"),
        seen("ae manager revops", "second_ae manager revops", "outside_manager revops"),
    ),
    # The SDR's team works by the first, the teammate by own hours, the outsider's team by the third.
    "calendar": seen("sdr manager revops", "teammate manager revops", "outsider outside_manager revops"),
    "team": seen("manager revops", "manager revops", "outside_manager revops"),
    "user": seen("revops", "revops", "revops"),
    "definition": everyone_sees(),
    **dict.fromkeys(("audit_entry", "audit_export"), seen(*["finance revops"] * 3)),
    "job": seen("sdr finance revops", "teammate finance revops", "outsider finance revops"),
    # What somebody was told, nobody else reads.
    "notification": seen("sdr", "teammate", "outsider"),
    "card_action": seen(
        "sdr manager revops",
        "teammate manager revops",
        "outsider outside_manager revops",
    ),
    "scorecard": seen(
        "sdr manager revops",
        "teammate manager revops",
        "outsider outside_manager revops",
    ),
    # An AE's place in the ranking is seen by the peers.
    "standing": seen("ae second_ae manager revops", "ae second_ae manager revops", "outside_manager revops"),
    # One's own standing whole; the peers see the place in the ranking.
    "ranked_ae": seen("ae manager revops", "second_ae manager revops", "outside_manager revops"),
    "ranking_hold": seen("ae manager revops", "second_ae manager revops", "outside_manager revops"),
    # One ranking of everybody: whoever has somebody in it opens what came since.
    "ranking": seen(*["ae second_ae manager outside_manager revops"] * 3),
    "ranking_policy": seen(*["manager outside_manager revops"] * 3),
    # Packs, actions and complaints of each one's team: the SDRs' (the teammate is in it), the AEs', the outside one's.
    "reviewed_team": seen(
        "sdr teammate manager finance marketing revops",
        "ae second_ae am manager finance marketing revops",
        "outsider outside_manager finance marketing revops",
    ),
    **dict.fromkeys(
        ("weekly_review", "review_item"),
        seen(
            "sdr teammate manager marketing revops",
            "ae second_ae am manager marketing revops",
            "outsider outside_manager marketing revops",
        ),
    ),
    "complaint": seen(
        "sdr manager marketing revops",
        "teammate manager marketing revops",
        "outsider outside_manager marketing revops",
    ),
    "spend": seen(*["marketing revops"] * 3),
    "statement": seen(
        "sdr manager finance revops",
        "teammate manager finance revops",
        "outsider outside_manager finance revops",
    ),
    # As the statement that it asks about.
    **dict.fromkeys(
        ("inquiry", "inquiry_file", "adjustment"),
        seen(
            "sdr manager finance revops",
            "teammate manager finance revops",
            "outsider outside_manager finance revops",
        ),
    ),
    "line": seen(
        "sdr manager finance revops",
        "teammate manager finance revops",
        "outsider outside_manager finance revops",
    ),
    # One run and one plan for all three: whoever is concerned by any of it sees it.
    "run": seen(*["manager outside_manager finance revops"] * 3),
    "kept_file": seen(*["finance"] * 3),
    "download": seen(*["finance"] * 3),
    "payroll_layout": seen(*["finance"] * 3),
    # Managers ask for the people of their teams, and see their own questions only.
    **dict.fromkeys(
        ("replay", "replayed_person"),
        seen("manager finance revops", "manager finance revops", "outside_manager finance revops"),
    ),
    "plan_version": seen(*["sdr teammate outsider manager outside_manager finance revops"] * 3),
    # By which rules credit is shared is everybody's to read who has a part in it.
    "credit_rule": seen(
        *["sdr teammate outsider ae second_ae am manager outside_manager finance revops"] * 3
    ),
    # Proposed by RevOps: a part to the AM, which the AM and the AM's manager see of all three.
    "split": seen(
        "sdr am manager finance revops",
        "teammate am manager finance revops",
        "outsider am manager outside_manager finance revops",
    ),
    "payment": seen(*["finance revops"] * 3),
    # A draft of RevOps: whoever is paid by the plan sees it once it is approved.
    "plan_draft": seen(*["manager outside_manager finance revops"] * 3),
    "plan": seen(*["sdr teammate outsider manager outside_manager finance revops"] * 3),
    "plan_assignment": seen(*["revops"] * 3),
    # An import belongs to nobody's scope: RevOps alone sees what was in a file.
    "import": seen(*["revops"] * 3),
    "webhook": seen(*["revops"] * 3),
    "capture_form": seen(*["marketing revops"] * 3),
    "webhook_message": seen(*["revops"] * 3),
    # What each stage asks is the whole company's to read.
    "gate": everyone_sees(),
    # Won by the AE, looked after by the AM; what they see follows from it.
    **{
        kind: seen(
            "ae am manager finance revops marketing",
            "second_ae manager finance revops marketing",
            "outside_manager finance revops marketing",
        )
        for kind in ("customer", "contract", "churn")
    },
    **{
        kind: seen(
            "ae am manager finance revops",
            "second_ae manager finance revops",
            "outside_manager finance revops",
        )
        for kind in ("pass_on", "promise")
    },
    "account": seen(
        "am manager finance revops marketing",
        "manager finance revops marketing",
        "outside_manager finance revops marketing",
    ),
}


def handed_off(cast: Cast, sdr: Rep, ae: Rep, number: int) -> HandOff:
    """A lead of ``sdr`` that waits for ``ae``, through the services."""
    lead, _ = intake.take_in(
        incoming=intake.Incoming(
            name=f"Person {number}",
            title="Director",
            email=f"person{number}@company{number}.example",
            company=f"Company {number}",
            industry="Logistics",
            employees=100,
            source="Web registration",
        ),
        team=sdr.team,
        owner=sdr,
        at=NOW,
        source=Source.PAGE,
        source_key=f"permission:{number}",
    )
    answers = {
        key: qualifications.Answer("met", "Yes", "On the call", "They did")
        for key in ("budget", "authority", "need", "timeframe")
    }
    qualifications.qualify(lead=lead, rep=sdr, answers=answers, at=NOW)
    starts_at = (NOW + timedelta(days=1)).replace(hour=9 + number // 2, minute=30 * (number % 2))
    # Routing names the AE; here it must be this one, so that the object is theirs.
    sdr.team.hands_off_to.set([ae.team])
    others = Rep.objects.aes().filter(team=ae.team).exclude(pk=ae.pk)
    others.update(weekly_meeting_cap=0)
    hand_off = booking.book_meeting(lead=lead, sdr=sdr, starts_at=starts_at, at=NOW)
    others.update(weekly_meeting_cap=12)
    assert hand_off.ae_id == ae.pk
    return hand_off


def contested(cast: Cast, sdr: Rep, ae: Rep, number: int) -> Contest:
    """A rejection of ``ae`` that ``sdr`` contests."""
    rejected = hand_offs.reject_hand_off(
        hand_off=handed_off(cast, sdr, ae, number),
        criterion="need",
        reason=RejectionReason.WRONG_PERSON,
        comment="",
        at=NOW,
        actor=ae.user,
    )
    return contests.open_contest(hand_off=rejected, reason="They said so.", at=NOW, actor=sdr.user)


def log_file() -> Export:
    """A file of the audit log, kept."""
    return exports.make_export(filters=exports.Filters(), file_format="csv", up_to=1, at=NOW)


def make_subjects(cast: Cast) -> dict[str, dict[str, Any]]:
    """One of each kind for each of own, team and foreign: ``keys[kind][whose] = pk``."""
    foreign_ae = Rep.objects.create(
        name="Foreign AE",
        team=cast.other_team,
        role=RepRole.AE,
        tier=1,
        hired_on=NOW.date() - timedelta(days=400),
    )
    foreign_am = Rep.objects.create(
        name="Foreign AM", team=cast.other_team, role=RepRole.AM, hired_on=NOW.date() - timedelta(days=400)
    )
    team_am = Rep.objects.create(
        name="Team AM", team=cast.ae_team, role=RepRole.AM, hired_on=NOW.date() - timedelta(days=400)
    )
    pairs = {
        "own": (cast.rep(cast.sdr), cast.rep(cast.ae), cast.rep(cast.am)),
        "team": (cast.rep(cast.teammate), cast.rep(cast.second_ae), team_am),
        "foreign": (cast.rep(cast.outsider), foreign_ae, foreign_am),
    }
    keys: dict[str, dict[str, Any]] = {}
    cadence = cadences.create_cadence(
        name="Permissions", motion="inbound", conditions=[], position=1, enrols_by_itself=False,
        steps=[{"channel": "call", "wait_days": 0}], at=NOW, actor=cast.revops,
    )  # fmt: skip

    def keep(kind: str, whose: str, found: Any) -> None:
        keys.setdefault(kind, {})[whose] = found.pk

    for number, (whose, (sdr, ae, am)) in enumerate(pairs.items()):
        decided = handed_off(cast, sdr, ae, number * 2)
        opportunity = hand_offs.accept_hand_off(hand_off=decided, at=NOW, amount_minor=10_000_00)
        waiting = handed_off(cast, sdr, ae, number * 2 + 1)
        keep("lead", whose, Lead.objects.get(pk=waiting.lead_id))
        keep("routed_lead", whose, Lead.objects.get(pk=waiting.lead_id))
        keep("hand_off", whose, waiting)
        keep("meeting", whose, waiting.meeting)
        keep("clock", whose, waiting.clocks.get())
        keep("audit_entry", whose, AuditEntry.objects.latest("pk"))
        keep("audit_export", whose, log_file())
        keep("contest", whose, contested(cast, sdr, ae, 6 + number))
        keep("opportunity", whose, Opportunity.objects.get(pk=opportunity.pk))
        keep("event", whose, decided.events.earliest("pk"))
        _keep_credit(cast, decided, opportunity, whose, keep)
        keep("account", whose, Account.objects.create(name=f"Client of {am.name}", owner=am, owned_since=NOW))
        touch = touches.log_touch(
            lead=worked_lead(sdr, number), rep=sdr, channel="call", disposition="voicemail", at=NOW
        )
        keep("touch", whose, touch)
        keep("reassignment", whose, passed_on(sdr, number))
        enrolled = enrolments.enrol(
            leads=[worked_lead(sdr, 10 + number)], cadence=cadence, at=NOW, actor=sdr.user
        )
        keep("enrolment", whose, enrolled.enrolments[0])
        keep("cadence", whose, cadence)
        keep("promise_policy", whose, Policy.objects.get(position=number + 1))
        routing = routing_policies.create_policy(name=f"Routing {whose}", at=NOW, actor=cast.revops)
        keep("routing_policy", whose, routing)
        rule = routing_policies.add_rule(policy=routing, name="Best", method="best_ranked", at=NOW)
        keep("routing_rule", whose, rule)
        one, other, third = (worked_lead(sdr, 30 + 3 * number + place) for place in range(3))
        keep("duplicate", whose, duplicates.keep_pairs(pairs=[(one, other, "Same phone number")], at=NOW)[0])
        keep("merge", whose, merges.merge(survivor=one, absorbed=third, why="Same person", at=NOW))
        stop = suppressions.suppress(
            kind="email", value=f"{whose}@closed.example", reason="legal", at=NOW, actor=cast.revops
        )
        keep("suppression", whose, stop)
        keep("rep", whose, sdr)
        _keep_time(ae, whose, keep)
        keep("team", whose, {"own": cast.sdr_team, "team": cast.ae_team, "foreign": cast.other_team}[whose])
        keep("user", whose, sdr.user)
        keep("definition", whose, Definition.objects.get())
        job = jobs.enqueue(
            kind="scorecards.recompute_rankings", key=whose, params={}, requested_by=sdr.user, at=NOW
        )
        keep("job", whose, job)
        keep("notification", whose, told(sdr))
        card, _ = Scorecard.objects.get_or_create(rep=sdr, month_on=date(2026, 10, 1))
        keep("scorecard", whose, card)
        action = ScorecardAction.objects.create(
            scorecard=card,
            text="Listen to two calls",
            owner=sdr.user,
            due_on=NOW.date(),
            agreed_by=sdr.user,
            agreed_at=NOW,
        )
        keep("card_action", whose, action)
    keep_reviews(cast, {whose: sdr for whose, (sdr, _, _) in pairs.items()}, keep)
    ranking = rankings.recompute_rankings(as_of=NOW.date(), at=NOW, apply=False).snapshot
    for whose, (_, ae, _) in pairs.items():
        keep("standing", whose, ranking.rows.get(rep=ae))
        keep("ranked_ae", whose, ae)
        keep("ranking", whose, ranking)
        keep("ranking_hold", whose, held(ae))
        keep("ranking_policy", whose, ranking_policies.write_draft(draft=ranking_policies.Draft(), at=NOW))
    checked = checked_import(cast)
    form = capture_forms.create_form(terms=a_form(cast.sdr_team), at=NOW, actor=cast.marketing)
    crm, _ = webhooks.add_endpoint(
        name="CRM", url="https://crm.example/hooks", kinds=["lead.collected"], at=NOW, actor=cast.revops
    )
    message = webhooks.send_test(endpoint=crm, at=NOW, actor=cast.revops)
    WebhookMessage.objects.filter(pk=message.pk).update(state="dead", due_at=None, settled_at=NOW)
    for whose in pairs:
        keep("import", whose, checked)
        keep("webhook", whose, crm)
        keep("capture_form", whose, form)
        keys.setdefault("capture_key", {})[whose] = form.key
        keep("webhook_message", whose, message)
    _keep_calendars(cast, keep)
    keep_coached(cast, pairs, keep)
    _keep_customers(cast, {whose: (ae, am) for whose, (_, ae, am) in pairs.items()}, keep)
    _keep_pay(cast, {whose: sdr for whose, (sdr, _, _) in pairs.items()}, keep)
    return keys


def _keep_credit(
    cast: Cast, decided: HandOff, opportunity: Opportunity, whose: str, keep: Callable[[str, str, Any], None]
) -> None:
    """A rule that shares credit, a split of a hand-off's by hand, and a payment for the deal that was won."""
    terms = credit_rules.RuleTerms(
        name=f"Rule {whose}", capacity=Capacity.OWNED, kinds=["won"], starts_on=NOW.date(),
        shares=[{"to": "credited", "share": 1_000_000}],
    )  # fmt: skip
    keep("credit_rule", whose, credit_rules.draft_rule(terms=terms, at=NOW, actor=cast.revops))
    split = credit_splits.propose_split(
        event=decided.events.get(kind="accepted"), capacity=Capacity.SOURCED,
        shares={decided.sdr: 600_000, cast.rep(cast.am): 400_000}, reason="Both found it.", at=NOW,
        actor=cast.revops,
    )  # fmt: skip
    keep("split", whose, split)
    payment = CustomerPayment.objects.create(
        opportunity=opportunity, amount_minor=1, currency="EUR", paid_at=NOW, recorded_at=NOW,
        source_key=f"payment:{whose}",
    )  # fmt: skip
    keep("payment", whose, payment)


def _keep_time(ae: Rep, whose: str, keep: Callable[[str, str, Any], None]) -> None:
    """An AE with time off, a time closed by hand and a calendar, all well past what the tests book."""
    later = NOW + timedelta(days=40)
    keep("taker", whose, ae)
    off = time_off.add_time_off(
        rep=ae, starts_on=later.date(), ends_on=later.date() + timedelta(days=2), at=NOW
    )
    keep("time_off", whose, off)
    busy = time_off.add_busy(rep=ae, starts_at=later, ends_at=later + timedelta(hours=1), at=NOW)
    keep("busy_time", whose, busy)
    feed = busy_calendars.add_feed(rep=ae, name="Own", address="https://calendar.invalid/own.ics", at=NOW)
    keep("busy_calendar", whose, feed)


def _keep_calendars(cast: Cast, keep: Callable[[str, str, Any], None]) -> None:
    """A calendar of the SDR's team, one of the teammate alone, and one of the outsider's team."""
    own, alone, foreign = (
        calendars.create_calendar(name=f"Calendar {name}", at=NOW) for name in ("own", "alone", "foreign")
    )
    calendars.make_default(calendar=cast.ae_team.calendar, at=NOW)
    calendars.give_to_team(calendar=own, team=cast.sdr_team, at=NOW)
    calendars.give_to_rep(calendar=alone, rep=cast.rep(cast.teammate), at=NOW)
    calendars.give_to_team(calendar=foreign, team=cast.other_team, at=NOW)
    for whose, one in (("own", own), ("team", alone), ("foreign", foreign)):
        keep("calendar", whose, one)


def held(ae: Rep) -> RankingHold:
    """The tier of an AE, held by the manager of the team."""
    return ranking_holds.hold_move(
        rep=ae,
        last_day=NOW.date() + timedelta(days=30),
        reason="Back from parental leave only now.",
        at=NOW,
        actor=ae.team.manager,
    )


def _keep_customers(
    cast: Cast, pairs: dict[str, tuple[Rep, Rep]], keep: Callable[[str, str, Any], None]
) -> None:
    """A gate that is to come, and a customer of each AE and AM: offered, under contract, a part given up."""
    for number, (whose, (ae, am)) in enumerate(pairs.items()):
        written = gates.write_gate(
            stage="stage_2", kind="new", criteria=[], overrider="manager", at=NOW, today=NOW.date(),
            effective_on=NOW.date() + timedelta(days=30 + number), actor=cast.revops,
        )  # fmt: skip
        keep("gate", whose, written)
        deal = opportunities.open_opportunity(
            owner=ae, name=f"Customer {number}", company=f"Customer {number}", amount_minor=36_500_00, at=NOW
        )
        for stage in (OpportunityStage.STAGE_2, OpportunityStage.WON):
            deal = opportunities.move_opportunity(opportunity=deal, stage=stage, at=NOW)
        passing = PassOn.objects.get(opportunity=deal)
        terms = Terms(NOW.date(), NOW.date() + timedelta(days=364), 36_500_00)
        pass_ons.offer_pass_on(
            pass_on=passing, promises=[pass_ons.Item("Training")], terms=terms, receiver=am, at=NOW,
            today=NOW.date(),
        )  # fmt: skip
        Account.objects.filter(pk=deal.account_id).update(owner=am)
        customer = Account.objects.get(pk=deal.account_id)
        churned = readings.record_churn(
            account=customer, extent=Churn.Extent.PARTIAL, churned_on=NOW.date(), reason=Churn.Reason.PRICE,
            contract=Contract.objects.get(opportunity=deal), lost_minor=10_00, at=NOW,
        )  # fmt: skip
        for kind, found in (
            ("customer", customer),
            ("pass_on", passing),
            ("promise", passing.promises.get()),
            ("contract", churned.contract),
            ("churn", churned),
        ):
            keep(kind, whose, found)


def checked_import(cast: Cast) -> ImportRun:
    """A list of leads that was uploaded and checked, with a refused row."""
    text = b"Email,Captured at,Full name,Company\nada@b.example,2026-03-01,Ada,B\nben(at)b.example,,Ben,B\n"
    run = imports.start_import(files=[("leads.csv", [text])], at=NOW, actor=cast.revops)
    return imports.check_import(run=run, at=NOW)


def worked_lead(sdr: Rep, number: int) -> Lead:
    """A lead of ``sdr`` that is still worked."""
    lead, _ = intake.take_in(
        incoming=intake.Incoming(company=f"Worked {number}", email=f"worked{number}@worked{number}.example"),
        team=sdr.team,
        owner=sdr,
        at=NOW,
        source=Source.PAGE,
        source_key=f"permission:worked:{number}",
    )
    return lead


def told(sdr: Rep) -> Notification:
    """Something that the SDR was told."""
    overdue = NewNotification(sdr.user.pk, OVERDUE, "permission", "Ada: first answer overdue", url="/")
    notify(notifications=[overdue], at=NOW)
    return Notification.objects.get(user=sdr.user, key="permission")


def passed_on(sdr: Rep, number: int) -> Reassignment:
    """A lead that the SDR's manager put back into the pool."""
    return reassignment.reassign(
        leads=[worked_lead(sdr, 20 + number)],
        to=[],
        at=NOW,
        actor=sdr.team.manager,
        request_key=f"permission:{number}",
    )


def _keep_inquiry(
    cast: Cast, statement: Statement, whose: str, keep: Callable[[str, str, Any], None]
) -> None:
    """An inquiry of the SDR with a file, and a change of pay that RevOps proposed for it."""
    at = NOW + timedelta(days=31)
    inquiry = inquiries.ask(
        question=inquiries.Question(statement, "Where is the meeting of the 3rd?"),
        files=[checked("meeting.txt", b"Met on the 3rd.")],
        at=at,
        actor=statement.rep.user,
    )
    keep("inquiry", whose, inquiry)
    keep("inquiry_file", whose, InquiryAttachment.objects.get(message__inquiry=inquiry))
    component = next(iter(statement.plan_version.rules.components)).key  # type: ignore[union-attr]
    adjustment = pay_adjustments.propose(
        inquiry=inquiry, amount_minor=1, currency=statement.currency, component_key=component, reason="It counts.",
        at=at, actor=cast.revops,
    )  # fmt: skip
    keep("adjustment", whose, adjustment)


def _keep_pay(cast: Cast, sdrs: dict[str, Rep], keep: Callable[[str, str, Any], None]) -> None:
    """A plan, a locked run of this month, and each SDR's statement and first line in it."""
    version = plans.load_plan_document(document=plans.shipped_plan("sdr"), author=cast.revops, at=NOW)
    plan_drafts.submit_version(version=version, at=NOW, actor=version.author)
    plans.approve_version(version=version, approver=cast.finance, at=NOW)
    for sdr in sdrs.values():
        plans.assign_plan(rep=sdr, plan=version.plan, starts_on=date(2026, 11, 1), at=NOW)
    run = settle_period(
        period=parse_period("2026-11"),
        computed_by=cast.revops,
        approved_by=cast.finance,
        at=NOW + timedelta(days=30),
        until=RunState.LOCKED,
    )
    draft = plan_drafts.begin_draft(
        document=plans.shipped_plan("sdr"), effective_on=date(2027, 1, 1), at=NOW, author=cast.revops
    )
    layout = create_layout(name="Payroll", document=DEFAULT.as_document(), at=NOW, actor=cast.finance).layout
    report = download_report(
        run=run,
        file_format="csv",
        fingerprint=run.fingerprint,
        at=NOW + timedelta(days=31),
        actor=cast.finance,
    )
    job = jobs.enqueue(kind="permission", key="file", at=NOW, requested_by=cast.finance)
    kept_file = KeptFile.objects.create(
        run=run, kind="report", format="csv", job=job, made_at=NOW, fingerprint=run.fingerprint, sha256="0" * 64,
        size=1, path="gone.csv",
    )  # fmt: skip
    for whose, sdr in sdrs.items():
        _keep_inquiry(cast, Statement.objects.get(run=run, rep=sdr), whose, keep)
        keep("payroll_layout", whose, layout)
        keep("download", whose, report)
        keep("kept_file", whose, kept_file)
        statement = Statement.objects.get(run=run, rep=sdr)
        keep("statement", whose, statement)
        keep("line", whose, statement.entries.earliest("pk"))
        keep("run", whose, run)
        keep("plan_version", whose, version)
        replay = replayed(sdr, version)
        keep("replay", whose, replay)
        keep("replayed_person", whose, replay.people.get(rep=sdr))
        keep("plan_draft", whose, draft)
        keep("plan", whose, version.plan)
        keep("plan_assignment", whose, sdr.plan_assignments.get())


def replayed(sdr: Rep, version: PlanVersion) -> Replay:
    """What the SDR's month would have paid under the version again, asked by their manager."""
    at = NOW + timedelta(days=40)
    move = replays.AskedMove(Who.PEOPLE, [sdr.pk], sdr.name, replays.Target(version=version))
    replay, _ = replays.ask_replay(
        name="", months=1, until=date(2026, 11, 30), alternatives=[replays.Alternative("", [move])],
        everybody=False, request_key=f"permission:{sdr.pk}", at=at, actor=sdr.team.manager,
    )  # fmt: skip
    compute_replay(replay=replay, clock=lambda: at)
    return replay
