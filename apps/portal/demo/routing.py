"""The demo company's routing: a version that decides from the first day on, and a draft that is still considered.

Inbound meetings go by rank, outbound ones also by named account, former owner, territory and in turn, so that the
pages of turns and of why show each method at work.
"""

from typing import Any

from apps.accounts.models import Role
from apps.leads.models import RoutingPolicy
from apps.leads.services import routing_policies
from apps.portal.demo.founding import Company
from apps.portal.demo.life import Span

_OUTBOUND = [{"field": "motion", "operator": "in", "value": ["outbound"]}]
_NORTH = ["Hamburg", "Bremen", "Rostock"]
_NAMED = ("brightmoor.example", "Northgate Mills", "harbourline.example")


def put_routing(company: Company, span: Span) -> None:
    """Written and switched on at the beginning; the draft follows once there is a past to replay."""
    revops, begins = company.of_role(Role.REVOPS), span.bounds(span.start)[0]
    aes = [worker.rep for worker in company.desks[0].closing]
    policy = routing_policies.create_policy(
        name="Mid-market routing",
        note="Outbound keeps named accounts and former owners together and deals the rest in turn.",
        at=begins,
        actor=revops,
    )
    rules: list[dict[str, Any]] = [
        {
            "name": "Named accounts",
            "method": "named_account",
            "terms": {
                "accounts": [
                    {"account": account, "rep": aes[place % len(aes)].pk}
                    for place, account in enumerate(_NAMED)
                ]
            },
        },
        {
            "name": "Who had it before",
            "method": "sticky",
            "conditions": _OUTBOUND,
            "terms": {"months": 12},
        },
        {
            "name": "Northern ports",
            "method": "territory",
            "conditions": _OUTBOUND,
            "terms": {
                "territories": [
                    {
                        "name": "North",
                        "conditions": [{"field": "city", "operator": "in", "value": _NORTH}],
                        "reps": [one.pk for one in aes[-2:]],
                    }
                ]
            },
        },
        {
            "name": "Outbound in turn",
            "method": "round_robin",
            "conditions": _OUTBOUND,
            "terms": {"weights": [{"rep": aes[0].pk, "weight": 2, "from_on": ""}]},
        },
        {"name": "Best available by rank", "method": "best_ranked"},
    ]
    for rule in rules:
        routing_policies.add_rule(policy=policy, **rule, at=begins, actor=revops)
    routing_policies.switch_on(policy=policy, at=begins, actor=revops)


def put_draft(company: Company, span: Span) -> None:
    """A version that nobody has switched on: former owners for every lead, and a share of exploration."""
    revops = company.of_role(Role.REVOPS)
    draft = routing_policies.create_policy(
        name="Mid-market routing",
        note="Former owners for inbound as well, and one good lead in ten to lower tiers.",
        like=RoutingPolicy.objects.get(),
        at=span.at,
        actor=revops,
    )
    sticky, best = (draft.rules.get(method=method) for method in ("sticky", "best_ranked"))
    for rule, conditions, terms in (
        (sticky, [], sticky.terms),
        (best, [], {**best.terms, "exploration_percent": 10}),
    ):
        draft.refresh_from_db()
        routing_policies.change_rule(
            rule=rule,
            name=rule.name,
            method=rule.method,
            conditions=conditions,
            terms=terms,
            seen=draft.changed_at,
            at=span.at,
            actor=revops,
        )
