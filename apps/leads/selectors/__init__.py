"""Reads over the funnel for pages and reports: no writes, a bounded number of statements each."""
