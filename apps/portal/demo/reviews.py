"""Weekly reviews of the story: spend, complaints, reasons, the packs of the last weeks and what was agreed in them."""

from datetime import date, datetime, timedelta

from apps.accounts.models import Role, User
from apps.core.periods import Period
from apps.leads.models import EventKind, FunnelEvent, Lead
from apps.portal.demo.chance import Chance
from apps.portal.demo.founding import Company
from apps.portal.demo.life import Span
from apps.reps.models import Rep, Team
from apps.scorecards.models import LeadComplaint, ReviewItem, ReviewSection, WeeklyReview
from apps.scorecards.rules.review import last_whole_week
from apps.scorecards.selectors.review_pack import owed_in, setting_of, teams_with_review
from apps.scorecards.services import complaints, review_items, reviews
from apps.scorecards.services.spend import NewSpend, enter_spend

WEEKS = 6
_THURSDAY = 3
"""The usual day: nobody set another."""
_A_MONTH = {
    "Web registration": 2_400_00,
    "Newsletter": 900_00,
    "Purchased list": 3_200_00,
    "Outbound research": 1_500_00,
    "Webinar": 1_800_00,
    "Contact form": 400_00,
    "Demo request": 2_900_00,
    "Trade fair": 4_500_00,
    "Trade fair list": 1_100_00,
    "Website chat": 600_00,
    "Pricing page": 1_300_00,
    "Partner referral": 700_00,
}
_COMPLAINTS = (
    ("wrong_contact", "The number belongs to the reception of another company; the e-mail bounced twice."),
    ("not_in_profile", "Four employees and no warehouse. Our definition begins at fifty."),
    ("never_asked", "They say they only downloaded the price list and did not ask to be called."),
    ("not_a_buyer", "A student who writes a thesis about our market. Friendly, but no buyer."),
    ("too_early", "Scored B for three visits to the careers page: they are looking for a job with us."),
    ("duplicate", "Their colleague has been with Jonas since September; marketing has both."),
)
_ANSWERS = (
    "True. The form asks for the company's size from Monday on, and below fifty it goes to the newsletter only.",
    "The careers page no longer counts for intent. Thank you for saying it.",
)
_ACTIONS = (
    ("Cover list for absences, two names per team", "manager", 9, ReviewSection.TOUCHES),
    ("Webinar leads: ask for the go-live date in the form", "marketing", 10, ReviewSection.REJECTED),
    ("Check wrong numbers of the purchased list against the source", "revops", 6, ReviewSection.COMPLAINTS),
    ("Call the leads that fell silent once more, with the new opening", "rep", 5, ReviewSection.COLD),
    ("Listen to two rejected meetings together", "rep", 8, ReviewSection.REJECTED),
)
_DECISIONS = (
    ("Trade fair leads are called within one working day, not three", ReviewSection.PROMISES),
    ("A meeting without a named date for the decision is not handed off", ReviewSection.REJECTED),
    ("The careers page does not count for intent any more", ReviewSection.LEADS),
)


def put_spend(company: Company, span: Span, seed: int) -> None:
    """What marketing spent on each source in each month, to the size of the company."""
    chance, marketing = Chance(seed, "spend"), company.of_role(Role.MARKETING)
    used = Lead.objects.values_list("source", "campaign").distinct().order_by("source", "campaign")
    pairs = [(source, campaign) for source, campaign in used if source in _A_MONTH]
    leads = max(Lead.objects.count(), 1)
    for month in span.months:
        if month.end > span.today:
            continue
        at = min(span.instant(month.end + timedelta(days=2), 10, 15), span.at)
        for source, campaign in pairs:
            parts = sum(1 for one, _ in pairs if one == source)
            usual = _A_MONTH[source] * min(leads, 4000) // 400 // parts
            amount = int(usual * chance.uniform(0.7, 1.3)) // 100 * 100
            if amount < 100:
                continue
            new = NewSpend(source, campaign, month.start, amount, "EUR", "Invoices of the month")
            enter_spend(new=new, source_key=f"demo:{source}:{campaign}:{month.code}", at=at, actor=marketing)


