"""Decisions about working time, on plain values."""
