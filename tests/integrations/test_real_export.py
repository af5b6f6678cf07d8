"""The real CRM export: every row is taken, or listed with its reason. Skipped where the data is not there."""

import pytest
from django.apps import apps
from django.conf import settings
from django.db.models import Count, Sum

from apps.core.periods import parse_period
from apps.integrations.models import ImportedRow
from apps.leads.models import EventCredit, EventKind, FunnelEvent, HandOff, Lead, LeadStage, Opportunity
from apps.reps.models import Quota, RepRole
from tests.marketstar import MarketStar, take_in

pytestmark = pytest.mark.slow

QUARTERS = {
    # The table in the README of the data: converted leads, accepted amount in cents.
    "2021Q2": (57, 19_743_776),
    "2021Q3": (98, 23_619_179),
    "2021Q4": (126, 38_221_775),
    "2022Q1": (188, 55_132_511),
    "2022Q2": (268, 84_345_103),
    "2022Q3": (290, 70_209_666),
}


def test_every_row_is_taken_or_listed_with_its_reason(marketstar: MarketStar) -> None:
    figures = marketstar.figures
    assert {kind: (one["rows"], one["new"], one["skipped"]) for kind, one in figures.items()} == {
        "reps": (8, 8, 0),
        "quotas": (8, 7, 1),
        "leads": (43_033, 43_033, 0),
        "hand_offs": (1_061, 1_061, 0),
    }
    assert all(one["refused"] == one["changed"] == one["same"] == 0 for one in figures.values())
    assert figures["quotas"]["codes"] == {"no_target": 1}
    assert figures["leads"]["codes"] == {"reason_not_disqualified": 545}
    assert figures["hand_offs"]["codes"] == {"amount_below_zero": 4, "owner_differs": 33}


def test_the_same_export_a_second_time_changes_nothing(marketstar: MarketStar) -> None:
    before = _rows_of_every_table()
    newest = FunnelEvent.objects.order_by("-pk").values_list("pk", flat=True).first()
    figures = take_in(marketstar.folder)
    assert all(one["new"] == one["changed"] == one["refused"] == 0 for one in figures.values())
    assert figures["leads"]["same"] == 43_033
    assert _rows_of_every_table() == before
    assert FunnelEvent.objects.order_by("-pk").values_list("pk", flat=True).first() == newest


def _rows_of_every_table() -> dict[str, int]:
    return {model._meta.label: model._default_manager.count() for model in apps.get_models()}


def test_hand_offs_have_their_answers(marketstar: MarketStar) -> None:
    states = dict(HandOff.objects.values_list("state").annotate(Count("pk")))
    assert states == {"accepted": 697, "rejected": 364}
    assert Opportunity.objects.count() == 697
    assert FunnelEvent.objects.filter(kind=EventKind.ACCEPTED, amount_minor__lt=0).count() == 3


@pytest.mark.parametrize("quarter", QUARTERS)
def test_the_record_gives_the_known_figures_of_each_quarter(marketstar: MarketStar, quarter: str) -> None:
    start, end = parse_period(quarter).bounds(settings.COMPANY_TIME_ZONE)
    events = FunnelEvent.objects.effective().between(start, end)
    converted = events.filter(kind=EventKind.HANDED_OFF).count()
    accepted = events.filter(kind=EventKind.ACCEPTED).aggregate(Sum("amount_minor"))["amount_minor__sum"]
    assert (converted, accepted) == QUARTERS[quarter]


def test_leads_stand_where_the_export_leaves_them(marketstar: MarketStar) -> None:
    stages = dict(Lead.objects.values_list("stage").annotate(Count("pk")))
    assert stages == {
        LeadStage.MCL: 10_466,
        LeadStage.WORKING: 1_520 + 168 + 96 + 49 + 364,
        LeadStage.SAL: 697,
        LeadStage.DISQUALIFIED: 29_673,
    }
    pool = Lead.objects.filter(owner__isnull=True, queue_bucket__isnull=False)
    assert pool.count() == 10_466, "leads that nobody owns wait in the team's pool"
    assert Lead.objects.filter(do_not_contact=True).count() == 1_867


def test_people_and_targets(marketstar: MarketStar) -> None:
    roles = [marketstar.rep(str(number)).role for number in range(1, 9)]
    assert roles == [RepRole.OSR] * 5 + [RepRole.AE] * 3
    quota = Quota.objects.get(measure="amount_accepted", starts_on="2021-04-01")
    assert (quota.target_minor, quota.currency, quota.team) == (20_000_000, "USD", marketstar.team)
    assert Quota.objects.count() == 14


def test_each_event_of_a_hand_off_is_credited_whole_to_both(marketstar: MarketStar) -> None:
    events = FunnelEvent.objects.filter(hand_off__isnull=False)
    shares = EventCredit.objects.filter(event__in=events).values_list("capacity").annotate(Sum("share"))
    assert dict(shares) == {
        "sourced": events.count() * 1_000_000,
        "owned": events.count() * 1_000_000,
    }


def test_what_the_export_said_is_remembered(marketstar: MarketStar) -> None:
    kinds = dict(ImportedRow.objects.values_list("kind").annotate(Count("pk")))
    assert kinds == {"reps": 8, "quotas": 7, "leads": 43_033, "hand_offs": 1_061}
