"""Answers of the management API from a file instead of a broker, and the frames of a broker."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any, Final
from urllib.parse import urlsplit

import requests
from requests.adapters import BaseAdapter

from attune_infra.broker.doctor.questions import BrokerDoctor
from attune_infra.broker.moving import frames
from attune_infra.broker.moving.frames import Arrived, Splitter
from attune_infra.broker.moving.intake import stored
from attune_infra.broker.rabbitmq import RabbitMQ
from attune_infra.messages.deaths import describe_history, history_of
from attune_infra.settings import AMQP_URL, MANAGEMENT_URL, resolve
from support.folders import ROOT

RECORDED: Final = ROOT / "tests/support/fuzz/answers.json"
"""Answers of RabbitMQ 3.10.8 and 4.3.6 by release and path, for a virtual host `x`."""
CALLS: Final[Sequence[Callable[[RabbitMQ], object]]] = (
    lambda broker: broker.read(),
    lambda broker: broker.restrictions(),
    lambda broker: broker.depths(),
    lambda broker: broker.numbers(lambda *_: None),
    lambda broker: broker.members(),
    lambda broker: broker.consumer_tags(["q", "dead"]),
    lambda broker: broker.statistics(["q", "dead"]),
    lambda broker: broker.connections.target(),
    lambda broker: BrokerDoctor(broker, needs_amqp=False).look(()),
)
"""Questions over HTTP that commands ask."""


def place_of(url: str) -> str:
    """Return the path and the query of a request."""
    parts = urlsplit(url)
    return parts._replace(scheme="", netloc="").geturl()


_MOST_CALLS: Final = 2
"""Calls for one input, of those that ask for the path."""


class Recorded(BaseAdapter):
    """Answers requests from a record; notes the paths, and gives another answer for one of them."""

    def __init__(self, answers: Mapping[str, str], path: str = "", instead: bytes = b"") -> None:
        super().__init__()
        self._answers, self._path, self._instead = answers, path, instead
        self.asked = set[str]()

    def send(self, request: requests.PreparedRequest, *_: Any, **__: Any) -> requests.Response:
        path = place_of(str(request.url))
        self.asked.add(path)
        body = self._instead if path == self._path else self._answers.get(path, "").encode()
        answer = requests.Response()
        answer.status_code, answer.reason = (200, "OK") if body or path == self._path else (404, "Not Found")
        answer.raw, answer.request, answer.url = io.BytesIO(body), request, str(request.url)
        answer.headers["content-type"] = "application/json"
        return answer

    def close(self) -> None:
        pass


@cache
def _recorded() -> dict[str, dict[str, str]]:
    found: dict[str, dict[str, str]] = json.loads(RECORDED.read_text(encoding="utf-8"))
    return found


@cache
def _callers() -> dict[tuple[str, str], list[int]]:
    """Return the calls that ask for each path, by release and path."""
    found: dict[tuple[str, str], list[int]] = {}
    for release, answers in _recorded().items():
        for number in range(len(CALLS)):
            for path in _call(number, Recorded(answers)):
                found.setdefault((release, path), []).append(number)
    return found


def _call(number: int, answers: Recorded) -> set[str]:
    flags = {AMQP_URL: "amqp://guest:guest@localhost:1/x", MANAGEMENT_URL: "http://localhost:1"}
    with RabbitMQ(resolve(flags, {})) as broker:
        broker.connections.http.session.mount("http://", answers)
        CALLS[number](broker)
    return answers.asked


def management_seeds() -> Sequence[bytes]:
    """Return an input for each recorded answer: its release and path, a line end, and the answer."""
    return [
        f"{release} {path}\n{answers[path]}".encode()
        for release, answers in _recorded().items()
        for path in answers
        if (release, path) in _callers()
    ]


def read_management(data: bytes) -> None:
    """Ask what reads an answer, with this answer in the place of the recorded one."""
    first, _, body = data.partition(b"\n")
    release, _, path = first.decode(errors="replace").partition(" ")
    for number in _callers().get((release, path), [])[:_MOST_CALLS]:
        _call(number, Recorded(_recorded()[release], path, body))


def read_frames(data: bytes) -> None:
    """Read a broker's stream, in two pieces, as the mover, the tap and `queue peek` read it."""
    splitter, at = Splitter(), len(data) // 2
    for event in (*splitter.feed(data[:at]), *splitter.feed(data[at:])):
        if isinstance(event, Arrived):
            if event.method in {frames.DELIVER, frames.GOT}:
                message = stored(frames.envelope_of(event), event.content)
                [*describe_history(history_of(message))]
            else:
                frames.reply_of(event.arguments)
        elif event.id == frames.DECLARED:
            frames.counts_of(event)
        elif event.id in {frames.CHANNEL_CLOSED, frames.CONNECTION_CLOSED}:
            frames.reply_of(event.arguments)


_HEARTBEAT: Final = frames.frame(8, 0, b"")


def frames_of_a_broker() -> Sequence[bytes]:
    """Return streams with one of each method that is read."""
    names = frames.short_string(b"tag") + b"\0\0\0\0\0\0\0\7" + b"\1"
    target = frames.short_string(b"e") + frames.short_string(b"k")
    headers = b"\x01xS\0\0\0\3abc\x01nl\0\0\0\0\0\0\0\1\x01tF\0\0\0\0\x01aA\0\0\0\2t\1"
    properties = b"\xb0\0" + frames.short_string(b"text/x") + len(headers).to_bytes(4, "big") + headers + b"\2"
    content = frames.content(1, properties, b"body", 4096)
    return [
        frames.method(1, *frames.DELIVER, names + target) + content + frames.method(1, *frames.COMMITTED),
        frames.method(1, *frames.GOT, names[4:] + target + b"\0\0\0\1") + content,
        frames.method(1, *frames.RETURN, b"\1\x38" + frames.short_string(b"NO_ROUTE") + target) + content,
        frames.method(1, *frames.DECLARED, frames.short_string(b"q") + b"\0\0\0\5\0\0\0\1") + _HEARTBEAT,
        frames.method(1, *frames.CHANNEL_CLOSED, b"\1\x94" + frames.short_string(b"NOT_FOUND") + b"\0\x32\0\x0a"),
    ]
