"""The setup page: every settings page is on it once, and each role finds there what it may open."""

import pytest
from django.urls import NoReverseMatch, reverse

from apps.portal import setup
from tests.cast import assemble
from tests.stage import staged


@pytest.fixture
@staged
def cast(db):
    return assemble()


def labels(user):
    return {one.label for shelf in setup.shelves_for(user) for one in shelf.settings}


class TestSetup:
    def test_every_setting_has_an_address_of_its_own(self):
        names = [one.url_name for shelf in setup.SHELVES for one in shelf.settings]
        assert len(set(names)) == len(names)
        for name in names:
            try:
                reverse(name)
            except NoReverseMatch:
                pytest.fail(f"{name} has no address")

    def test_revops_finds_all_of_them(self, cast):
        assert labels(cast.revops) == {one.label for shelf in setup.SHELVES for one in shelf.settings}

    def test_nobody_is_shown_a_page_that_refuses_them(self, cast, client):
        for user in cast.everyone().values():
            client.force_login(user)
            for shelf in setup.shelves_for(user):
                for one in shelf.settings:
                    assert client.get(one.url).status_code == 200, (user.role, one.url_name)

    def test_pay_plans_are_not_shown_to_marketing(self, cast):
        assert "Plans" not in labels(cast.marketing)

    def test_the_page_names_what_is_decided_where(self, cast, client):
        client.force_login(cast.sdr)
        page = client.get(reverse("portal:setup")).content.decode()
        assert "Definitions of MQL and SQL" in page
        assert reverse("leads:definitions") in page
        assert "Who may sign in" not in page
