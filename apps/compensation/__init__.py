"""Plans, payout runs, the ledger, statements and finance reports."""
