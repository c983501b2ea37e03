"""Random faults at places that a command passes, as a run without faults has shown."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import accumulate
from random import Random
from typing import Final

from support.faults.line import Harm, LineFault, Passage
from support.faulty import Answer

STATUSES: Final = (500, 502, 503, 504, 429, 401, 403, 404, 302, 200)
PAGE: Final[tuple[tuple[str, str], ...]] = (
    ("Content-Type", "text/html"),
    ("Location", "https://elsewhere.example/"),
)
RETRY_AFTER: Final = ("0", "1", "120", "Fri, 31 Dec 2038 23:59:59 GMT", "soon")
SLOW_SECONDS: Final = (0.1, 0.3, 1.2)
"""Some within the time-out of one answer, some beyond it."""
_AMQP_PREAMBLE: Final = 8
_AMQP_AROUND: Final = 8
"""Bytes of a frame around its payload: type, channel and size before it, and its end."""


class Protocol(StrEnum):
    """The lines of a command."""

    HTTP = "HTTP"
    AMQP = "AMQP"
    POSTGRESQL = "PostgreSQL"


Ends = Sequence[int]
"""The bytes of one direction of a connection behind which a frame, or a piece, ends. None is empty."""


@dataclass(frozen=True)
class Profile:
    """The lines of a command without faults: its requests over HTTP, and the ends on each connection."""

    requests: int
    connections: Mapping[Protocol, Sequence[tuple[Ends, Ends]]]

    @classmethod
    def of(cls, passages: Mapping[Protocol, Sequence[Passage]]) -> Profile:
        """Return the profile of the bytes that have passed."""
        requests = sum(b"".join(each.upwards).count(b" HTTP/1.1\r\n") for each in passages[Protocol.HTTP])
        connections = {
            protocol: [
                (_ends(protocol, each.upwards, _AMQP_PREAMBLE), _ends(protocol, each.downwards, 0))
                for each in found
            ]
            for protocol, found in passages.items()
            if found
        }
        return cls(requests, connections)


def _ends(protocol: Protocol, pieces: Sequence[bytes], preamble: int) -> Ends:
    if protocol is Protocol.AMQP:
        return (0, *_frame_ends(b"".join(pieces), preamble))
    return (0, *accumulate(map(len, pieces)))


def _frame_ends(data: bytes, at: int) -> Iterator[int]:
    while at < len(data):
        if at:
            yield at
        at += int.from_bytes(data[at + 3 : at + 7], "big") + _AMQP_AROUND
    yield len(data)


@dataclass
class WebFault:
    """Answers to some requests in a row, in the broker's place."""

    kind: str
    first: int
    times: int
    answer: Answer
    happened: bool = False

    def __str__(self) -> str:
        return f"{self.answer} for {self.times} requests after {self.first}"


@dataclass
class Plan:
    """The faults of one run: of its lines, or answers in the broker's place."""

    lines: dict[Protocol, list[LineFault]] = field(default_factory=dict)
    web: list[WebFault] = field(default_factory=list)
    asked: int = 0
    """Requests over HTTP so far, if `web` has any faults."""

    def choose(self, *_: str) -> Answer | None:
        """Return the answer to the next request; None for the broker's own."""
        number, self.asked = self.asked, self.asked + 1
        for fault in self.web:
            if fault.first <= number < fault.first + fault.times:
                fault.happened = True
                return fault.answer
        return None

    def happened(self) -> Iterator[str]:
        """Yield the kind of each fault that came to pass."""
        for protocol, faults in self.lines.items():
            yield from (f"{protocol}: {fault.harm}" for fault in faults if fault.happened)
        yield from (fault.kind for fault in self.web if fault.happened)

    def __str__(self) -> str:
        lines = [f"{protocol} {fault}" for protocol, faults in self.lines.items() for fault in faults]
        return "; ".join([*lines, *map(str, self.web)])


def make_plan(profile: Profile, random: Random) -> Plan:
    """Return one to three random faults for a command."""
    plan = Plan()
    weights = {Protocol.HTTP: 4, Protocol.AMQP: 4, Protocol.POSTGRESQL: 3}
    protocols = [each for each in Protocol if each in profile.connections]
    over_web = random.random() < 0.5
    for _ in range(random.choice((1, 2, 3, 4))):
        [protocol] = random.choices(protocols, [weights[each] for each in protocols])
        if protocol is Protocol.HTTP and over_web:
            plan.web.append(_answer(profile.requests, random))
        else:
            before = plan.lines.setdefault(protocol, [])
            before.append(_harm(profile.connections[protocol], before, random))
    return plan


def _answer(requests: int, random: Random) -> WebFault:
    first, times = random.randrange(max(requests, 1)), random.choice((1, 2, 3, 8))
    if random.random() < 0.15:
        return WebFault("HTTP: the answer breaks off", first, times, Answer(cut=random.random()))
    status, arrives = random.choice(STATUSES), random.random() < 0.5
    kind, headers = f"HTTP: {status}", PAGE
    if status == 200:
        kind = "HTTP: a web page"
    if status in {429, 503} and random.random() < 0.7:
        kind, headers = f"{kind} with Retry-After", (*PAGE, ("Retry-After", random.choice(RETRY_AFTER)))
    return WebFault(kind, first, times, Answer(status, "<title>Gateway</title>", headers, arrives=arrives))


def _harm(connections: Sequence[tuple[Ends, Ends]], before: Iterable[LineFault], random: Random) -> LineFault:
    """Return harm to a random connection, or to the one that stands in for it after an earlier cut."""
    number, upwards = random.randrange(len(connections)), random.random() < 0.5
    ends = connections[number][0 if upwards else 1]
    harm = random.choice([*Harm])
    instead = sum(each.harm not in {Harm.SLOW, Harm.DRIPPING} for each in before)
    return LineFault(number + instead, upwards, _place(ends, random), harm, random.choice(SLOW_SECONDS))


def _place(ends: Ends, random: Random) -> int:
    """Return a byte: the end of a frame, in its middle, or any."""
    at = random.choice(ends)
    match random.randrange(4):
        case 0:
            return max(at - random.randint(1, 12), 0)
        case 1:
            return random.randint(0, ends[-1])
        case _:
            return at
