"""A leaver's leads are shared out: what is still worked, in turn, and nothing else."""

from datetime import timedelta

import pytest

from apps.audit.models import AuditEntry
from apps.leads.models import Lead, LeadStage
from apps.leads.services.owners import UnableToShareOut, share_out
from tests.cast import NOW, Cast


def _lead(
    cast: Cast, number: int, stage: LeadStage = LeadStage.WORKING, do_not_contact: bool = False
) -> Lead:
    return Lead.objects.create(
        company=f"Company {number}",
        owner=cast.rep(cast.sdr),
        team=cast.sdr_team,
        stage=stage,
        do_not_contact=do_not_contact,
        created_at=NOW + timedelta(minutes=number),
    )


class TestShareOut:
    def test_gives_the_oldest_first_in_turn(self, cast: Cast) -> None:
        leads = [_lead(cast, number) for number in range(3)]
        mate, other = cast.rep(cast.teammate), cast.rep(cast.outsider)
        shared = share_out(rep=cast.rep(cast.sdr), among=[mate, other], at=NOW, actor=cast.manager)
        assert shared == {leads[0].pk: mate.pk, leads[1].pk: other.pk, leads[2].pk: mate.pk}
        assert dict(Lead.objects.values_list("pk", "owner_id")) == shared
        assert AuditEntry.objects.get(verb="leads.shared_out").actor == cast.manager

    def test_lets_go_of_a_lead_that_is_held(self, cast: Cast) -> None:
        lead = _lead(cast, 1)
        rep = cast.rep(cast.sdr)
        Lead.objects.filter(pk=lead.pk).update(claimed_by=rep, claimed_until=NOW + timedelta(minutes=9))
        share_out(rep=rep, among=[cast.rep(cast.teammate)], at=NOW)
        lead.refresh_from_db()
        assert (lead.claimed_by, lead.claimed_until) == (None, None)

    @pytest.mark.parametrize("stage", [LeadStage.HANDED_OFF, LeadStage.SAL, LeadStage.DISQUALIFIED])
    def test_leaves_what_is_finished_with_its_owner(self, cast: Cast, stage: LeadStage) -> None:
        lead = _lead(cast, 1, stage)
        assert share_out(rep=cast.rep(cast.sdr), among=[cast.rep(cast.teammate)], at=NOW) == {}
        lead.refresh_from_db()
        assert lead.owner == cast.rep(cast.sdr)

    def test_leaves_those_who_opted_out(self, cast: Cast) -> None:
        _lead(cast, 1, do_not_contact=True)
        assert share_out(rep=cast.rep(cast.sdr), among=[cast.rep(cast.teammate)], at=NOW) == {}

    def test_refuses_when_nobody_else_is_there(self, cast: Cast) -> None:
        rep = cast.rep(cast.sdr)
        with pytest.raises(UnableToShareOut, match="Nobody is there"):
            share_out(rep=rep, among=[rep], at=NOW)
