"""The demo sign-ins: one for each role, with a public password. There are none outside demo mode."""

from typing import TypedDict

from django.conf import settings

from apps.accounts.models import Role, User
from apps.portal.demo.people import SIGN_IN_NAMES

PASSWORD = "larkfield-demo-2026"  # noqa: S105 - public on purpose; production settings refuse demo mode


class SignIn(TypedDict):
    """Whom one can sign in as."""

    name: str
    role: str
    email: str
    password: str


def demo_sign_ins() -> list[SignIn]:
    """Those of the demo company that is loaded, in the order of its roles; none outside demo mode."""
    if not settings.DEMO_MODE:
        return []
    users = User.objects.filter(name__in=SIGN_IN_NAMES, email__endswith="@larkfield.example", is_active=True)
    found = {user.name: user for user in users.select_related("rep")}
    return [
        SignIn(name=user.name, role=_role(user), email=user.email, password=PASSWORD)
        for name in SIGN_IN_NAMES
        if (user := found.get(name)) is not None
    ]


def _role(user: User) -> str:
    rep = getattr(user, "rep", None)
    return rep.get_role_display() if rep is not None and user.role == Role.SDR else user.get_role_display()
