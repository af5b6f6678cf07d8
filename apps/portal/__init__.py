"""Composes the other apps: home per role, navigation, search, styleguide. Owns no data."""
