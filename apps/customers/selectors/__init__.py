"""Reads over customers, within a user's scope."""
