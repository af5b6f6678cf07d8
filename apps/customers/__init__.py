"""Customers after the win: pass-on, contracts, renewals, health, answers, departures, lifetime value."""
