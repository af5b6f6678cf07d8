"""Home per role, search, the rail's refresh and the styleguide. Reads only."""

from hashlib import blake2s

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone

from apps.core.policies import SIGNED_IN, guarded
from apps.portal import search as searching
from apps.portal import setup as shelves
from apps.portal import styleguide as specimens
from apps.portal.navigation import places_for


@guarded(SIGNED_IN)
def home(request: HttpRequest) -> HttpResponse:
    """To the first place of one's role."""
    places = places_for(request.user)
    return redirect(places[0].url if places else "portal:styleguide")


@guarded(SIGNED_IN)
def search(request: HttpRequest) -> HttpResponse:
    """What the command palette shows; a page of its own where there is no script."""
    text = request.GET.get("q", "")[:100]
    found = {"text": text, "groups": searching.search(request.user, text)}
    template = "portal/_search_results.html" if _wants_fragment(request) else "portal/search.html"
    return render(request, template, found)


@guarded(SIGNED_IN)
def places(request: HttpRequest) -> HttpResponse:
    """The rail's places with their live counts, and the bell; 204 while they are as the page has them."""
    response = render(request, "components/_refresh.html")
    tag = f'"{blake2s(response.content, digest_size=8).hexdigest()}"'
    if request.headers.get("If-None-Match") == tag:
        return HttpResponse(status=204)
    response["ETag"] = tag
    return response


@guarded(SIGNED_IN)
def setup(request: HttpRequest) -> HttpResponse:
    """The settings pages that one's role may open."""
    return render(request, "portal/setup.html", {"shelves": shelves.shelves_for(request.user)})


@guarded(SIGNED_IN)
def styleguide(request: HttpRequest) -> HttpResponse:
    """Every component in every state."""
    return render(request, "portal/styleguide.html", specimens.context(timezone.now()))


@guarded(SIGNED_IN)
def styleguide_explained(request: HttpRequest) -> HttpResponse:
    """What a "Why?" opens in the drawer, as a specimen."""
    template = "portal/_styleguide_explained.html"
    return render(request, template if _wants_fragment(request) else "portal/styleguide_explained.html")


def _wants_fragment(request: HttpRequest) -> bool:
    return bool(getattr(request, "htmx", False))
