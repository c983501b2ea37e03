"""Messages of a dead letter queue, each with all of its deaths."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from attune_infra.messages.deaths import Death
from attune_infra.messages.peeking import PeekedMessage
from attune_infra.render.data import printable_text
from attune_infra.render.pages import peek
from attune_infra.render.pages.dlq_list import moment_data
from attune_infra.render.pages.peek import View
from attune_infra.render.text import Line

if TYPE_CHECKING:
    from attune_infra.contract.dead_letters import DeadLetterData, DeadLettersData, DeathData


def lines(view: View) -> Iterator[Line]:
    yield from peek.lines(view)
    dead = sum(message.history.first is not None for message in view.peeked.messages)
    if alive := len(view.peeked.messages) - dead:
        yield Line(f"{alive} of them never died: a publisher has sent them here")


def data(view: View) -> DeadLettersData:
    peeked = view.peeked
    return {
        "queue": peeked.queue.name,
        "type": peeked.queue.type,
        "read": peeked.read,
        "selected": peeked.selected,
        "messages": [_message_data(message) for message in peeked.messages],
        "note": peeked.queue.note,
    }


def _message_data(message: PeekedMessage) -> DeadLetterData:
    history = message.history
    return {
        **peek.message_data(message),
        "history": [_death_data(death) for death in history.deaths],
        "replays": history.replays,
    }


def _death_data(death: Death) -> DeathData:
    return {
        "reason": death.reason,
        "queue": printable_text(death.queue),
        "exchange": printable_text(death.exchange),
        "routing_keys": [printable_text(key) for key in death.routing_keys],
        "count": death.count,
        "time": moment_data(death.time),
        "expiration": death.expiration,
    }
