"""One call over the wire of this machine: what counts as an answer, and what never takes longer than it may."""

import socket
import time

import pytest

from apps.integrations import webhook_call
from tests.integrations.receiver import drips, goes_on, hangs, receiving, status

pytestmark = pytest.mark.once

BODY = b'{"type":"portal.test"}'


@pytest.fixture(autouse=True)
def _this_machine_is_allowed(settings):
    settings.WEBHOOK_HOSTS_ALLOWED = ["127.0.0.1"]


def call(url: str, seconds: float = 5.0) -> webhook_call.Answer:
    return webhook_call.post(url, {"webhook-id": "msg_1"}, BODY, seconds=seconds)


class TestAnswers:
    def test_what_is_taken_is_taken_whatever_the_body_says(self):
        with receiving(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n\x00garbage!") as receiver:
            answer = call(receiver.url)
        assert (answer.is_taken, answer.status, answer.words) == (True, 200, "")
        assert receiver.got[0].body == BODY
        assert receiver.got[0].headers["content-type"] == "application/json"

    def test_an_answer_without_end_is_not_read(self):
        with receiving(goes_on) as receiver:
            assert call(receiver.url).is_taken

    def test_one_that_closes_before_it_has_said_all_has_still_taken_it(self):
        with receiving(b"HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\nhalf") as receiver:
            assert call(receiver.url).is_taken

    @pytest.mark.parametrize(
        "said", [b"", b"BANANA\r\n\r\n", b"HTTP/1.1 2xx\r\n\r\n", b"HTTP/1.1 200 OK\r\n" + b"A: b\r\n" * 500],
        ids=["nothing", "no http", "no number", "headers without end"],
    )  # fmt: skip
    def test_what_is_no_answer_is_none(self, said):
        with receiving(said) as receiver:
            answer = call(receiver.url)
        assert (answer.is_taken, answer.status) == (False, None)
        assert answer.words == "Its answer was not HTTP, or broke off"

    @pytest.mark.parametrize("code", [400, 404, 410, 429, 500, 503])
    def test_an_error_is_an_answer_that_does_not_take_it(self, code):
        with receiving(status(code, Retry_After="120")) as receiver:
            answer = call(receiver.url)
        assert (answer.is_taken, answer.status) == (False, code)
        assert answer.asked is not None
        assert answer.asked.total_seconds() == 120

    @pytest.mark.parametrize("to", ["http://169.254.169.254/latest/", "http://10.0.0.1/", "/elsewhere"])
    def test_a_redirect_is_not_followed(self, to):
        with receiving(status(302, Location=to)) as receiver:
            answer = call(receiver.url)
        assert (answer.is_taken, answer.status) == (False, 302)
        assert "not followed" in answer.words
        assert receiver.connections == 1

    @pytest.mark.parametrize("behaviour", [hangs, drips])
    def test_who_hangs_or_drips_is_left_at_the_deadline(self, behaviour):
        with receiving(behaviour) as receiver:
            began = time.monotonic()
            answer = call(receiver.url, seconds=0.3)
            took = time.monotonic() - began
        assert (answer.status, answer.words) == (None, "It did not answer in time")
        assert 0.3 <= took < 5
        assert answer.milliseconds >= 300

    def test_nobody_at_home_is_a_sentence_without_the_address(self):
        with socket.create_server(("127.0.0.1", 0)) as taken:
            port = taken.getsockname()[1]
        answer = call(f"http://127.0.0.1:{port}/secret-token")
        assert (answer.status, answer.words) == (None, "It could not be reached")


class TestWhereItMayGo:
    def test_this_machine_is_not_called_unless_it_is_allowed(self, settings):
        settings.WEBHOOK_HOSTS_ALLOWED = []
        with receiving() as receiver:
            answer = call(receiver.url)
        assert "private network" in answer.words
        assert answer.status is None
        assert receiver.connections == 0

    def test_a_name_with_one_address_inside_is_not_called(self, monkeypatch):
        found = [(0, 0, 0, "", (address, 443)) for address in ("93.184.216.34", "169.254.169.254")]
        monkeypatch.setattr(webhook_call.socket, "getaddrinfo", lambda *_, **__: found)
        assert "private network" in call("https://rebound.example/").words

    def test_the_connection_goes_to_the_address_that_was_judged(self, monkeypatch):
        # A name that answers differently the second time: nobody asks it a second time.
        asked: list[str] = []
        reached: list[tuple[str, int]] = []

        def lookup(host, *_, **__):
            asked.append(host)
            return [(0, 0, 0, "", ("93.184.216.34" if len(asked) == 1 else "127.0.0.1", 443))]

        def connect(address, **_):
            reached.append(address)
            raise ConnectionRefusedError

        monkeypatch.setattr(webhook_call.socket, "getaddrinfo", lookup)
        monkeypatch.setattr(webhook_call.socket, "create_connection", connect)
        assert call("https://rebound.example/").words == "It could not be reached"
        assert (asked, reached) == (["rebound.example"], [("93.184.216.34", 443)])
