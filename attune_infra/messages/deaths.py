"""The deaths of a stored message: read from the headers that RabbitMQ writes, and told in words. No I/O.

RabbitMQ counts equal deaths together: an entry of `x-death` is a queue and a reason, with the exchange, the
routing keys and the time of the first such death. Publishers can write these headers too, so entries of another
form are left out. A message published again with its `x-death` keeps its counts on releases before 4.0; later
releases count from 1 again.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Final

from attune_infra.dataclass import dataclass
from attune_infra.messages.encoded import Value
from attune_infra.messages.model import StoredMessage

HISTORY: Final = (
    "x-death",
    *(f"x-{at}-death-{of}" for at in ("first", "last") for of in ("reason", "queue", "exchange")),
)
"""The headers that RabbitMQ writes about deaths; those of the last one since 4.0."""

REPLAYS: Final = "x-attune-replays"
"""Header with the number of times that `dlq replay` has sent a message back."""
_CONSUMER, _WHY, _QUEUE, _EXCHANGE = "x-attune-consumer", "x-attune-reason", "x-attune-queue", "x-attune-exchange"
REJECTION: Final = (_CONSUMER, _WHY, _QUEUE, _EXCHANGE)
"""Headers that `worker run` writes when it rejects a message of a queue without a dead letter exchange."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Death:
    """One kind of death of a message: in this queue, for this reason.

    `exchange` and `routing_keys` are those that it came to the queue by, keys of its CC header included. `time` is
    that of the first of `count` such deaths. `expiration` is the message's own, in milliseconds.
    """

    reason: str
    queue: str
    exchange: str
    routing_keys: tuple[str, ...] = ()
    count: int = 1
    time: datetime | None = None
    expiration: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """The deaths of a message, the first one first; `first` and `last` are None if it never died.

    A message that a worker rejected in a queue without a dead letter exchange has one death, and no `x-death`.
    """

    deaths: tuple[Death, ...] = ()
    first: Death | None = None
    last: Death | None = None
    replays: int = 0
    """Times that `dlq replay` has sent it back. The deaths before its last replay are not known."""
    consumer: str | None = None
    """Consumer tag of the worker that rejected it, and the reason that it gave."""
    why: str | None = None

    @property
    def times(self) -> int:
        """The number of all deaths."""
        return sum(death.count for death in self.deaths)


def history_of(message: StoredMessage) -> History:
    """Return the deaths that the headers of a message tell."""
    headers = message.headers
    deaths = tuple(reversed([*_deaths(headers.get("x-death"))])) or tuple(_rejections(message))
    return History(
        deaths=deaths,
        first=_named(headers, "first", deaths) or (deaths[0] if deaths else None),
        last=_named(headers, "last", deaths) or (deaths[-1] if deaths else None),
        replays=replays_of(headers),
        consumer=_text(headers.get(_CONSUMER)),
        why=_text(headers.get(_WHY)),
    )


def replays_of(headers: Mapping[str, Value]) -> int:
    """Return how often `dlq replay` has sent a message back."""
    found = headers.get(REPLAYS)
    return found if isinstance(found, int) and not isinstance(found, bool) and found > 0 else 0


def describe_death(death: Death) -> str:
    """Return a death in words: `expired in queue orders after its own 60 s, 3 times, first at ...`."""
    return ", ".join(_parts(death))


def describe_history(history: History) -> Iterator[str]:
    """Yield a sentence for each kind of death, the first one first, and for everything else that is known."""
    for death in history.deaths:
        yield describe_death(death)
    if not history.deaths and history.first is not None:
        yield describe_death(history.first)
    if history.why is not None:
        yield f"rejected by {f'consumer {history.consumer}' if history.consumer else 'a worker'}: {history.why}"
    if history.replays:
        times = "once" if history.replays == 1 else f"{history.replays} times"
        yield f"sent back {times} by `dlq replay`; what came before the last time is not known"


