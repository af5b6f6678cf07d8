"""Who comes to the site, and after what: visits that outreach or a campaign brought, told week by week.

Also how the day is divided: the company's focus blocks, and one SDR's own.
"""

from collections import defaultdict
from datetime import datetime, time, timedelta

from apps.leads.models import Channel, EventKind, FunnelEvent, Lead, Source, Touch
from apps.leads.rules.focus import CALLS, CLEAN_UP, EMAIL, FOLLOW_UP, SOCIAL, Block
from apps.leads.services import focus
from apps.leads.services.visits import NewVisit, record_visits
from apps.portal.demo.chance import Chance
from apps.portal.demo.founding import Company
from apps.portal.demo.life import Span
from apps.reps.models import Rep

OWN_WEEK = "Maya Lindqvist"

_PAGES = {"/pricing": 5, "/product": 6, "/customers": 4, "/integrations": 3, "/security": 2, "/": 3}
_CAMPAIGNS = ("Retargeting", "Customer stories", "Order desk of tomorrow")
_COMES = {Channel.EMAIL: 0.075, Channel.SOCIAL: 0.07, Channel.CALL: 0.03, Channel.CHAT: 0.05}
"""How often a touch of an outbound lead is followed by a visit."""
_COMES_ANYWAY = 0.02
"""An inbound lead's visit between touches."""
_LOOKED_FIRST = 0.85
"""How many of those who were qualified had looked at the site after the last touch before."""
_OF_THEMSELVES = 2.2
"""Visits a week at a desk of the usual size by leads whom nobody touched for long; most after a campaign."""


def put_focus_blocks(company: Company, span: Span) -> None:
    """The company's week, and that of one SDR who likes it otherwise."""
    at = span.instant(span.start, 8, 30)
    whole = [(CLEAN_UP, "09:00", "10:00"), (CALLS, "10:00", "12:00"), (CALLS, "13:00", "14:00")]
    day = _blocks([*whole, (EMAIL, "14:00", "16:30"), (FOLLOW_UP, "16:30", "17:30")])
    friday = _blocks([*whole, (EMAIL, "14:00", "15:30"), (FOLLOW_UP, "15:30", "16:30")])
    focus.set_week(rep=None, week={**dict.fromkeys(range(4), day), 4: friday}, at=at)
    own = Rep.objects.filter(name=OWN_WEEK).first()
    if own is not None:
        blocks = _blocks(
            [
                (CLEAN_UP, "09:00", "09:30"),
                (EMAIL, "09:30", "10:30"),
                (CALLS, "10:30", "12:30"),
                (SOCIAL, "13:30", "14:30"),
                (CALLS, "14:30", "16:30"),
                (FOLLOW_UP, "16:30", "17:30"),
            ]
        )
        focus.set_week(rep=own, week=dict.fromkeys(range(5), blocks), at=at, actor=own.user)


def _blocks(parts: list[tuple[str, str, str]]) -> list[Block]:
    return [Block(time.fromisoformat(starts), time.fromisoformat(ends), kind) for kind, starts, ends in parts]


class Visiting:
    """The visits of one company. The site tells them once a week, and those of the last week up to now."""

    def __init__(self, span: Span, chance: Chance, size: float) -> None:
        self._span, self._chance, self._size = span, chance, size
        self._count = 0

    def week(self, start: datetime, end: datetime) -> None:
        """Record who came in ``[start, end)``, and who had come before they were qualified in it."""
        touches = (
            Touch.objects.filter(occurred_at__gte=start, occurred_at__lt=end, undone_at__isnull=True)
            .order_by("occurred_at", "pk")
            .values_list("lead_id", "channel", "occurred_at", "lead__is_inbound")
        )
        visits = [*self._after_touches(list(touches), end), *self._before_conversions(start, end)]
        visits += self._of_themselves(start, end)
        record_visits(visits=sorted(visits, key=lambda one: (one.occurred_at, one.key)), at=end)

    def _visit(self, lead: int, at: datetime, campaign: str = "") -> NewVisit:
        self._count += 1
        return NewVisit(
            # Only the key is read of it: the service locks and loads the row itself.
            lead=Lead(pk=lead),
            occurred_at=at,
            page=self._chance.pick(_PAGES),
            campaign=campaign,
            key=f"demo:{self._count}",
            source=Source.DEMO,
        )

    def _after_touches(self, touches: list[tuple[int, str, datetime, bool]], end: datetime) -> list[NewVisit]:
        chance, found = self._chance, []
        for lead, channel, at, is_inbound in touches:
            comes = _COMES_ANYWAY if is_inbound else _COMES.get(Channel(channel), 0)
            if not chance.happens(comes):
                continue
            visited_at = at + timedelta(hours=min(chance.about(7, 1.1), 200))
            if visited_at < end:
                campaign = chance.one_of(_CAMPAIGNS) if chance.happens(0.12) else ""
                found.append(self._visit(lead, visited_at.replace(microsecond=0), campaign))
        return found

    def _before_conversions(self, start: datetime, end: datetime) -> list[NewVisit]:
        """Those who were qualified over a later touch had often looked at the site after an earlier one."""
        qualified = dict(
            FunnelEvent.objects.effective()
            .filter(kind=EventKind.QUALIFIED, lead__is_inbound=False)
            .between(start, end)
            .order_by("-occurred_at", "-pk")
            .values_list("lead_id", "occurred_at")
        )
        before: dict[int, list[datetime]] = defaultdict(list)
        rows = Touch.objects.filter(lead__in=qualified, undone_at__isnull=True).order_by("occurred_at", "pk")
        for lead, at in rows.values_list("lead_id", "occurred_at"):
            before[lead].append(at)
        found = []
        for lead, at in sorted(qualified.items()):
            # The last touch before was the talk itself.
            earlier = [touch for touch in before[lead] if at - timedelta(days=20) < touch < at][:-1]
            if earlier and self._chance.happens(_LOOKED_FIRST):
                gap = before[lead][before[lead].index(earlier[-1]) + 1] - earlier[-1]
                visited_at = earlier[-1] + gap * self._chance.uniform(0.1, 0.9)
                found.append(self._visit(lead, visited_at.replace(microsecond=0)))
        return found

    def _of_themselves(self, start: datetime, end: datetime) -> list[NewVisit]:
        """Somebody whom nobody has touched for long sees an advertisement, or remembers us."""
        count = self._chance.times(_OF_THEMSELVES * self._size)
        quiet = Lead.objects.filter(created_at__lt=start, last_touch_at__lt=start - timedelta(days=20))
        leads = list(quiet.order_by("-last_touch_at", "pk").values_list("pk", flat=True)[: 20 * count])
        length = end - start
        return [
            self._visit(
                self._chance.one_of(leads),
                (start + length * self._chance.uniform(0.1, 0.99)).replace(microsecond=0),
                self._chance.one_of(_CAMPAIGNS) if self._chance.happens(0.65) else "",
            )
            for _ in range(count if leads else 0)
        ]
