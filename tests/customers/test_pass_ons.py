"""A won account passes to an AM or CSM: written, offered by a rule or by name, accepted once, or sent back."""

from datetime import timedelta
from threading import Barrier, Thread

import pytest
from django.db import connection
from django.urls import reverse

from apps.accounts.models import Notification
from apps.core.errors import InvalidInput
from apps.customers.models import Contract, Handling, PassOn
from apps.customers.services import handling, pass_ons
from apps.customers.services.pass_ons import Item
from apps.leads.models import Account, EventKind, FunnelEvent, OpportunityStage
from apps.leads.services import opportunities
from apps.reps.models import Rep, RepRole
from tests.cast import NOW, Cast
from tests.customers.scenes import WON_ON, YEAR, begun, kept, offered

AFTER = NOW + timedelta(days=12)


@pytest.fixture(autouse=True)
def _now(time_machine):
    time_machine.move_to(AFTER, tick=False)


def second_am(cast: Cast) -> Rep:
    return Rep.objects.create(name="Zoe", team=cast.ae_team, role=RepRole.CSM, hired_on=NOW.date())


class TestBegin:
    def test_a_win_asks_its_ae(self, cast):
        found = begun(cast)
        assert (found.state, found.giver) == (PassOn.State.TO_WRITE, cast.rep(cast.ae))
        told = Notification.objects.get(user=cast.ae, kind="customer_passed_on")
        assert told.url == reverse("customers:pass_on", args=[found.pk])

    def test_one_of_nobody_begins_nothing(self, cast):
        deal = opportunities.open_opportunity(
            owner=cast.rep(cast.ae), name="No company", amount_minor=5, at=NOW
        )
        for stage in (OpportunityStage.STAGE_2, OpportunityStage.WON):
            deal = opportunities.move_opportunity(opportunity=deal, stage=stage, at=NOW, actor=cast.ae)
        assert not PassOn.objects.exists()


class TestChoose:
    def test_takes_who_has_the_fewest_accounts(self, cast):
        found = begun(cast)
        zoe = second_am(cast)
        Account.objects.create(name="Other", owner=cast.rep(cast.am))
        chosen = pass_ons.choose_receiver(pass_on=found, on=WON_ON)
        assert chosen is not None
        assert (chosen.rep, chosen.because) == (zoe, "Zoe has the fewest accounts of Mid-market AEs: 0.")

    def test_takes_who_looks_after_it_already(self, cast):
        found = begun(cast)
        second_am(cast)
        Account.objects.filter(pk=found.account_id).update(owner=cast.rep(cast.am))
        found.account.refresh_from_db()
        chosen = pass_ons.choose_receiver(pass_on=found, on=WON_ON)
        assert chosen is not None
        assert chosen.rep == cast.rep(cast.am)
        handling.set_handling(
            receiver_rule=Handling.Rule.FEWEST, renewal_days=90, margin_percent=100, at=NOW, actor=cast.revops
        )
        by_count = pass_ons.choose_receiver(pass_on=found, on=WON_ON)
        assert by_count is not None
        assert by_count.rep.name == "Zoe"

    def test_passes_over_who_has_left(self, cast):
        found = begun(cast)
        Rep.objects.filter(user=cast.am).update(left_on=NOW.date())
        assert pass_ons.choose_receiver(pass_on=found, on=WON_ON) is None
        with pytest.raises(pass_ons.UnableToPassOn):
            pass_ons.offer_pass_on(
                pass_on=found, promises=[Item("x")], terms=YEAR, at=AFTER, today=WON_ON, actor=cast.ae
            )


class TestOffer:
    def test_puts_the_win_under_contract(self, cast):
        found = offered(cast)
        contract = Contract.objects.get()
        assert (contract.opportunity, contract.amount_minor, contract.days) == (
            found.opportunity, 60_000_00, 365,
        )  # fmt: skip
        assert [one.words for one in found.promises.all()] == ["Training for two teams", "A named contact"]

    @pytest.mark.parametrize("promises", [[], [Item(" ")], [Item("x" * 201)], [Item("x")] * 13])
    def test_wants_what_was_promised(self, cast, promises):
        with pytest.raises(InvalidInput) as refused:
            pass_ons.offer_pass_on(
                pass_on=begun(cast), promises=promises, terms=YEAR, at=AFTER, today=WON_ON, actor=cast.ae
            )
        assert refused.value.field == "promises"
        assert not Contract.objects.exists()

    def test_is_written_once(self, cast):
        found = offered(cast)
        with pytest.raises(pass_ons.UnableToPassOn):
            pass_ons.offer_pass_on(
                pass_on=found, promises=[Item("x")], terms=YEAR, at=AFTER, today=WON_ON, actor=cast.ae
            )