def duration(milliseconds: int) -> str:
    """Return a time in the largest unit that needs no fraction, but up to two minutes in seconds: `60 s`."""
    for size, unit in _UNITS:
        if milliseconds >= size and milliseconds % size == 0 and (milliseconds >= 2 * size or unit == "s"):
            return f"{milliseconds // size} {unit}"
    return f"{milliseconds} ms"


_UNITS: Final = ((86_400_000, "d"), (3_600_000, "h"), (60_000, "min"), (1_000, "s"))


def _parts(death: Death) -> Iterator[str]:
    yield _cause(death)
    if death.exchange or death.routing_keys:
        keys = " and ".join(key or "''" for key in death.routing_keys)
        origin = f"exchange {death.exchange}" if death.exchange else "the default exchange"
        yield f"where it came from {origin}{f' with routing key {keys}' if keys else ''}"
    moment = "" if death.time is None else f"{death.time:%Y-%m-%d %H:%M:%S} UTC"
    if death.count > 1:
        yield f"{death.count} times"
        if moment:
            yield f"first at {moment}"
    elif moment:
        yield f"at {moment}"


def _cause(death: Death) -> str:
    match death.reason:
        case "expired" if death.expiration is not None:
            return f"expired in queue {death.queue} after its own {duration(death.expiration)}"
        case "expired":
            return f"expired in queue {death.queue}"
        case "rejected":
            return f"rejected by a consumer of queue {death.queue}"
        case "maxlen":
            return f"dropped from queue {death.queue}, which was full"
        case "delivery_limit":
            return f"returned to queue {death.queue} more often than its delivery limit allows"
        case reason:
            return f"left queue {death.queue} ({reason})"


def _deaths(entries: Value) -> Iterator[Death]:
    """Yield the deaths of `x-death`, the last one first."""
    for entry in entries if isinstance(entries, list) else ():
        if not isinstance(entry, dict):
            continue
        reason, queue = _text(entry.get("reason")), _text(entry.get("queue"))
        if reason is None or queue is None:
            continue
        keys, count, time = entry.get("routing-keys"), entry.get("count"), entry.get("time")
        yield Death(
            reason=reason,
            queue=queue,
            exchange=_text(entry.get("exchange")) or "",
            routing_keys=tuple(_texts(keys)),
            count=count if isinstance(count, int) and count > 0 else 1,
            time=time if isinstance(time, datetime) else None,
            expiration=_milliseconds(entry.get("original-expiration")),
        )


def _rejections(message: StoredMessage) -> Iterator[Death]:
    """Yield the death that a worker has written of."""
    headers = message.headers
    queue, exchange = _text(headers.get(_QUEUE)), _text(headers.get(_EXCHANGE))
    if queue is not None and exchange is not None and _WHY in headers:
        yield Death(reason="rejected", queue=queue, exchange=exchange, routing_keys=(message.routing_key,))


def _named(headers: Mapping[str, Value], which: str, deaths: tuple[Death, ...]) -> Death | None:
    """Return the first or the last death as its own headers name it; None without them."""
    reason, queue, exchange = (
        _text(headers.get(f"x-{which}-death-{of}")) for of in ("reason", "queue", "exchange")
    )
    if reason is None or queue is None:
        return None
    for death in deaths:
        if (death.reason, death.queue) == (reason, queue):
            return death
    return Death(reason=reason, queue=queue, exchange=exchange or "")


def _texts(values: Value) -> Iterator[str]:
    for each in values if isinstance(values, list) else ():
        if (text := _text(each)) is not None:
            yield text


def _text(value: Value) -> str | None:
    """Return a text. Bytes that are not UTF-8 become surrogates, so that the text can be sent as it came."""
    match value:
        case str():
            return value
        case bytes():
            return value.decode(errors="surrogateescape")
        case _:
            return None


def _milliseconds(value: Value) -> int | None:
    return int(value) if isinstance(value, str) and value.isascii() and value.isdecimal() else None
