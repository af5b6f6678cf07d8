"""Decisions about promises, on plain values."""
