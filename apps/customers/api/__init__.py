"""Customers by API: the same selectors, services and policies as the pages, as JSON."""
