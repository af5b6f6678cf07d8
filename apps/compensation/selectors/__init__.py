"""Reads: what a computation needs, and what the pages and reports show. Nothing here writes."""
