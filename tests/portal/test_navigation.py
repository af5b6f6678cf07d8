"""Places per role: each has its few, its keys are its own, and all of them exist."""

from types import SimpleNamespace

import pytest
from django.contrib.auth.models import AnonymousUser
from django.urls import reverse

from apps.accounts.models import Role
from apps.leads.models import Lead
from apps.portal import counts, navigation
from apps.portal.counts import Count
from apps.portal.search import search
from tests.permissions.subjects import make_subjects

ALL = sorted(
    {place for places in navigation.PLACES.values() for place in places},
    key=lambda place: (place.url_name, place.label),
)


class TestPlaces:
    def test_every_role_has_places(self):
        assert set(navigation.PLACES) == set(Role.values)
        assert all(navigation.PLACES.values())

    @pytest.mark.parametrize("place", ALL, ids=lambda place: f"{place.url_name}-{place.label}")
    def test_the_address_of_every_place_exists(self, place):
        assert reverse(place.url_name).startswith("/")

    @pytest.mark.parametrize("role", Role.values)
    def test_keys_and_labels_are_unique_within_a_role(self, role):
        places = navigation.PLACES[role]
        assert len({place.key for place in places}) == len(places)
        assert len({place.label for place in places}) == len(places)

    @pytest.mark.parametrize("role", Role.values)
    def test_no_key_is_one_that_every_page_has(self, role):
        assert not {place.key for place in navigation.PLACES[role]} & {"g", "/", "?"}

    def test_an_address_that_does_not_exist_is_left_out(self, monkeypatch):
        ghost = navigation.Place("Ghost", "portal:no_such_page", "x", "x")
        home = navigation.Place("Home", "portal:home", "x", "h")
        monkeypatch.setitem(navigation.PLACES, Role.SDR, (ghost, home))
        assert navigation.places_for(SimpleNamespace(role="sdr")) == [home]

    def test_somebody_who_is_not_signed_in_has_none(self):
        assert navigation.places_for(AnonymousUser()) == []

    def test_marketing_and_finance_do_not_see_what_is_not_theirs(self):
        names = {role: {place.url_name for place in navigation.PLACES[role]} for role in Role.values}
        assert not any(name.startswith("compensation:") for name in names[Role.MARKETING])
        assert "leads:leads" not in names[Role.FINANCE]


class TestCounts:
    def test_counts_only_what_is_wanted_and_known(self, monkeypatch):
        monkeypatch.setattr(
            counts, "COUNTERS", {"queue": lambda user: Count(23), "jobs": lambda user: Count(1)}
        )
        assert counts.counts_for(None, {"queue", "unknown"}) == {"queue": Count(23)}

    @pytest.mark.parametrize("number, shown", [(7, "7"), (999, "999"), (1000, "1,000+"), (40000, "1,000+")])
    def test_a_large_figure_is_capped(self, number, shown):
        assert Count(number).shown == shown

    def test_zero_is_not_shown(self):
        assert not Count(0)


class TestSearch:
    @pytest.fixture(autouse=True)
    def _two_places(self, monkeypatch, cast):
        self.sdr = cast.sdr
        places = (
            navigation.Place("My day", "portal:home", "queue", "d"),
            navigation.Place("My pay", "portal:styleguide", "money", "p"),
        )
        monkeypatch.setitem(navigation.PLACES, Role.SDR, places)

    def test_without_words_the_places_are_offered(self):
        [(group, hits)] = search(self.sdr, "  ")
        assert group == "Go to"
        assert [(hit.label, hit.keys) for hit in hits] == [("My day", ("g", "d")), ("My pay", ("g", "p"))]

    def test_finds_a_place_by_a_part_of_its_name_in_any_case(self):
        [(_, hits)] = search(self.sdr, "PAY")
        assert [hit.label for hit in hits] == ["My pay"]

    def test_nothing_found_is_an_empty_answer(self):
        assert search(self.sdr, "zzz") == []

    def test_other_providers_are_asked_from_the_second_letter_and_held_to_a_few(self, monkeypatch):
        from apps.portal import search as module

        asked = []

        def leads(user, text):
            asked.append(text)
            return [module.Hit("Leads", f"Lead {number}", f"/leads/{number}/") for number in range(50)]

        monkeypatch.setattr(module, "PROVIDERS", [*module.PROVIDERS, leads])
        search(self.sdr, "r")
        assert asked == []
        groups = dict(search(self.sdr, "ri"))
        assert len(groups["Leads"]) == module.MOST_PER_GROUP

    def test_finds_a_lead_only_for_those_who_may_open_it(self, cast):
        keys = make_subjects(cast)["lead"]
        names = {whose: Lead.objects.get(pk=pk).name for whose, pk in keys.items()}
        assert [hit.label for _, hits in search(cast.sdr, names["own"]) for hit in hits] == [names["own"]]
        assert search(cast.sdr, names["foreign"]) == []
        assert search(cast.sdr, names["team"]) == []
