"""Ranking, tiers, monthly scorecards and the team target."""
