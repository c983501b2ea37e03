"""Messages that were read, and are still in their queue."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from attune_infra.dataclass import dataclass
from attune_infra.errors import ExitCode
from attune_infra.messages.deaths import HISTORY, describe_history
from attune_infra.messages.jsonl import BODY, BODY_BASE64, body_keys, readable
from attune_infra.messages.peeking import COUNTING_HEADERS, Peeked, PeekedMessage
from attune_infra.render.data import printable, printable_text
from attune_infra.render.text import Level, Line, size
from attune_infra.render.words import visible
from attune_infra.topology.words import counted

if TYPE_CHECKING:
    from attune_infra.contract.queue import PeekedData, StoredMessageData

_INDENT: Final = "    "
_MIN_WIDTH: Final = 40


@dataclass(frozen=True, slots=True)
class View:
    """A look into a queue, and the width to show it in."""

    peeked: Peeked
    width: int

    @property
    def exit_code(self) -> ExitCode:
        return self.peeked.exit_code


def lines(view: View) -> Iterator[Line]:
    peeked = view.peeked
    for message in peeked.messages:
        yield from message_lines(message, max(view.width, _MIN_WIDTH))
    yield Line(_summary(peeked))
    if peeked.queue.note and peeked.read:
        yield Line(peeked.queue.note)


def message_lines(message: PeekedMessage, width: int) -> Iterator[Line]:
    """Yield a block about one message: its way, properties, headers, deaths, and the beginning of its body."""
    yield Line(_title(message), "bold")
    properties = {name: value for name, value in message.message.properties.items() if name != "headers"}
    if properties:
        yield Line(_INDENT + ", ".join(f"{name}: {_text(readable(value))}" for name, value in properties.items()))
    for name, value in message.message.headers.items():
        if name in COUNTING_HEADERS:
            continue
        level = Level.DETAIL if name in HISTORY else Level.NORMAL
        yield Line(f"{_INDENT}header {name}: {_text(readable(value))}", level=level)
    for sentence in describe_history(message.history):
        yield Line(f"{_INDENT}{sentence}", "yellow")
    body = f"{_INDENT}body: {_body(message)}"
    yield Line(_cut(body, width))
    if len(visible(body)) > width:
        yield Line(body, level=Level.DETAIL)


def data(view: View) -> PeekedData:
    peeked = view.peeked
    return {
        "queue": peeked.queue.name,
        "type": peeked.queue.type,
        "read": peeked.read,
        "selected": peeked.selected,
        "messages": [message_data(message) for message in peeked.messages],
        "saved": None if peeked.saved is None else str(peeked.saved),
        "note": peeked.queue.note,
    }


def message_data(message: PeekedMessage) -> StoredMessageData:
    stored = message.message
    body = body_keys(stored.body)
    return {
        "position": message.position,
        "offset": message.offset,
        "exchange": printable_text(stored.exchange),
        "routing_key": printable_text(stored.routing_key),
        "redelivered": stored.redelivered,
        "attempts": message.attempts,
        "size": message.size,
        "properties": {
            name: printable(readable(each)) for name, each in stored.properties.items() if name != "headers"
        },
        "headers": {name: printable(readable(each)) for name, each in stored.headers.items()},
        "deaths": [printable_text(sentence) for sentence in describe_history(message.history)],
        "body": body.get(BODY),
        "body_base64": body.get(BODY_BASE64),
        "is_cut": message.is_cut,
    }


def _summary(peeked: Peeked) -> str:
    selected, queue = counted(peeked.selected, "message"), peeked.queue.name
    of_all = "" if peeked.selected == peeked.read else f" of {peeked.read} that were read"
    if peeked.saved is not None:
        return f"{selected}{of_all} of queue {queue} saved in {peeked.saved}; all are still in the queue"
    if not peeked.read:
        return f"queue {queue} has no message that is ready"
    return f"{selected}{of_all}; all are still in queue {queue}"


def _title(message: PeekedMessage) -> str:
    stored = message.message
    key = stored.routing_key or "''"
    parts = [_from(stored.exchange), f"routing key {key}", size(message.size)]
    if message.offset is not None:
        parts.append(f"offset {message.offset}")
    if stored.redelivered:
        parts.append("redelivered")
    if message.attempts:
        parts.append(f"{message.attempts} failed {'delivery' if message.attempts == 1 else 'deliveries'}")
    return f"{message.position}  {', '.join(parts)}"


def _from(exchange: str) -> str:
    return f"exchange {exchange}" if exchange else "default exchange"


def _body(message: PeekedMessage) -> str:
    """Return the body as text, or one that is no text in hexadecimal digits."""
    body = message.message.body
    try:
        return body.decode() or "empty"
    except UnicodeDecodeError:
        return f"binary {body.hex(' ')}"


def _cut(text: str, width: int) -> str:
    """Return as much of a text as fits, in the form in which it is safe to print."""
    text = visible(text[: width + 1])
    return text if len(text) <= width else f"{text[: width - 1]}…"


def _text(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
