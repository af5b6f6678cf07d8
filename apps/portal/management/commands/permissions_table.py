"""Prints who may take which route, from the routes themselves: the source of ``docs/permissions.md``."""

from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

from django.core.management.base import BaseCommand
from django.urls import URLResolver, get_resolver

from apps.accounts.models import Role
from apps.core.policies import Policy, policy_of

HEADER = """# Who may take which route

Made by `manage.py permissions_table > docs/permissions.md`; a test keeps it true. The mark says that the role may
take the route at all; which objects it reaches there is decided by `visible_to(user)`, and out of scope is 404.
Where a policy also looks at the object (“only its AE”), its words say so. The expectation that all of this is
tested against stands in `tests/permissions/`.
"""


def routes(patterns: list[Any], address: str = "/", space: str = "") -> Iterator[tuple[str, str, Policy]]:
    """Each address with its name and its policy, in the resolver's order."""
    for pattern in patterns:
        whole = address + str(pattern.pattern).lstrip("^").rstrip("$")
        if isinstance(pattern, URLResolver):
            inside = f"{space}{pattern.namespace}:" if pattern.namespace else space
            yield from routes(pattern.url_patterns, whole, inside)
        elif (policy := policy_of(pattern.callback)) is not None:
            yield whole, f"{space}{pattern.name}", policy


def _admits(policy: Policy, role: str) -> bool:
    return policy.admits(SimpleNamespace(is_authenticated=True, is_active=True, role=role))


def table() -> str:
    """The whole document, as Markdown."""
    roles = list(Role)
    lines = [
        HEADER,
        "| route | " + " | ".join(role.value for role in roles) + " | in words |",
        "|---|" + ":-:|" * len(roles) + "---|",
    ]
    for address, name, policy in routes(get_resolver().url_patterns):
        marks = " | ".join("●" if _admits(policy, role) else "" for role in roles)
        shown = address.replace("|", "\\|")
        lines.append(f"| `{shown}` {name} | {marks} | {policy.says} |")
    return "\n".join(lines) + "\n"


class Command(BaseCommand):
    help = "Print who may take which route, as Markdown."

    def handle(self, *args: Any, **options: Any) -> None:
        self.stdout.write(table(), ending="")
