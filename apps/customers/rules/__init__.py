"""Decisions about customers, on plain values."""
