"""Dead letter queues, each with its messages grouped by their first deaths."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import TYPE_CHECKING, Final

from attune_infra.messages.dead_letters import Cause, DeadLetterQueue, DeadLetterQueues, Deaths
from attune_infra.render.text import VERDICT_SIGNS, VERDICT_STYLES, Line, align, level_of
from attune_infra.render.words import visible
from attune_infra.topology.facts.unavailable import without_bindings
from attune_infra.topology.words import counted

if TYPE_CHECKING:
    from attune_infra.contract.dead_letters import DeadLetterQueueData, DeadLetterQueuesData, DeathGroupData

_MAX_SOURCES_LISTED: Final = 3


def lines(shown: DeadLetterQueues) -> Iterator[Line]:
    for queue in shown.queues:
        yield from _queue_lines(queue)
    yield Line(_summary(shown))


def data(shown: DeadLetterQueues) -> DeadLetterQueuesData:
    return {"queues": [_queue_data(queue) for queue in shown.queues]}


def moment(time: datetime) -> str:
    return f"{time:%Y-%m-%d %H:%M:%S} UTC"


def moment_data(time: datetime | None) -> str | None:
    return None if time is None else time.isoformat(timespec="seconds").replace("+00:00", "Z")


def cause_words(reason: str | None, queue: str | None, exchange: str | None) -> tuple[str, str]:
    """Return the reason and queue of a death in words, and where the messages came from."""
    if reason is None or queue is None:
        return "no death", "sent here by a publisher"
    origin = f"exchange {exchange}" if exchange else "the default exchange"
    return f"{reason} in {queue}", f"from {origin}"


def _queue_lines(queue: DeadLetterQueue) -> Iterator[Line]:
    verdict = "warning" if queue.ready else "passed"
    more = f", {queue.unacknowledged} unacknowledged" if queue.unacknowledged else ""
    consumed = f", {counted(queue.consumers, 'consumer')}" if queue.consumers else ""
    since = f", the oldest since {moment(queue.since)}" if queue.since else ""
    ready = f"{counted(queue.ready, 'message')}{since}{more}{consumed}"
    sign, style = VERDICT_SIGNS[verdict], VERDICT_STYLES[verdict]
    yield Line(f"{sign} {queue.name} ({queue.type}): {ready}", style, level_of(verdict))
    yield Line(f"    dead letters of {_sources(queue)}")
    if queue.passes_on is not None:
        yield Line(f"    it passes its own dead letters on to {queue.passes_on or 'the default exchange'}")
    if queue.unread:
        yield Line(f"    {queue.unread}")
    if queue.groups and queue.ready is not None and queue.looked_at < queue.ready:
        yield Line(f"    the first {queue.looked_at} of them:")
    yield from (Line(f"    {line}") for line in align([_group(*group) for group in queue.groups]))


def _group(cause: Cause, deaths: Deaths) -> tuple[str, ...]:
    died, origin = cause_words(*cause)
    since = f"since {moment(deaths.since)}" if deaths.since else ""
    return f"{deaths.count:>6}", visible(died), visible(origin), since


def _sources(queue: DeadLetterQueue) -> str:
    names = ", ".join(queue.sources[:_MAX_SOURCES_LISTED])
    more = len(queue.sources) - _MAX_SOURCES_LISTED
    return f"{names} and {more} more" if more > 0 else names


def _summary(shown: DeadLetterQueues) -> str:
    ready = sum(queue.ready or 0 for queue in shown.queues)
    more = f"; there may be more: {without_bindings(shown.unlisted)}" if shown.unlisted else ""
    if not (shown.queues or more):
        return "no dead letter queue: the dead letters of no queue reach another one"
    return f"{counted(len(shown.queues), 'dead letter queue')}: {counted(ready, 'message')} ready{more}"


def _queue_data(queue: DeadLetterQueue) -> DeadLetterQueueData:
    return {
        "name": queue.name,
        "type": queue.type,
        "sources": list(queue.sources),
        "passes_on": queue.passes_on,
        "ready": queue.ready,
        "unacknowledged": queue.unacknowledged,
        "consumers": queue.consumers,
        "since": moment_data(queue.since),
        "looked_at": queue.looked_at,
        "unread": queue.unread,
        "groups": [_group_data(*group) for group in queue.groups],
    }


def _group_data(cause: Cause, deaths: Deaths) -> DeathGroupData:
    return {
        "reason": cause.reason,
        "queue": cause.queue,
        "exchange": cause.exchange,
        "count": deaths.count,
        "since": moment_data(deaths.since),
    }
