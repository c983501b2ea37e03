"""Endpoints for probes, on a real socket."""

from __future__ import annotations

import select
import socket
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest
import requests

from attune_infra.errors import BrokerUnreachable, InvalidInput
from attune_infra.worker.endpoints import Endpoints, serve
from support.eventually import eventually


class Readiness:
    """The answer of a check, and how often it was asked."""

    def __init__(self) -> None:
        self.reason: str | None = None
        self.asked = 0

    def __call__(self) -> str | None:
        self.asked += 1
        if self.reason == "raise":
            raise BrokerUnreachable("the broker is away", hint="wait")
        return self.reason


@pytest.fixture
def readiness() -> Readiness:
    return Readiness()


@pytest.fixture
def get(readiness: Readiness) -> Iterator[Callable[[str], tuple[int, str]]]:
    base = f"http://127.0.0.1:{serve('127.0.0.1', 0, Endpoints(readiness))}"
    with requests.Session() as session:

        def ask(path: str) -> tuple[int, str]:
            answer = session.get(base + path, timeout=10)
            return answer.status_code, answer.text

        yield ask


def test_health_and_readiness_are_two_questions(
    get: Callable[[str], tuple[int, str]], readiness: Readiness
) -> None:
    readiness.reason = "not yet"

    assert get("/healthz") == (200, "ok\n")
    assert readiness.asked == 0
    assert get("/readyz") == (503, "not yet\n")


def test_an_error_is_a_reason(get: Callable[[str], tuple[int, str]], readiness: Readiness) -> None:
    readiness.reason = "raise"

    assert get("/readyz") == (503, "the broker is away\n")


def test_many_probes_ask_once_a_second(get: Callable[[str], tuple[int, str]], readiness: Readiness) -> None:
    for _ in range(5):
        assert get("/readyz") == (200, "ok\n")
    assert readiness.asked <= 2

    readiness.reason = "gone"

    eventually(lambda: get("/readyz"), (503, "gone\n").__eq__)


def test_other_paths_and_methods(get: Callable[[str], tuple[int, str]], readiness: Readiness) -> None:
    assert get("/other") == (404, "there is nothing here; the paths are /healthz, /readyz\n")
    port = serve("127.0.0.1", 0, Endpoints(readiness))
    assert requests.post(f"http://127.0.0.1:{port}/healthz", timeout=10).status_code == 405


def test_clients_that_say_nothing_take_no_more_than_their_share(readiness: Readiness) -> None:
    port = serve("127.0.0.1", 0, Endpoints(readiness))
    with ExitStack() as stack:
        silent = [stack.enter_context(socket.create_connection(("127.0.0.1", port))) for _ in range(40)]
        closed = eventually(lambda: select.select(silent, [], [], 0)[0], lambda found: len(found) >= 24, within=8)
        assert len(closed) == 24  # sixteen are served at a time

    assert eventually(lambda: answers(port), bool)


def answers(port: int) -> bool:
    try:
        return requests.get(f"http://127.0.0.1:{port}/healthz", timeout=10).text == "ok\n"
    except requests.ConnectionError:
        return False


@pytest.mark.parametrize("host", ["127.0.0.1", "::1", "localhost"])
def test_an_address_of_either_family(host: str, readiness: Readiness) -> None:
    try:
        port = serve(host, 0, Endpoints(readiness))
    except InvalidInput as error:
        assert host == "::1"
        pytest.skip(error.sentence)
    name = f"[{host}]" if ":" in host else host

    assert requests.get(f"http://{name}:{port}/healthz", timeout=10).text == "ok\n"


def test_an_address_of_another_machine_is_refused(readiness: Readiness) -> None:
    with pytest.raises(InvalidInput, match=r"^cannot listen on 192\.0\.2\.1:1: "):
        serve("192.0.2.1", 1, Endpoints(readiness))
