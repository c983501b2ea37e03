"""Answers of a proxy in RabbitMQ's place: requests that are sent again, and those that are not."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from attune_infra import deadline
from attune_infra.broker.answers import FAILED_CHECK
from attune_infra.broker.failures import retrying
from attune_infra.broker.http.management import Management
from attune_infra.errors import BrokerError, BrokerUnreachable, LoginRefused, RequestRefused
from attune_infra.settings import MANAGEMENT_URL
from support.faulty import Answer, Choose, Requests, answering_instead
from support.virtual_host import VirtualHost

pytestmark = pytest.mark.any_broker

QUEUE = {"durable": True, "auto_delete": False, "arguments": {}}
PAGE = (("Content-Type", "text/html"),)


@pytest.fixture(autouse=True)
def short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retrying, "_FIRST_PAUSE", 0.01)


def first(number: int, answer: Answer) -> Choose:
    """Choose an answer for the first requests."""
    answers = iter([answer] * number)
    return lambda *_: next(answers, None)


def ask(
    vhost: VirtualHost, choose: Choose, call: Callable[[Management], object], timeout: float = 10.0
) -> tuple[BrokerError | None, Requests, float]:
    """Return the failure of a call through a proxy, the requests of the call, and the seconds that it took."""
    failure = None
    with answering_instead(vhost.management_url, choose) as (url, requests):
        management = Management(vhost.settings(flags={MANAGEMENT_URL: url}, timeout=timeout))
        began = time.monotonic()
        try:
            call(management)
        except BrokerError as error:
            failure = error
        took = time.monotonic() - began
        management.close()
    return failure, requests, took


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
@pytest.mark.parametrize("arrives", [True, False])
def test_what_a_proxy_refuses_up_to_three_times_is_done(
    vhost: VirtualHost, management: Management, status: int, arrives: bool
) -> None:
    away = first(3, Answer(status, "<title>later</title>", PAGE, arrives=arrives))
    for call in (
        lambda http: http.put("queues", vhost.name, "q", body=QUEUE),
        lambda http: http.get("queues", vhost.name, "q"),
    ):
        failure, requests, _ = ask(vhost, away, call)
        assert failure is None
    assert management.get("queues", vhost.name, "q", columns="name") == {"name": "q"}
    assert len(requests) == 1

    failure, requests, _ = ask(
        vhost, first(3, Answer(status)), lambda http: http.delete("queues", vhost.name, "q")
    )

    assert failure is None
    assert [each[2] for each in requests.seen] == [status] * 3 + [204]


def test_a_failure_says_how_often_it_was_tried_and_how_long(vhost: VirtualHost) -> None:
    away = first(9, Answer(502, "<title>502 Bad Gateway</title>", PAGE))

    failure, requests, _ = ask(vhost, away, lambda http: http.get("queues", vhost.name))

    assert isinstance(failure, BrokerUnreachable)
    assert len(requests) == 4
    assert "answered 502 with a web page titled '502 Bad Gateway'" in failure.sentence
    assert "; asked 4 times in 0." in failure.sentence
    assert failure.hint is not None
    assert "--wait 60" in failure.hint


def test_what_may_not_be_sent_twice_is_sent_once(vhost: VirtualHost) -> None:
    failure, requests, _ = ask(
        vhost, first(9, Answer(500)), lambda http: http.post("bindings", vhost.name, "e", "a", "q", "b", body={})
    )

    assert isinstance(failure, RequestRefused)
    assert (len(requests), "asked" in failure.sentence) == (1, False)


@pytest.mark.parametrize("days", [None, 0, 400, -400], ids=["number", "date", "clock ahead", "clock behind"])
def test_the_time_that_an_answer_asks_for_is_waited(vhost: VirtualHost, days: int | None) -> None:
    """A date is by the clock of the proxy, which may be off."""
    now = datetime.now(UTC) + timedelta(days=days or 0)
    wait = "1" if days is None else format_datetime(now + timedelta(seconds=2), usegmt=True)
    told = (("Date", format_datetime(now, usegmt=True)),) if days else ()
    away = first(1, Answer(429, headers=(("Retry-After", wait), *told)))

    failure, requests, took = ask(vhost, away, lambda http: http.get("whoami"))

    assert (failure, len(requests)) == (None, 2)
    assert 0.8 < took < 3


@pytest.mark.parametrize("wait", ["30", "nonsense", "-5", "Fri, 31 Dec 9999 23:59:59 GMT"])
def test_more_time_than_is_left_is_not_waited(vhost: VirtualHost, wait: str) -> None:
    away = first(9, Answer(503, headers=(("Retry-After", wait),)))

    failure, requests, took = ask(vhost, away, lambda http: http.get("whoami"), timeout=2)

    assert isinstance(failure, BrokerUnreachable)
    assert took < 2
    is_long = wait in {"30", "Fri, 31 Dec 9999 23:59:59 GMT"}
    assert len(requests) == (1 if is_long else 4)
    assert ("longer than the time left" in failure.sentence) is is_long


def test_no_pause_goes_beyond_the_deadline(vhost: VirtualHost) -> None:
    away = first(9, Answer(503, headers=(("Retry-After", "3"),)))

    with deadline.within(2):
        failure, requests, took = ask(vhost, away, lambda http: http.get("whoami"))

    assert isinstance(failure, BrokerUnreachable)
    assert (len(requests), took < 1) == (1, True)


def test_a_health_check_that_fails_is_an_answer(vhost: VirtualHost) -> None:
    def choose(*_: str) -> Answer:
        return Answer(503, '{"status": "failed"}', (("Content-Type", "application/json"),))

    failure, requests, _ = ask(vhost, choose, lambda http: http.failed_check("alarms", shape=FAILED_CHECK))

    assert (failure, len(requests)) == (None, 1)


def test_a_login_that_is_refused_in_the_middle_is_told_as_such(vhost: VirtualHost) -> None:
    answers = iter(
        [None, None, Answer(401, '{"reason": "Login failed"}', (("Content-Type", "application/json"),))]
    )

    def call(http: Management) -> None:
        for _ in range(3):
            http.get("whoami")

    failure, requests, _ = ask(vhost, lambda *_: next(answers, None), call)

    assert isinstance(failure, LoginRefused)
    assert (len(requests), "after it had answered 2 requests" in failure.sentence) == (3, True)


def test_an_answer_that_breaks_off_is_asked_for_again(vhost: VirtualHost) -> None:
    failure, requests, _ = ask(vhost, first(1, Answer(cut=0.5)), lambda http: http.get("overview"))
    assert (failure, len(requests)) == (None, 2)

    failure, requests, _ = ask(vhost, first(9, Answer(cut=0.5)), lambda http: http.get("overview"))
    assert isinstance(failure, BrokerUnreachable)
    assert failure.sentence.endswith(": its answer broke off, twice")
    assert len(requests) == 2
