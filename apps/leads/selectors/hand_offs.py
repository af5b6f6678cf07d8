"""What the hand-offs page shows: who waits, and for one hand-off all that an answer needs."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from fractions import Fraction
from typing import Any

from django.db.models import Count, F, Max, Min, Q

from apps.leads.models import Channel, HandOff, Meeting, QualificationAnswer
from apps.leads.services.hand_offs import criteria_of
from apps.reps.models import BusyTime, Rep

MOST_WAITING = 100
MOST_ANSWERED = 30
RECENT_HAND_OFFS = 60
"""How many of an SDR's hand-offs the share of accepted ones is taken from."""
ANSWER_WINDOW = timedelta(days=90)


@dataclass(frozen=True)
class Answers:
    """How often hand-offs were accepted and rejected."""

    accepted: int
    rejected: int

    @property
    def total(self) -> int:
        return self.accepted + self.rejected

    @property
    def accepted_rate(self) -> Fraction | None:
        """Accepted of all answered; ``None`` without an answer."""
        return Fraction(self.accepted, self.total) if self.total else None

    @property
    def rejected_rate(self) -> Fraction | None:
        return Fraction(self.rejected, self.total) if self.total else None


@dataclass(frozen=True)
class Inbox:
    """What waits, the oldest promise first, and what was answered today."""

    waiting: list[HandOff]
    answered: list[HandOff]

    def neighbours(self, pk: int) -> tuple[int, HandOff | None, HandOff | None]:
        """The place of a waiting hand-off (from 1; 0 if it does not wait), the one before, the one after."""
        for index, one in enumerate(self.waiting):
            if one.pk == pk:
                before = self.waiting[index - 1] if index else None
                after = self.waiting[index + 1] if index + 1 < len(self.waiting) else None
                return index + 1, before, after
        return 0, None, None


def inbox(user: Any, *, since: datetime) -> Inbox:
    """What ``user`` sees waiting, and what was answered from ``since`` (the viewer's midnight) on.

    Two statements. Of a great many waiting, the ``MOST_WAITING`` oldest promises are listed.
    """
    seen = HandOff.objects.visible_to(user).select_related("lead", "meeting", "ae")
    waiting = seen.pending()[:MOST_WAITING]
    answered = seen.exclude(state=HandOff.State.PENDING).filter(decided_at__gte=since)
    return Inbox(list(waiting), list(answered.order_by("-decided_at", "-pk")[:MOST_ANSWERED]))


def waiting_counts(user: Any, *, at: datetime, most: int) -> tuple[int, int]:
    """How many wait for ``user``'s answer, up to ``most``, and how many of those are at risk or late."""
    warned = HandOff.objects.visible_to(user).filter(state=HandOff.State.PENDING)
    flags = list(warned.values_list("warn_at", "due_at")[:most])
    hot = sum(any(instant and instant <= at for instant in pair) for pair in flags)
    return len(flags), hot


def own_and_peers(ae: Rep, *, since: datetime) -> tuple[Answers, Answers]:
    """Answers from ``since`` on: of ``ae``, and of the other AEs of the team."""
    decided = HandOff.objects.filter(ae__team_id=ae.team_id, decided_at__gte=since)
    accepted, rejected = Q(state=HandOff.State.ACCEPTED), Q(state=HandOff.State.REJECTED)
    own = Q(ae=ae)
    found = decided.aggregate(
        own_accepted=Count("pk", filter=own & accepted),
        own_rejected=Count("pk", filter=own & rejected),
        peers_accepted=Count("pk", filter=~own & accepted),
        peers_rejected=Count("pk", filter=~own & rejected),
    )
    return (
        Answers(found["own_accepted"], found["own_rejected"]),
        Answers(found["peers_accepted"], found["peers_rejected"]),
    )


