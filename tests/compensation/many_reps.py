"""An installation with enough people and events that a payout run takes a while: for tests that kill it."""

from datetime import UTC, date, datetime, timedelta

from apps.accounts.models import Role, User
from apps.compensation.services import plan_drafts, plans
from apps.leads.models import EventKind, Source
from apps.leads.services.record import NewEvent, record_events, sourced
from apps.reps.models import BusinessCalendar, Rep, RepRole, Team

AT = datetime(2026, 1, 1, 12, tzinfo=UTC)


def fill(reps: int, events: int) -> None:
    """``reps`` SDRs on the shipped plan, each with ``events`` accepted meetings in January 2026."""
    author = User.objects.create_user("author@larkfield.example", name="A", role=Role.REVOPS)
    approver = User.objects.create_user("approver@larkfield.example", name="B", role=Role.FINANCE)
    version = plans.load_plan_document(document=plans.shipped_plan("sdr"), author=author, at=AT)
    plan_drafts.submit_version(version=version, at=AT, actor=version.author)
    plans.approve_version(version=version, approver=approver, at=AT)
    calendar = BusinessCalendar.objects.create(name="Office")
    team = Team.objects.create(name="SDRs", calendar=calendar)
    for number in range(reps):
        rep = Rep.objects.create(name=f"Rep {number}", team=team, role=RepRole.OSR, hired_on=date(2025, 1, 1))
        plans.assign_plan(rep=rep, plan=version.plan, starts_on=date(2026, 1, 1), at=AT)
        record_events(
            events=[
                NewEvent(
                    kind=EventKind.ACCEPTED,
                    occurred_at=AT + timedelta(hours=9 * place),
                    source=Source.IMPORT,
                    source_key=f"many:{number}:{place}",
                    credits=sourced(rep),
                    amount_minor=1_000_37 * (place + 1) + number,
                    currency="EUR",
                )
                for place in range(events)
            ],
            at=AT + timedelta(days=30),
        )
