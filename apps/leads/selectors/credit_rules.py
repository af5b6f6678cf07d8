"""The rules that share credit, as they apply to something that happens (``rules.credit_rules``)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from django.conf import settings

from apps.core.periods import day_of
from apps.leads.models import CreditRule, EventKind, HandOff, Lead, Opportunity
from apps.leads.rules.conditions import Condition, match, parse_conditions
from apps.leads.rules.credit_rules import RECIPIENTS, WHOLE, Share, parse_shares, share_out
from apps.leads.selectors.conditions import known_of
from apps.reps.models import Rep


@dataclass(frozen=True)
class RuleInForce:
    """An approved rule, read once."""

    pk: int
    name: str
    capacity: str
    kinds: tuple[str, ...]
    conditions: tuple[Condition, ...]
    shares: tuple[Share, ...]
    starts_on: date
    ends_on: date | None

    def fits(self, kind: str, capacity: str, day: date, known: Mapping[str, Any]) -> bool:
        if kind not in self.kinds or capacity != self.capacity or day < self.starts_on:
            return False
        if self.ends_on is not None and day >= self.ends_on:
            return False
        return not self.conditions or match(self.conditions, known).ok


def rules_in_force() -> list[RuleInForce]:
    """All approved rules in their order; which days they are for, each says itself. One statement."""
    return [
        RuleInForce(
            rule.pk,
            rule.name,
            rule.capacity,
            tuple(rule.kinds),
            parse_conditions(rule.conditions),
            parse_shares(rule.shares),
            rule.starts_on,
            rule.ends_on,
        )
        for rule in CreditRule.objects.filter(approved_at__isnull=False).order_by("position", "pk")
    ]


@dataclass(frozen=True)
class Part:
    """A rep's share of one capacity, and the rule that gave it; ``None`` where no rule had a say."""

    rep_id: int
    capacity: str
    share: int
    rule_id: int | None = None


def shared(
    rules: Sequence[RuleInForce],
    *,
    kind: str,
    occurred_at: datetime,
    parts: Sequence[Part],
    lead: Lead | None = None,
    hand_off: HandOff | None = None,
    opportunity: Opportunity | None = None,
) -> list[Part]:
    """``parts`` as the first rule that fits shares them, capacity by capacity."""
    of_kind = [rule for rule in rules if kind in rule.kinds]
    if not of_kind or not parts:
        return list(parts)
    if lead is None and hand_off is not None:
        lead = hand_off.lead
    elif lead is None and opportunity is not None:
        lead = opportunity.lead
    if hand_off is None and opportunity is not None:
        hand_off = opportunity.hand_off
    known = known_of(lead) if lead is not None else {}
    day = day_of(occurred_at, settings.COMPANY_TIME_ZONE)
    people = {
        "sdr": hand_off.sdr_id if hand_off else None,
        "ae": (hand_off.successor_id or hand_off.ae_id) if hand_off else None,
        "opener": opportunity.sourced_by_id if opportunity else None,
        "owner": opportunity.owner_id if opportunity else None,
        "lead_owner": lead.owner_id if lead else None,
    }
    found: list[Part] = []
    for capacity in dict.fromkeys(one.capacity for one in parts):
        own = [one for one in parts if one.capacity == capacity]
        rule = next((one for one in of_kind if one.fits(kind, capacity, day, known)), None)
        if rule is None:
            found += own
            continue
        credited = [(one.rep_id, one.share) for one in own]
        found += [
            Part(rep_id, capacity, share, rule.pk)
            for rep_id, share in share_out(credited, rule.shares, people)
        ]
    return found


# --- For pages ------------------------------------------------------------------------------------


@dataclass(frozen=True)
class ShownRule:
    """A rule in words."""

    rule: CreditRule
    kinds: str
    conditions: list[str]
    shares: list[tuple[str, int]]

    @property
    def shares_in_words(self) -> str:
        return ", ".join(f"{name} {_percent(share)}" for name, share in self.shares)


def _percent(share: int) -> str:
    return f"{(Decimal(share) * 100 / WHOLE).normalize():f} %"


def shown(rules: Sequence[CreditRule]) -> list[ShownRule]:
    """Rules in words. One statement for the reps they name."""
    parts = {rule.pk: parse_shares(rule.shares) for rule in rules}
    named = {one.rep_id for of_rule in parts.values() for one in of_rule if one.rep_id is not None}
    names = dict(Rep.objects.filter(pk__in=named).values_list("pk", "name"))
    return [
        ShownRule(
            rule,
            ", ".join(EventKind(kind).label for kind in rule.kinds),
            [one.in_words for one in parse_conditions(rule.conditions)],
            [
                (names[one.rep_id] if one.rep_id is not None else RECIPIENTS[one.to], one.share)
                for one in parts[rule.pk]
            ],
        )
        for rule in rules
    ]


def rules_by_state(user: Any, day: date) -> list[tuple[str, list[ShownRule]]]:
    """All rules under what they are on ``day``; what is empty is left out."""
    found = shown(list(CreditRule.objects.visible_to(user).select_related("author", "approver")))
    groups: dict[str, list[ShownRule]] = {"In force": [], "To come": [], "Drafts": [], "Ended": []}
    for one in found:
        rule = one.rule
        if not rule.is_approved:
            groups["Drafts"].append(one)
        elif rule.ends_on is not None and rule.ends_on <= day:
            groups["Ended"].append(one)
        else:
            groups["In force" if rule.starts_on <= day else "To come"].append(one)
    return [(name, rows) for name, rows in groups.items() if rows]
