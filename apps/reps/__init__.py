"""Reps, teams, business calendars, time off, tiers, quotas."""
