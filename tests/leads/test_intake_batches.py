"""Many arrivals in one call are what the same arrivals are one by one."""

from datetime import timedelta
from typing import Any

from apps.leads.models import Account, EventKind, FunnelEvent, Lead, LeadStage, Source
from apps.leads.services.intake import Arrival, Incoming, take_in_many
from apps.leads.signals import leads_arrived
from tests.cast import NOW, Cast


def _arrival(cast: Cast, number: int, **known: Any) -> Arrival:
    incoming = Incoming(**{"email": f"P{number}@brightmoor.example", "source": "Demo request"} | known)
    at = NOW + timedelta(minutes=number)
    return Arrival(incoming, cast.sdr_team, at, Source.IMPORT, f"row:{number}")


class TestTakeInMany:
    def test_records_each_when_it_arrived(self, cast: Cast) -> None:
        take_in_many(arrivals=[_arrival(cast, number) for number in range(3)])
        events = FunnelEvent.objects.filter(kind=EventKind.MQL).order_by("pk")
        assert [event.recorded_at - NOW for event in events] == [timedelta(minutes=n) for n in range(3)]

    def test_knows_an_address_that_comes_twice_in_one_batch(self, cast: Cast) -> None:
        first, again = _arrival(cast, 1), _arrival(cast, 2, email="p1@Brightmoor.example")
        (lead, is_new), (same, is_new_too) = take_in_many(arrivals=[first, again])
        assert (lead, is_new, is_new_too) == (same, True, False)
        assert Lead.objects.count() == 1

    def test_takes_a_finished_lead_in_anew(self, cast: Cast) -> None:
        lead = take_in_many(arrivals=[_arrival(cast, 1)])[0][0]
        Lead.objects.filter(pk=lead.pk).update(stage=LeadStage.DISQUALIFIED, queue_bucket=None)
        other, is_new = take_in_many(arrivals=[_arrival(cast, 5, email="p1@brightmoor.example")])[0]
        assert is_new
        assert other.pk != lead.pk

    def test_gives_people_of_one_company_one_account(self, cast: Cast) -> None:
        take_in_many(arrivals=[_arrival(cast, 1, company="Brightmoor Logistics")])
        taken = take_in_many(
            arrivals=[
                _arrival(cast, 2, company="Brightmoor"),
                _arrival(cast, 3, company="BRIGHTMOOR LOGISTICS", email="someone@gmail.com"),
                _arrival(cast, 4, company="Corvane Systems", email="a@gmail.com"),
                _arrival(cast, 5, company="corvane systems", email=""),
            ]
        )
        names = [lead.account.name if lead.account else "" for lead, _ in taken]
        assert names == ["Brightmoor Logistics"] * 2 + ["Corvane Systems"] * 2
        assert Account.objects.count() == 2

    def test_tells_once_of_all_new_leads(self, cast: Cast) -> None:
        heard: list[list[int]] = []

        def hear(leads: list[Lead], **_: Any) -> None:
            heard.append([lead.pk for lead in leads])

        leads_arrived.connect(hear)
        try:
            taken = take_in_many(arrivals=[_arrival(cast, 1), _arrival(cast, 2), _arrival(cast, 1)])
        finally:
            leads_arrived.disconnect(hear)
        assert heard == [[taken[0][0].pk, taken[1][0].pk]]

    def test_takes_the_same_source_key_in_once(self, cast: Cast) -> None:
        first = _arrival(cast, 1, email="", company="Brightmoor")
        (lead, _), (same, is_new) = take_in_many(arrivals=[first, first])
        assert (same, is_new) == (lead, False)
        again, is_new = take_in_many(arrivals=[first])[0]
        assert (again.pk, is_new) == (lead.pk, False)
        assert Lead.objects.count() == 1
