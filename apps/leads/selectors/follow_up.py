"""Follow-up rules as people read them: each row in words, what follows for one lead, the versions."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from apps.leads.models import Channel, Disposition, FollowUpPolicy
from apps.leads.rules.dispositions import DISPOSITIONS, FIXED, Act, NextStep, Row, Rules, next_step
from apps.leads.selectors.queue import CHANNEL_ICONS
from apps.leads.services.follow_up import rules_in_force, rules_of

_ACT_ICONS = {
    Act.QUALIFY: "checkc",
    Act.CALL_BACK: "clock",
    Act.RECYCLE: "refresh",
    Act.DISQUALIFY: "xc",
    Act.NEVER_CONTACT: "ban",
    Act.PROPOSE: "question",
}


@dataclass(frozen=True)
class RowInWords:
    """One row of the rules: after what, at which touches, at which age, what then, and why it leaves."""

    number: int
    after: str
    touches: str
    age: str
    icon: str
    then: str
    detail: str
    is_reached: bool


@dataclass(frozen=True)
class Follows:
    """What follows from one disposition for the lead that was asked about; ``row`` is the deciding one."""

    disposition: str
    icon: str
    then: str
    detail: str
    row: int | None


@dataclass(frozen=True)
class Version:
    """A version with its place in time: ``in_force``, ``past``, or ``coming``."""

    policy: FollowUpPolicy
    state: str


@dataclass(frozen=True)
class Shown:
    """The rules of one version in words; ``policy`` is ``None`` for those that the portal begins with."""

    policy: FollowUpPolicy | None
    rules: Rules
    rows: list[RowInWords]
    is_in_force: bool


def span_in_words(wait: timedelta) -> str:
    """``at once``, ``4 h``, ``2 days``."""
    hours = int(wait.total_seconds() // 3600)
    if not hours:
        return "at once"
    if hours % 24:
        return f"in {hours} h"
    return "in 1 day" if hours == 24 else f"in {hours // 24} days"


def _listed(words: Sequence[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} or {words[-1]}"


def _after(dispositions: frozenset[str]) -> str:
    if not dispositions:
        return "Anything else"
    labels = [Disposition(one).label for one in DISPOSITIONS if one in dispositions]
    return _listed([labels[0], *(label.lower() for label in labels[1:])])


def _touches(row: Row) -> str:
    first, last = row.attempts_from, row.attempts_to
    if last is None:
        return "any" if first == 1 else f"{first} and later"
    return str(first) if first == last else f"{first} to {last}"


def _age(row: Row) -> str:
    first, last = row.age_from, row.age_to
    if last is None:
        return "any" if not first else f"from {first:,} days"
    if not first:
        return f"up to {last:,} days"
    return f"{first:,} days" if first == last else f"{first:,} to {last:,} days"


def _goes_on(channel: str, wait: timedelta) -> str:
    return f"{Channel(channel).label.lower()} {span_in_words(wait)}"


def _then(step: NextStep) -> tuple[str, str, str]:
    """Icon, what happens, and what else is to know of it."""
    if step.act is Act.RETRY:
        return CHANNEL_ICONS[Channel(step.channel)], _goes_on(step.channel, step.wait).capitalize(), ""
    words, detail = {
        Act.QUALIFY: ("Fill the framework", ""),
        Act.CALL_BACK: ("Call when it was promised", "always so"),
        Act.RECYCLE: (f"Recycle, back in {step.recycle_days:,} days", step.reason),
        Act.DISQUALIFY: ("Disqualify", step.reason),
        Act.NEVER_CONTACT: ("Never contact them again", "always so"),
        Act.PROPOSE: (f"Propose to {step.proposal}", step.reason),
    }[step.act]
    if step.act in (Act.PROPOSE, Act.QUALIFY) and step.channel:
        on = "if it is declined" if step.act is Act.PROPOSE else "if it stays open"
        detail = f"{detail}; {on}, " if detail else f"{on}, "
        detail += _goes_on(step.channel, step.wait)
    return _ACT_ICONS[step.act], words, detail


def in_words(rules: Rules) -> list[RowInWords]:
    """Each row in words; a row that the rows above it leave nothing for is marked."""
    reached = rows_reached(rules)
    found = []
    for place, row in enumerate(rules.rows):
        reason = row.reason.replace("{attempts}", "n")
        icon, then, detail = _then(
            NextStep(row.act, row.wait, row.channel, reason, row.proposal, rules.recycle_days)
        )
        after, touches, age = _after(row.dispositions), _touches(row), _age(row)
        found.append(RowInWords(place + 1, after, touches, age, icon, then, detail, place in reached))
    return found


def _deciding(rules: Rules, disposition: str, attempts: int, age_days: int) -> int | None:
    """The place of the row that decides."""
    return next(
        (place for place, row in enumerate(rules.rows) if row.matches(disposition, attempts, age_days)), None
    )


def rows_reached(rules: Rules) -> set[int]:
    """The places of the rows that decide for some lead. Looking at the edges that rows name is enough."""
    attempts = {1} | {edge for row in rules.rows for edge in (row.attempts_from, (row.attempts_to or 0) + 1)}
    ages = {0} | {edge for row in rules.rows for edge in (row.age_from, (row.age_to or 0) + 1)}
    return {
        place
        for disposition in DISPOSITIONS
        if disposition not in FIXED
        for attempt in attempts
        for age in ages
        if (place := _deciding(rules, disposition, attempt, age)) is not None
    }


def what_follows(rules: Rules, *, attempts: int, age_days: int) -> list[Follows]:
    """For each disposition, what follows if it comes of the ``attempts``-th touch of a lead of that age."""
    found = []
    for disposition in DISPOSITIONS:
        step = next_step(disposition, attempts=attempts, age_days=age_days, rules=rules)
        icon, then, detail = _then(step)
        place = None if disposition in FIXED else _deciding(rules, disposition, attempts, age_days)
        found.append(
            Follows(Disposition(disposition).label, icon, then, detail, None if place is None else place + 1)
        )
    return found


def shown(at: datetime, version: int | None = None) -> Shown | None:
    """The rules in force at ``at``, or those of ``version``; ``None`` for a version that there is not."""
    policy, rules = rules_in_force(at)
    current = policy.version if policy else None
    if version is not None and version != current:
        policy = FollowUpPolicy.objects.select_related("created_by").filter(version=version).first()
        if policy is None:
            return None
        rules = rules_of(policy)
    return Shown(policy, rules, in_words(rules), (policy.version if policy else None) == current)


def versions(at: datetime) -> list[Version]:
    """Every version, the newest first. One statement."""
    found = []
    seen = False
    for policy in FollowUpPolicy.objects.select_related("created_by"):
        state = "coming" if policy.effective_at > at else "past" if seen else "in_force"
        seen = seen or state == "in_force"
        found.append(Version(policy, state))
    return found
