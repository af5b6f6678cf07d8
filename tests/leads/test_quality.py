"""Lead quality: what became of each source's leads, set against a count by hand."""

from datetime import UTC, datetime, timedelta

import pytest
from django.urls import reverse

from apps.leads.models import Channel, Disposition, FunnelEvent, Source
from apps.leads.selectors.quality import quality
from apps.leads.services import hand_offs, intake, touches
from apps.leads.services.record import reverse_event
from tests.cast import NOW, Cast
from tests.leads.scenes import handed_off, won
from tests.stage import staged

YEAR = (datetime(2026, 1, 1, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC))


@pytest.fixture
@staged
def season(cast: Cast) -> None:
    """One won, one rejected, one disqualified, one untouched."""
    won(cast)
    hand_offs.reject_hand_off(
        hand_off=handed_off(cast, "Tessellate Software", slot=3),
        criterion="timeframe",
        reason="too_far_out",
        comment="",
        at=NOW,
        actor=cast.ae,
    )
    for name, disposition in (("Aldous", Disposition.NOT_A_FIT), ("Corran", None)):
        lead, _ = intake.take_in(
            incoming=intake.Incoming(
                name=name,
                company=f"{name} Tools",
                email=f"{name}@x.example",
                industry="Arts",
                source="Trade fair",
            ),
            team=cast.sdr_team,
            at=NOW,
            source=Source.PAGE,
            source_key=name,
        )
        if disposition:
            touches.log_touch(
                lead=lead, rep=cast.rep(cast.sdr), channel=Channel.CALL, disposition=disposition, at=NOW
            )


class TestQuality:
    def test_follows_each_sources_leads(self, season):
        demo, fair = quality(*YEAR).by_source
        assert (demo.name, demo.leads, demo.mqls, demo.sqls, demo.handed_off) == ("Demo request", 2, 2, 2, 2)
        assert (demo.accepted, demo.rejected, demo.won) == (1, 1, 1)
        assert (demo.accepted_rate, demo.answered) == (0.5, 2)
        assert (fair.name, fair.leads, fair.handed_off, fair.disqualified) == ("Trade fair", 2, 0, 1)
        assert fair.accepted_rate is None

    def test_sums_to_the_whole(self, season):
        found = quality(*YEAR)
        for kind in found.whole.counts:
            assert found.whole.counts[kind] == sum(one.counts[kind] for one in found.by_source)
            assert found.whole.counts[kind] == found.in_profile.counts[kind] + found.exploration.counts[kind]

    def test_names_the_reasons(self, season):
        found = quality(*YEAR)
        assert [(one.criterion, one.words, one.count) for one in found.rejected] == [
            ("timeframe", "Date too far out", 1)
        ]
        assert [(one.words, one.count) for one in found.disqualified] == [("Not a fit", 1)]

    def test_keeps_outcomes_outside_the_profile_apart(self, season):
        found = quality(*YEAR)
        assert (found.in_profile.leads, found.exploration.leads) == (2, 2)

    def test_leaves_out_what_was_taken_back(self, season, cast):
        reverse_event(
            event=FunnelEvent.objects.get(kind="won"), reason="Cancelled", at=NOW + timedelta(days=30)
        )
        assert quality(*YEAR).whole.won == 0

    def test_takes_the_leads_of_the_period_alone(self, season):
        assert quality(NOW, YEAR[1]).whole.leads == 2
        assert quality(YEAR[1], YEAR[1] + timedelta(days=9)).whole.leads == 0

    def test_asks_three_statements(self, season, django_assert_num_queries):
        with django_assert_num_queries(3):
            quality(*YEAR)


class TestQualityPage:
    @pytest.mark.parametrize("query", ["2026", "2026Q4", "2026-11", "next week", "9999", "0001"])
    def test_shows_any_period_or_says_why_not(self, cast, season, client, query):
        client.force_login(cast.marketing)
        assert client.get(reverse("leads:quality"), {"period": query}).status_code == 200

    def test_says_what_it_shows(self, cast, season, client):
        client.force_login(cast.marketing)
        text = client.get(reverse("leads:quality") + "?period=2026Q4").content.decode()
        assert "Of 4 leads, 2 became MQLs and 2 were handed off; AEs accepted 1 and rejected 1." in text
        assert "Timeframe: date too far out" in text

    def test_shows_no_money(self, cast, season, client):
        client.force_login(cast.marketing)
        assert "€" not in client.get(reverse("leads:quality") + "?period=2026Q4").content.decode()

    @pytest.mark.parametrize("part", ["sdr", "ae", "am", "finance"])
    def test_is_not_for_the_rest(self, cast, client, part):
        client.force_login(getattr(cast, part))
        assert client.get(reverse("leads:quality")).status_code == 403
