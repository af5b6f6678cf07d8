"""What the frame of a page needs. All of it is worked out when a template asks: fragments pay nothing."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any
from zoneinfo import ZoneInfo

from django.conf import settings
from django.http import HttpRequest
from django.utils import timezone
from django.utils.functional import SimpleLazyObject

from apps.portal.counts import MOST_UNREAD, Count, counts_for
from apps.portal.demo.sign_ins import demo_sign_ins
from apps.portal.navigation import Place, places_for

# A phone's bar holds this many places beside "More".
TABS = 4


@dataclass(frozen=True)
class ShownPlace:
    """A place as it stands in the rail of this page."""

    place: Place
    url: str
    current: bool
    count: Count | None

    def __getattr__(self, name: str) -> Any:
        return getattr(self.place, name)


class Frame:
    """The rail, the top bar and the tab bar of one request."""

    def __init__(self, request: HttpRequest) -> None:
        self._request = request
        self.company = settings.COMPANY_NAME

    @cached_property
    def user(self) -> Any:
        user = getattr(self._request, "user", None)
        return user if user is not None and user.is_authenticated else None

    @property
    def layout(self) -> str:
        """What a page extends that is shown to those who are not signed in as well."""
        return "base.html" if self.user else "portal/bare.html"

    @cached_property
    def role(self) -> str:
        return self.user.get_role_display() if self.user else ""

    @property
    def title(self) -> str:
        """Whose "More" it is."""
        return (self.user.name if self.user else "") or self.company

    @property
    def here(self) -> str:
        """What a phone calls the page."""
        return self.place.label if self.place else self.company

    @cached_property
    def _counts(self) -> Mapping[str, Count]:
        """What the places and the bell count, asked for together."""
        wanted = {place.count for place in self._known if place.count}
        return counts_for(self.user, wanted | {"unread"}) if self.user else {}

    @cached_property
    def _known(self) -> list[Place]:
        return places_for(self.user) if self.user else []

    @cached_property
    def places(self) -> tuple[ShownPlace, ...]:
        counts, current = self._counts, self._current(self._known)
        return tuple(
            ShownPlace(place, place.url, place is current, counts.get(place.count)) for place in self._known
        )

    def _current(self, places: list[Place]) -> Place | None:
        """The place that the address lies under: that of the rail's own refresh says which it was."""
        match = self._request.resolver_match
        if match is not None and match.view_name == "portal:places":
            asked = self._request.GET.get("at", "")
            return next((place for place in places if place.url_name == asked), None)
        under = [place for place in places if self._request.path.startswith(place.url)]
        return max(under, key=lambda place: len(place.url), default=None)

    @cached_property
    def place(self) -> ShownPlace | None:
        return next((place for place in self.places if place.current), None)

    @property
    def tabs(self) -> tuple[ShownPlace, ...]:
        return self.places[:TABS]

    @cached_property
    def unread(self) -> int:
        """How many notifications wait behind the bell, counted to one more than it shows."""
        if self.user is None:
            return 0
        # A fragment that renews the bell alone asks for nothing else.
        with_places = "_counts" in self.__dict__
        return (self._counts if with_places else counts_for(self.user, {"unread"}))["unread"].number

    @property
    def unread_shown(self) -> str:
        return f"{MOST_UNREAD}+" if self.unread > MOST_UNREAD else str(self.unread)

    @cached_property
    def now(self) -> datetime:
        return timezone.now()

    @property
    def instant(self) -> str:
        """For the browser, whose clock may be wrong."""
        return self.now.isoformat()

    @cached_property
    def _local(self) -> datetime:
        return self.now.astimezone(ZoneInfo(zone_of(self.user)))

    @property
    def date(self) -> str:
        return f"{self._local:%a} {self._local.day} {self._local:%b}"

    @property
    def time(self) -> str:
        return f"{self._local:%H:%M}"

    @property
    def zone_word(self) -> str:
        return f"{self._local:%Z}"


def zone_of(user: Any) -> str:
    """The zone in which times are shown: the viewer's, or the company's."""
    return getattr(user, "time_zone", "") or settings.COMPANY_TIME_ZONE


def frame(request: HttpRequest) -> dict[str, Any]:
    """``frame`` for base.html, ``viewer_zone`` for ``|moment:viewer_zone`` and countdowns, the demo sign-ins."""
    return {
        "frame": Frame(request),
        "viewer_zone": zone_of(getattr(request, "user", None)),
        "demo_sign_ins": SimpleLazyObject(demo_sign_ins),
    }
