"""Every address declares who may use it; what an address does by GET changes nothing by the look of it."""

from collections.abc import Iterator
from typing import Any

from django.urls import URLPattern, URLResolver, get_resolver

from apps.core.http import _UNGUARDED_MODULES
from apps.core.policies import Policy, policy_of


def routes(patterns: Any = None, prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Every address of the portal, with its view."""
    for pattern in get_resolver().url_patterns if patterns is None else patterns:
        here = prefix + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            yield from routes(pattern.url_patterns, here)
        elif isinstance(pattern, URLPattern):
            yield here, pattern.callback


class TestRoutes:
    def test_there_are_some(self):
        assert len(list(routes())) > 10

    def test_each_declares_a_policy(self):
        without = [
            route
            for route, view in routes()
            if policy_of(view) is None and view.__module__ not in _UNGUARDED_MODULES
        ]
        assert without == []

    def test_each_policy_says_who_may_in_a_sentence(self):
        policies = {policy_of(view) for _, view in routes()} - {None}
        assert [policy.name for policy in policies if not policy.says.endswith(".")] == []

    def test_a_policy_name_means_one_policy(self):
        by_name: dict[str, set[Policy]] = {}
        for _, view in routes():
            if policy := policy_of(view):
                by_name.setdefault(policy.name, set()).add(policy)
        assert [name for name, policies in by_name.items() if len(policies) > 1] == []