@dataclass(frozen=True)
class TouchSummary:
    """How a lead was worked before it was handed off."""

    by_channel: tuple[tuple[str, int], ...]
    total: int
    days: int

    @property
    def in_words(self) -> str:
        """``7 touches over 9 days: 4 calls, 2 emails, 1 social``."""
        if not self.total:
            return "No touch was logged before the hand-off."
        kinds = ", ".join(f"{count} {_plural(channel, count)}" for channel, count in self.by_channel)
        span = f"over {self.days} days" if self.days > 1 else "on one day"
        return f"{self.total} {'touch' if self.total == 1 else 'touches'} {span}: {kinds}."


def _plural(channel: str, count: int) -> str:
    word = Channel(channel).label.lower()
    return word if count == 1 or channel in (Channel.SOCIAL, Channel.CHAT) else f"{word}s"


@dataclass(frozen=True)
class Candidate:
    """One AE whom routing considered, for reading."""

    name: str
    is_viewer: bool
    place: str
    outcome: str
    why: str


@dataclass(frozen=True)
class RoutingStory:
    """The routing decision in words. ``considered`` holds those asked; ``spared`` those not needed."""

    policy: str
    words: str
    considered: tuple[Candidate, ...]
    spared: tuple[Candidate, ...]


def routing_story(hand_off: HandOff, viewer: Rep | None) -> RoutingStory | None:
    """The decision kept on the hand-off; ``None`` where none was kept (an import)."""
    kept = hand_off.routing or {}
    if not kept.get("considered"):
        return None
    read = [
        Candidate(
            name=one["name"],
            is_viewer=viewer is not None and one["rep"] == viewer.pk,
            place=f"tier {one['tier']}" + (f", rank {one['rank']}" if one["rank"] < 999 else ", not ranked"),
            outcome=one["outcome"],
            why=one["why"],
        )
        for one in kept["considered"]
    ]
    return RoutingStory(
        policy=kept.get("policy", ""),
        words=kept.get("words", ""),
        considered=tuple(one for one in read if one.outcome != "not_needed"),
        spared=tuple(one for one in read if one.outcome == "not_needed"),
    )


@dataclass(frozen=True)
class DayEntry:
    """Something in the AE's day. ``top`` and ``height`` are in pixels of the picture."""

    words: str
    is_this: bool
    top: int
    height: int


@dataclass(frozen=True)
class Day:
    """The AE's day of the meeting, from the hour ``first`` to ``last``, as a small calendar."""

    hours: tuple[int, ...]
    entries: tuple[DayEntry, ...]
    sentence: str


@dataclass(frozen=True)
class Dossier:
    """All that one answer needs."""

    hand_off: HandOff
    answers: list[QualificationAnswer]
    criteria: list[tuple[str, str]]
    keyed: list[tuple[str, str, str]]
    """The criteria as (key, name, letter): the letter picks it, one for each."""
    verdicts: str
    touches: TouchSummary
    sdr_record: Answers
    routing: RoutingStory | None


def dossier_rows(user: Any) -> Any:
    """Hand-offs that ``user`` may see, with what the page reads of each joined in."""
    return HandOff.objects.visible_to(user).select_related(
        "lead__account",
        "meeting",
        "sdr",
        "ae__team",
        "qualification__definition",
        "decided_by",
        "opportunity",
        "contest__judge",
    )


def dossier(hand_off: HandOff, viewer: Rep | None) -> Dossier:
    """Evidence, touches, the SDR's record and the routing decision. Three statements."""
    answers = list(hand_off.qualification.answers.all()) if hand_off.qualification else []
    # The criteria are the answers' own; only an imported hand-off has to look them up.
    criteria = [(one.criterion, one.name) for one in answers] or criteria_of(hand_off)
    return Dossier(
        hand_off=hand_off,
        answers=answers,
        criteria=criteria,
        keyed=_keyed(criteria),
        verdicts=_verdicts(answers),
        touches=_touches(hand_off),
        sdr_record=sdr_record(hand_off.sdr),
        routing=routing_story(hand_off, viewer),
    )


def _keyed(criteria: Sequence[tuple[str, str]]) -> list[tuple[str, str, str]]:
    """Each criterion with the first letter of its name that is still free (none is shown where all are taken)."""
    taken: set[str] = set()
    found = []
    for key, name in criteria:
        letter = next((one for one in name.lower() if one.isalpha() and one not in taken), "")
        taken.add(letter)
        found.append((key, name, letter))
    return found


