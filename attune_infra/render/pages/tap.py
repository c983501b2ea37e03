"""Messages that a tap sees, one a line, and the sum of them at its end."""

from __future__ import annotations

import json
from codecs import getincrementaldecoder
from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from attune_infra.messages.jsonl import BODY, BODY_BASE64, body_keys, readable
from attune_infra.render.data import printable, printable_text
from attune_infra.render.text import Level, Line, number, size
from attune_infra.render.words import visible
from attune_infra.topology.facts.exchanges import show_exchange_name
from attune_infra.topology.words import counted

if TYPE_CHECKING:
    from attune_infra.contract.tapped import TappedData, TappedMessageData
    from attune_infra.messages.tapped import Dropped, Progress, Tapped, TappedMessage


_MAX_BODY: Final = 1000
"""Characters of a body on a line, where no terminal limits them."""
_MIN_BODY: Final = 20
_MAX_BYTES_OF_A_CHARACTER: Final = 4


def lines(tapped: Tapped) -> Iterator[Line]:
    how = f"{counted(tapped.messages, 'message')}, {size(tapped.body_bytes)}, in {tapped.seconds:.1f} s"
    yield Line(f"{how}: {number(tapped.rate)}/s")
    if tapped.shown < tapped.messages:
        yield Line(f"{tapped.messages - tapped.shown} of them not shown")
    yield _dropped_line(tapped.dropped)
    if tapped.waiting:
        yield Line(f"{counted(tapped.waiting, 'message')} more waited when the tap ended")


def data(tapped: Tapped) -> TappedData:
    return {
        "exchange": tapped.exchange,
        "keys": list(tapped.keys),
        "queue": tapped.queue,
        "ended": tapped.ended,
        "lost": tapped.lost,
        "seconds": round(tapped.seconds, 3),
        "messages": tapped.messages,
        "shown": tapped.shown,
        "body_bytes": tapped.body_bytes,
        "dropped": tapped.dropped.count,
        "dropped_is_exact": tapped.dropped.exact,
        "waiting": tapped.waiting,
    }


def progress_line(so_far: Progress) -> str:
    """Return the sentence of a report while the tap goes on."""
    dropped = "" if so_far.dropped.count == 0 else f", {dropped_words(so_far.dropped)}"
    return f"{counted(so_far.messages, 'message')}, {number(so_far.rate)}/s{dropped}"


def dropped_words(dropped: Dropped) -> str:
    if dropped.count is None:
        return "dropped ones not counted"
    at_least = "" if dropped.exact else "at least "
    return f"{at_least}{dropped.count} dropped: too slow"


def _dropped_line(dropped: Dropped) -> Line:
    if dropped.count is None:
        return Line("dropped messages were not counted")
    if not dropped.count:
        return Line("none dropped")
    at_least = "" if dropped.exact else "at least "
    words = f"! {at_least}{counted(dropped.count, 'message')} dropped: the tap was too slow"
    return Line(words, "yellow", Level.PROBLEM)


def message_line(tapped: TappedMessage, exchange: str, width: int | None) -> str:
    """Return a message on one line: time, routing key, size and body, which is cut if it is too long."""
    message = tapped.message
    time = f"{tapped.time.astimezone():%H:%M:%S.%f}"[:-3]
    via = "" if message.exchange == exchange else f" (via {visible(show_exchange_name(message.exchange))})"
    start = f"{time}  {visible(message.routing_key)}{via}  {size(len(message.body))}  "
    room = _MAX_BODY if width is None else max(width - len(start), _MIN_BODY)
    return start + _body_text(message.body, room)


def property_line(tapped: TappedMessage) -> str:
    """Return the properties and headers of a message on one line."""
    found = {name: readable(value) for name, value in tapped.message.properties.items()}
    return visible(f"    {json.dumps(found, ensure_ascii=False)}")


def message_data(tapped: TappedMessage) -> TappedMessageData:
    """Return the keys of a message's JSON."""
    message, body = tapped.message, body_keys(tapped.message.body)
    return {
        "schema": "attune-infra/tap-message/1",
        "time": tapped.time.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "exchange": printable_text(message.exchange),
        "routing_key": printable_text(message.routing_key),
        "redelivered": message.redelivered,
        "properties": {
            name: printable(readable(each)) for name, each in message.properties.items() if name != "headers"
        },
        "headers": {name: printable(readable(each)) for name, each in message.headers.items()},
        "body": body.get(BODY),
        "body_base64": body.get(BODY_BASE64),
    }


def _body_text(body: bytes, room: int) -> str:
    """Return a body as text that fits; one that is not UTF-8 in hexadecimal digits."""
    cut = body[: room * _MAX_BYTES_OF_A_CHARACTER]
    try:
        text = visible(getincrementaldecoder("utf-8")().decode(cut, final=len(cut) == len(body)))
    except UnicodeDecodeError:
        text = f"0x{body[:room].hex()}"
    return text if len(text) <= room else f"{text[: room - 1]}…"
