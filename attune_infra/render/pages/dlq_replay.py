"""Messages sent back from a dead letter queue, or those that would be, by the ways that they go."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from attune_infra.messages.moving import Moved
from attune_infra.messages.replay import Refusal, Replayed, Tally, Way
from attune_infra.render.text import Level, Line
from attune_infra.topology.words import counted

if TYPE_CHECKING:
    from attune_infra.contract.dead_letters import ReplayData, ReplayWayData

_MAX_QUEUES_LISTED: Final = 5
_PAST: Final = {"maxlen": "dropped", "delivery_limit": "returned too often"}
"""Reasons that are not words of a sentence."""


def lines(shown: Replayed) -> Iterator[Line]:
    for way, tally in shown.ways:
        yield from _way_lines(way, tally, shown)
    if shown.not_selected:
        yield Line(f"  {shown.not_selected} not selected by --where")
    yield from _remark_lines(shown)
    yield Line(summary(shown))


def data(shown: Replayed) -> ReplayData:
    moved = shown.moved or Moved()
    return {
        "queue": shown.source,
        "dry_run": shown.moved is None,
        "ready": shown.ready,
        "looked_at": shown.looked_at,
        "not_selected": shown.not_selected,
        "ways": [_way_data(way, tally) for way, tally in shown.ways],
        "sent": moved.moved,
        "recovered": moved.recovered,
        "doubtful": moved.doubtful,
        "returned": moved.returned,
        "taken": moved.taken,
        "without_user": moved.without_user,
    }


def summary(shown: Replayed) -> str:
    """Return the numbers of messages that were sent, or would be, and of those that stay."""
    stay = shown.refused + (shown.moved.returned if shown.moved else 0)
    words = f", {stay} stay" if stay else ""
    if shown.moved is not None:
        return f"{counted(shown.moved.moved, 'message')} sent back{words}"
    of_all = ""
    if shown.ready is not None and shown.looked_at < shown.ready:
        of_all = f", of the first {shown.looked_at} of {shown.ready} in the queue"
    return f"{counted(shown.accepted, 'message')} to send back{words}{of_all}"


def _remark_lines(shown: Replayed) -> Iterator[Line]:
    moved = shown.moved or Moved()
    if moved.recovered:
        yield Line(f"  {moved.recovered} had been sent by a replay that was cut")
    if moved.doubtful:
        yield Line(
            f"~ {moved.doubtful} sent again, because the broker stopped before it had confirmed them: "
            "each carries the header x-attune-maybe-doubled",
            "yellow",
            Level.PROBLEM,
        )
    if moved.returned:
        yield Line(f"! {moved.returned} reached no queue, and stay", "red", Level.PROBLEM)
    if moved.taken:
        yield Line(
            f"~ handled twice: {moved.taken}, which consumers took out of the queue after a replay was cut that "
            "had sent them",
            "yellow",
            Level.PROBLEM,
        )
    if moved.without_user:
        yield Line(f"~ {moved.without_user} lost their user_id, which is not that of the login", "yellow")


def _way_lines(way: Way, tally: Tally, shown: Replayed) -> Iterator[Line]:
    died = f"{_PAST.get(way.reason, way.reason)} in queue {way.queue}" if way.reason else "without a death"
    keys = ", ".join(key or "''" for key in tally.keys) + (", ..." if tally.has_more_keys else "")
    beginning = f"{counted(tally.count, 'message')} {died}"
    if way.refusal is not None:
        yield Line(f"! {beginning}: stay, because {_why(way, keys, shown)}", "red", Level.PROBLEM)
        return
    sign, style = ("~", "yellow") if way.copies_elsewhere or not way.returns else ("+", "green")
    yield Line(f"{sign} {beginning}: to {_exchange(way)} with routing key {keys}, {_reach(way)}", style)
    if way.copies_elsewhere and way.returns:
        yield Line(
            f"    a copy goes to {_listed(way.copies_elsewhere)} too; --to {way.queue} sends to one queue only"
        )
    elif way.queue is not None and not way.returns and not way.leaves:
        yield Line(f"    not to queue {way.queue}, in which they died")


def _reach(way: Way) -> str:
    """Return the queues that messages reach, as the end of a sentence."""
    words = []
    if len(way.queues) == 1:
        words.append(f"queue {way.queues[0]}")
    elif way.queues:
        words.append(f"{counted(len(way.queues), 'queue')}: {_listed(way.queues)}")
    if way.possible:
        words.append(f"one of {_listed(way.possible)}")
    if way.leaves:
        words.append("queues that are not known, through an external exchange")
    return f"which reaches {' and '.join(words)}"


def _why(way: Way, keys: str, shown: Replayed) -> str:
    match way.refusal:
        case Refusal.NO_ORIGIN:
            return "it is not known where they came from; --to names a place"
        case Refusal.NO_EXCHANGE:
            return f"{_exchange(way)} is missing, or takes no messages from clients"
        case Refusal.NO_QUEUE:
            return f"{_exchange(way)} leads to no queue with routing key {keys}"
        case Refusal.SAME_QUEUE:
            return f"{_exchange(way)} with routing key {keys} leads back into {shown.source}"
        case _:
            return f"they were sent back {shown.max_replays} times or more; --max-replays sets the limit"


def _exchange(way: Way) -> str:
    return f"exchange {way.to}" if way.to else "the default exchange"


def _listed(names: tuple[str, ...]) -> str:
    more = len(names) - _MAX_QUEUES_LISTED
    return ", ".join(names[:_MAX_QUEUES_LISTED]) + (f" and {more} more" if more > 0 else "")


def _way_data(way: Way, tally: Tally) -> ReplayWayData:
    return {
        "reason": way.reason,
        "queue": way.queue,
        "exchange": way.exchange,
        "to": way.to,
        "routing_keys": list(tally.keys),
        "has_more_keys": tally.has_more_keys,
        "queues": list(way.queues),
        "possible_queues": list(way.possible),
        "copies_elsewhere": list(way.copies_elsewhere),
        "returns": way.returns,
        "count": tally.count,
        "refusal": way.refusal,
    }
