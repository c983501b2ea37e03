"""Answers of the management API with one part turned into nonsense, by a proxy in front of a real broker."""

from __future__ import annotations

import copy
import http.client
import json
import re
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from random import Random
from typing import Any, Final, TypeAlias
from urllib.parse import urlsplit

Place: TypeAlias = "tuple[str | int, ...]"

VALUES: Final[Sequence[object]] = (
    *(None, True, 17, -3.5, 10**30, "nonsense", "x.y"),
    *([], {}, [17], ["x"], [None], [{}], {"nonsense": 17}),
)
TEXTS: Final = {
    "digits": "9" * 100_000,
    "deep": "[" * 300 + "]" * 300,
    "deeper": "[" * 100_000 + "]" * 100_000,
    "not a number": "NaN",
    "infinite": "1e999",
    "half a character": '"\\ud800"',
}
"""JSON, or nearly so, that can stand for any value."""
_KINDS: Final = (*["value"] * 8, *["drop"] * 3, *TEXTS, "cut")
_MARK: Final = "the node to replace"


@dataclass(frozen=True)
class Mutation:
    """A changed JSON text: the kind of the change, and the place of the node that it concerns."""

    kind: str
    place: Place
    body: bytes
    value: object = None

    def __str__(self) -> str:
        return f"{self.kind} {self.value!r} at {self.place}"


def mutate(body: bytes, random: Random) -> Mutation:
    """Return a JSON text with one random node turned into something of another type, or left out."""
    value, kind = json.loads(body), random.choice(_KINDS)
    found = list(places(value))
    keys = [place for place in found if place and isinstance(place[-1], str)]
    if kind == "cut":
        return Mutation(kind, (), body[: random.randrange(len(body))])
    if kind == "drop" and keys:
        place = random.choice(keys)
        return Mutation(kind, place, json.dumps(_changed(value, place, _drop)).encode())
    place = random.choice(found)
    new = random.choice([each for each in VALUES if type(each) is not type(_at(value, place))])
    text = TEXTS.get(kind, json.dumps(new))
    marked = json.dumps(_changed(value, place, lambda _: _MARK))
    return Mutation(kind, place, marked.replace(json.dumps(_MARK), text).encode(), None if kind in TEXTS else new)


def places(value: Any, at: Place = ()) -> Iterator[Place]:
    """Yield the place of each node of a JSON value, the root first."""
    yield at
    if isinstance(value, dict | list):
        for step, item in value.items() if isinstance(value, dict) else enumerate(value):
            yield from places(item, (*at, step))


class _Dropped:
    pass


def _drop(_: object) -> object:
    return _Dropped


def _changed(value: Any, place: Place, change: Callable[[Any], object]) -> Any:
    if not place:
        return change(value)
    changed = copy.copy(value)
    inner = _changed(value[place[0]], place[1:], change)
    if inner is _Dropped:
        del changed[place[0]]
    else:
        changed[place[0]] = inner
    return changed


def _at(value: Any, place: Place) -> Any:
    for step in place:
        value = value[step]
    return value


@dataclass
class Rewriter:
    """A change of the answers to GET at one path; `seen` are the paths asked for with an answer that is JSON.

    The names of private queues are cut off, because RabbitMQ makes new ones each time.
    """

    path: str = ""
    change: Callable[[bytes], bytes] = bytes
    seen: set[str] = field(default_factory=set)

    def rewrite(self, target: str, body: bytes) -> bytes:
        path = re.sub(r"/amq\.gen-.*", "/amq.gen", urlsplit(target).path)
        self.seen.add(path)
        return self.change(body) if path == self.path else body


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def __init__(self, address: str, rewriter: Rewriter) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.address, self.rewriter = address, rewriter

    def handle_error(self, *_: object) -> None:
        """Say nothing: the command went away."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def forward(self) -> None:
        sent = self.rfile.read(int(self.headers.get("content-length") or 0))
        headers = {name: self.headers[name] for name in ("authorization", "content-type") if name in self.headers}
        connection = http.client.HTTPConnection(self.server.address, timeout=60)
        connection.request(self.command, self.path, sent or None, headers)
        answer = connection.getresponse()
        body = answer.read()
        connection.close()
        if self.command == "GET" and "json" in (answer.headers["content-type"] or ""):
            body = self.server.rewriter.rewrite(self.path, body)
        self.send_response_only(answer.status, answer.reason)
        for name in ("content-type", "date"):
            if name in answer.headers:
                self.send_header(name, answer.headers[name])
        if answer.status != http.client.NO_CONTENT:
            self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_GET = do_PUT = do_POST = do_DELETE = forward  # noqa: N815 - http.server finds them by these names


@contextmanager
def rewriting(management_url: str, rewriter: Rewriter) -> Iterator[str]:
    """Yield the URL of a proxy in front of a management API that passes each answer through a rewriter."""
    with _Server(urlsplit(management_url).netloc, rewriter) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()
            thread.join()
