"""Decisions about notifications on plain values."""