class WeeklyReviews:
    """The last weeks' packs, each made in its own morning from what was on record, and what was agreed in them."""

    def __init__(self, company: Company, span: Span, chance: Chance) -> None:
        self._company, self._span, self._chance = company, span, chance
        self._first = span.today - timedelta(days=7 * WEEKS)
        self._held = 0

    def hold(self, day: date) -> None:
        """The reviews of ``day``, where it is a team's day for it: before what the day brings."""
        if day < self._first or day.weekday() != _THURSDAY:
            return
        week = last_whole_week(day)
        for team in teams_with_review().select_related("manager").order_by("pk"):
            at = setting_of(team).made_at(week)
            if team.manager is None:
                continue
            _complain(team, week, self._company, self._chance, self._span)
            if at > self._span.at:
                continue
            _say_why(team, week, at, self._chance)
            made = reviews.make_review(team=team, week=week, at=at)
            _agree(made.review, self._company, self._chance, self._span, self._held)
        self._held += 1

    def tell_of_today(self) -> None:
        """Of the week whose meeting is still to come: complaints, and who owes a reason."""
        week = last_whole_week(self._span.today)
        for team in teams_with_review().select_related("manager").order_by("pk"):
            if team.manager is None or setting_of(team).made_at(week) <= self._span.at:
                continue
            if setting_of(team).asks_at(week) <= self._span.at:
                reviews.ask_for_reasons(team=team, week=week, at=self._span.at)


def _complain(team: Team, week: Period, company: Company, chance: Chance, span: Span) -> None:
    leads = (
        FunnelEvent.objects.filter(kind=EventKind.TOUCHED, lead__team=team, lead__owner__user__isnull=False)
        .filter(occurred_at__gte=span.bounds(week.start)[0], occurred_at__lt=span.bounds(week.end)[0])
        .order_by("pk")
    )
    marketing, told = company.of_role(Role.MARKETING), 0
    for event in leads.select_related("lead__owner__user", "lead__team")[:60]:
        if told >= 3 or not chance.happens(0.12):
            continue
        reason, comment = chance.one_of(_COMPLAINTS)
        lead, at = event.lead, min(event.occurred_at + timedelta(minutes=7), span.at)
        if lead is None or lead.owner is None or LeadComplaint.objects.filter(lead=lead).exists():
            continue
        made = complaints.complain(lead=lead, reason=reason, comment=comment, at=at, actor=lead.owner.user)
        told += 1
        answered_at = at + timedelta(days=1, hours=3)
        if answered_at < span.at and chance.happens(0.5):
            complaints.answer(complaint=made, text=chance.one_of(_ANSWERS), at=answered_at, actor=marketing)


def _say_why(team: Team, week: Period, at: datetime, chance: Chance) -> None:
    """Most of what was asked is answered before the meeting."""
    users = {rep.pk: rep.user for rep in Rep.objects.filter(team=team).select_related("user")}
    said = min(setting_of(team).asks_at(week) + timedelta(hours=5), at - timedelta(minutes=30))
    for one in owed_in(team=team, week=week, at=said):
        subject, user = one.row.get("subject"), users.get(one.row.get("rep") or 0)
        if not subject or user is None or not chance.happens(0.7):
            continue
        cold = one.section == ReviewSection.COLD
        reason = chance.one_of(
            ("no_answer", "not_now", "no_fit") if cold else ("no_time", "away", "customer")
        )
        reviews.give_reason(team=team, week=week, subject=subject, reason=reason, at=said, actor=user)


def _agree(review: WeeklyReview, company: Company, chance: Chance, span: Span, number: int) -> None:
    at = review.meeting_at + timedelta(minutes=review.minutes - 5)
    manager = review.team.manager
    if at > span.at or manager is None:
        return
    _end(review, at, chance)
    text, section = _DECISIONS[number % len(_DECISIONS)]
    review_items.add_item(review=review, kind="decision", text=text, section=section, at=at, actor=manager)
    for text, whose, days, section in (
        _ACTIONS[number % len(_ACTIONS)],
        _ACTIONS[(number + 2) % len(_ACTIONS)],
    ):
        review_items.add_item(
            review=review,
            kind="action",
            text=text,
            section=section,
            owner=_owner(whose, review.team, company, manager, chance),
            due_on=(at + timedelta(days=days)).date(),
            at=at,
            actor=manager,
        )


def _owner(whose: str, team: Team, company: Company, manager: User, chance: Chance) -> User:
    if whose == "manager":
        return manager
    if whose == "rep":
        reps = list(Rep.objects.filter(team=team, left_on__isnull=True, user__isnull=False).order_by("pk"))
        found = chance.one_of(reps).user if reps else None
        return found or manager
    return company.of_role(Role.MARKETING if whose == "marketing" else Role.REVOPS)


def _end(review: WeeklyReview, at: datetime, chance: Chance) -> None:
    """What was agreed before is done by now, or dropped, or carried on."""
    waiting = (
        ReviewItem.objects.open().filter(team=review.team, written_at__lt=at).select_related("owner", "team")
    )
    for item in waiting.order_by("pk"):
        if not chance.happens(0.55) or (item.kind == ReviewItem.Kind.DECISION and not chance.happens(0.8)):
            continue
        drops = chance.happens(0.15)
        review_items.end_item(
            item=item,
            how="dropped" if drops else "done",
            reason="Marketing has solved it at the source." if drops else "",
            at=at - timedelta(minutes=30),
            actor=item.owner or review.team.manager,
        )
