"""What of this app the chain of seals covers: funnel events and the credits of reps in them."""

from apps.audit.chained import chain


def put_under_the_chain() -> None:
    chain(
        "leads.FunnelEvent",
        "Funnel events",
        (
            "id", "kind", "occurred_at", "recorded_at", "lead_id", "hand_off_id", "opportunity_id", "account_id",
            "amount_minor", "currency", "source", "source_key", "actor_id", "reverses_id", "data",
        ),
    )  # fmt: skip
    chain("leads.EventCredit", "Credits", ("id", "event_id", "rep_id", "capacity", "share", "rule_id"))