def _verdicts(answers: Sequence[QualificationAnswer]) -> str:
    """``3 met, 1 partly``."""
    counts = Counter(answer.verdict for answer in answers)
    return ", ".join(
        f"{counts[verdict]} {verdict.label.lower()}"
        for verdict in QualificationAnswer.Verdict
        if counts[verdict]
    )


def _touches(hand_off: HandOff) -> TouchSummary:
    rows = list(
        hand_off.lead.touches.filter(undone_at__isnull=True, occurred_at__lte=hand_off.created_at)
        .order_by()
        .values("channel")
        .annotate(n=Count("pk"), first=Min("occurred_at"), last=Max("occurred_at"))
    )
    rows.sort(key=lambda row: (-row["n"], row["channel"]))
    if not rows:
        return TouchSummary((), 0, 0)
    first, last = min(row["first"] for row in rows), max(row["last"] for row in rows)
    return TouchSummary(
        by_channel=tuple((row["channel"], row["n"]) for row in rows),
        total=sum(row["n"] for row in rows),
        days=(last.date() - first.date()).days + 1,
    )


def sdr_record(sdr: Rep) -> Answers:
    """What AEs made of the SDR's last ``RECENT_HAND_OFFS`` hand-offs."""
    made = HandOff.objects.filter(sdr=sdr).order_by("-created_at", "-pk")[:RECENT_HAND_OFFS]
    counts = Counter(made.values_list("state", flat=True))
    return Answers(counts[HandOff.State.ACCEPTED], counts[HandOff.State.REJECTED])


_HOUR_PX = 22


def day_of_meeting(meeting: Meeting, name: str, zone: Any, *, with_titles: bool) -> Day:
    """The AE's day around the meeting with ``name``, in ``zone``. One statement, busy times included.

    What else the AE has that day is named ``with_titles`` only, for the AE; everybody else sees "Busy".
    """
    local = meeting.starts_at.astimezone(zone)
    start = local.replace(hour=0, minute=0, second=0, microsecond=0)
    end = start + timedelta(days=1)
    columns = ("starts_at", "ends_at", "title")
    meetings = (
        Meeting.objects.filter(ae_id=meeting.ae_id, starts_at__lt=end, ends_at__gt=start)
        .exclude(state=Meeting.State.CANCELLED)
        .exclude(pk=meeting.pk)
        .order_by()
        .annotate(title=F("lead__company"))
        .values_list(*columns)
    )
    busy = (
        BusyTime.objects.filter(rep_id=meeting.ae_id, starts_at__lt=end, ends_at__gt=start)
        .order_by()
        .values_list(*columns)
    )
    blocks = [
        (a.astimezone(zone), b.astimezone(zone), words) for a, b, words in meetings.union(busy, all=True)
    ]
    this = (local, meeting.ends_at.astimezone(zone))
    first = min([9, this[0].hour, *(a.hour for a, _, _ in blocks if a >= start)])
    last = max([17, this[1].hour + 1, *(min(b, end - timedelta(minutes=1)).hour + 1 for _, b, _ in blocks)])
    opens = start.replace(hour=first)

    def entry(a: datetime, b: datetime, words: str, is_this: bool) -> DayEntry:
        top = max(0, round((a - opens).total_seconds() / 3600 * _HOUR_PX))
        height = round((b - max(a, opens)).total_seconds() / 3600 * _HOUR_PX)
        return DayEntry(words, is_this, top, max(height, 16))

    named = f"{this[0]:%H:%M} {name}"
    others = [entry(a, b, (with_titles and words) or "Busy", False) for a, b, words in sorted(blocks)]
    spans = ", ".join(f"{a:%H:%M} to {b:%H:%M}" for a, b, _ in sorted(blocks))
    return Day(
        hours=tuple(range(first, last + 1)),
        entries=(*others, entry(*this, named, True)),
        sentence=f"This meeting {this[0]:%H:%M} to {this[1]:%H:%M}; "
        + (f"busy {spans}" if spans else "else free"),
    )
