"""What of this app the chain of seals covers: the ledger."""

from apps.audit.chained import chain


def put_under_the_chain() -> None:
    chain(
        "compensation.LedgerEntry",
        "Ledger lines",
        (
            "id", "run_id", "statement_id", "rep_id", "plan_version_id", "component_key", "component_name", "kind",
            "event_id", "source_key", "sequence", "starts_on", "ends_on", "amount_minor", "earned_minor", "currency",
            "base_minor", "share", "place", "band", "rate", "parts", "terms", "conversion", "exact", "formula",
            "cause", "cause_event_id", "posted_at",
        ),
    )  # fmt: skip