class TestAccept:
    def test_makes_the_account_theirs_and_says_so_in_the_record(self, cast):
        account = kept(cast)
        assert account.owner == cast.rep(cast.am)
        event = FunnelEvent.objects.get(kind=EventKind.PASSED_ON)
        assert (event.account, [one.rep for one in event.credits.all()]) == (account, [cast.rep(cast.am)])

    def test_a_second_click_is_refused(self, cast):
        found = offered(cast)
        pass_ons.accept_pass_on(pass_on=found, at=AFTER, actor=cast.am)
        with pytest.raises(pass_ons.UnableToPassOn):
            pass_ons.accept_pass_on(pass_on=found, at=AFTER, actor=cast.am)
        assert FunnelEvent.objects.filter(kind=EventKind.PASSED_ON).count() == 1

    def test_may_be_sent_back_and_offered_again(self, cast):
        found = pass_ons.send_back(pass_on=offered(cast), question="Who pays?", at=AFTER, actor=cast.am)
        assert (found.state, found.question) == (PassOn.State.TO_WRITE, "Who pays?")
        again = pass_ons.offer_pass_on(
            pass_on=found, promises=[Item("Only this")], terms=YEAR, at=AFTER, today=WON_ON, actor=cast.ae
        )
        assert (again.state, again.question, again.promises.count()) == (PassOn.State.OFFERED, "", 1)
        assert Contract.objects.count() == 1


class TestPages:
    def test_the_ae_writes_and_the_am_accepts(self, cast, client):
        found = begun(cast)
        page = reverse("customers:pass_on", args=[found.pk])
        client.force_login(cast.ae)
        assert "By rule: Am has the fewest accounts" in client.get(page).content.decode()
        typed = {
            "promises": "Training (by 2026-12-15)\n\nA named contact", "starts_on": "2026-12-01",
            "ends_on": "2027-11-30", "amount": "60,000", "contacts": "Hanna", "note": "", "receiver": "",
        }  # fmt: skip
        wrong = client.post(
            reverse("customers:pass_on_write", args=[found.pk]), typed | {"ends_on": "2026-01-01"}
        )
        assert wrong.status_code == 422
        assert b"A named contact" in wrong.content
        assert client.post(reverse("customers:pass_on_write", args=[found.pk]), typed).status_code == 302
        assert [str(one.due_on) for one in found.promises.all()] == ["2026-12-15", "None"]
        client.force_login(cast.am)
        assert b"Take it over" in client.get(page).content
        asks = client.post(reverse("customers:pass_on_back", args=[found.pk]), {"question": ""})
        assert asks.status_code == 422
        done = client.post(reverse("customers:pass_on_accept", args=[found.pk]))
        assert done["Location"] == reverse("customers:customer", args=[found.account_id])
        assert client.post(reverse("customers:pass_on_accept", args=[found.pk])).status_code == 409

    def test_only_its_receiver_accepts(self, cast, client):
        found = offered(cast)
        for part, status in (("ae", 403), ("manager", 403), ("second_ae", 403), ("outside_manager", 403)):
            client.force_login(getattr(cast, part))
            assert client.post(reverse("customers:pass_on_accept", args=[found.pk])).status_code == status


@pytest.mark.django_db(transaction=True)
class TestRace:
    def test_accepted_by_two_clicks_at_once_it_is_passed_on_once(self, cast):
        found = offered(cast)
        barrier, came = Barrier(3), []

        def act() -> None:
            try:
                barrier.wait(timeout=60)
                pass_ons.accept_pass_on(pass_on=PassOn.objects.get(pk=found.pk), at=AFTER, actor=cast.am)
                came.append("accepted")
            except pass_ons.UnableToPassOn:
                came.append("refused")
            finally:
                connection.close()

        threads = [Thread(target=act) for _ in range(3)]
        for one in threads:
            one.start()
        for one in threads:
            one.join(timeout=60)
        assert sorted(came) == ["accepted", "refused", "refused"]
        assert FunnelEvent.objects.filter(kind=EventKind.PASSED_ON).count() == 1
