"""What may be told, when it is told again, whom one may call: plain values."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.core.addresses import is_public
from apps.integrations.rules import webhooks as rules
from apps.leads.models import EventKind

NOW = datetime(2026, 11, 12, 9, 0, tzinfo=UTC)

pytestmark = pytest.mark.once


class TestTopics:
    def test_every_kind_of_the_record_has_a_name_of_its_own(self):
        assert {topic.kind for topic in rules.TOPICS.values()} == set(EventKind.values) - {"reversed"}
        assert len(rules.TOPICS) == len(rules.BY_KIND)

    def test_a_reversal_is_called_after_nothing_but_goes_where_the_fact_went(self):
        assert rules.topic_of("reversed", "won") == rules.REVERSED
        assert rules.topic_of("reversed") == ""

    def test_only_marks_and_instants_of_an_events_own_words_go_out(self):
        said = {"score": "A", "reason": "Ms Vogel is ill", "channel": "call", "note": "secret"}
        assert rules.tellable(said) == {"score": "A", "channel": "call"}

    def test_a_fact_is_about_its_lead_before_all_else(self):
        assert rules.subject_of(lead=3, opportunity=4, account=5) == "lead:3"
        assert rules.subject_of(lead=None, opportunity=4, account=5) == "account:5"
        assert rules.subject_of(lead=None, opportunity=4, account=None) == "opportunity:4"


class TestTryingAgain:
    @given(st.integers(min_value=1, max_value=10), st.text(min_size=1, max_size=40))
    def test_each_wait_is_the_tables_and_up_to_a_fifth_longer(self, attempts, name):
        due = rules.next_try(attempts=attempts, failed_at=NOW, name=name)
        assert due is not None
        wait = rules.WAITS[attempts - 1]
        assert wait <= due - NOW <= wait * 1.2
        assert due == rules.next_try(attempts=attempts, failed_at=NOW, name=name)

    def test_after_the_last_it_is_given_up_some_two_days_later(self):
        assert rules.next_try(attempts=rules.MOST_ATTEMPTS, failed_at=NOW, name="m") is None
        assert timedelta(days=1) < sum(rules.WAITS, timedelta()) < timedelta(days=3)

    def test_a_receiver_may_ask_for_an_hour_and_no_more(self):
        asked = rules.next_try(attempts=1, failed_at=NOW, name="m", asked=timedelta(days=9))
        assert asked == NOW + timedelta(hours=1)

    @pytest.mark.parametrize(
        "words", ["", "soon", "-5", "٣", "1.5", "99999999", "Wed, 21 Oct 2026 07:28:00 GMT"]
    )
    def test_what_is_no_number_of_seconds_is_as_good_as_nothing(self, words):
        assert rules.retry_after(words) is None

    def test_an_endpoint_rests_from_the_third_silence_on_longer_each_time(self):
        rests = [rules.rest_after(hung) for hung in range(10)]
        assert rests[:3] == [None, None, None]
        assert rests[3:7] == sorted(rests[3:7])
        assert rests[7] == rests[9] == timedelta(minutes=15)


class TestAddresses:
    @pytest.mark.parametrize(
        "url",
        [
            "",
            "portal.nowhere",
            "ftp://crm.example/",
            "https:///nowhere",
            "https://crm.example:0/",
            "https://crm.example:99999/",
            "https://user:word@crm.example/",
            "https://crm.example/#part",
            "https://crm.example/a b",
            "https://crm.example/\r\nX: y",
            "https://kürm.example/",
            "http://crm.example/",
            "https://crm.example/" + "a" * 500,
        ],
    )
    def test_what_cannot_be_called_is_refused_without_repeating_it(self, url):
        with pytest.raises(rules.NotAnAddress) as refused:
            rules.checked_url(url)
        assert not url or url not in str(refused.value)

    def test_an_allowed_host_may_be_called_in_the_open(self):
        url = "http://Hooks.internal:8080/a?b=c"
        assert rules.checked_url(url, allowed_hosts=frozenset({"hooks.internal"})) == url

    @pytest.mark.parametrize(
        "address",
        [
            "127.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.0.1", "169.254.169.254", "100.64.0.1", "0.0.0.0",
            "224.0.0.1", "255.255.255.255", "::1", "::", "fd00::1", "fe80::1%eth0", "::ffff:10.0.0.1", "ff02::1",
            "2002:a00:1::", "64:ff9b::a9fe:a9fe", "64:ff9b:1::1", "not an address", "",
        ],
    )  # fmt: skip
    def test_all_that_is_within_a_house_is_not_public(self, address):
        assert not is_public(address)

    @pytest.mark.parametrize("address", ["93.184.216.34", "2606:2800:220:1::1", "64:ff9b::5db8:d822"])
    def test_the_open_internet_is(self, address):
        assert is_public(address)
