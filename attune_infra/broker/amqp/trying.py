"""Ask for objects over AMQP alone: by a passive declaration, then by one that changes nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Final

import amqp

from attune_infra.broker.failures.refusal import Code, Refusal, no_answer, refusal_of
from attune_infra.topology.facts.trials import Answer, Trial, why_not_compared
from attune_infra.topology.model import Exchange, Queue

if TYPE_CHECKING:
    from attune_infra.broker.amqp.connection import Amqp

_ANSWERS: Final = {
    Code.MISSING: Answer.MISSING,
    Code.UNAVAILABLE: Answer.UNAVAILABLE,
    Code.DIFFERS: Answer.DIFFERS,
}


def try_objects(connection: Amqp, items: Iterable[Exchange | Queue]) -> dict[Exchange | Queue, Trial]:
    """Return what AMQP tells of each object; raise `BrokerError` if the connection cannot be opened again."""
    return {item: _try(connection, item) for item in items}


def look_at(connection: Amqp, items: Iterable[Exchange | Queue]) -> dict[Exchange | Queue, Trial]:
    """Return which objects exist, compared with nothing; raise `BrokerError` as `try_objects` does."""
    return {item: _look(connection, item) for item in items}


def _look(connection: Amqp, item: Exchange | Queue) -> Trial:
    if refusal := _refusal(connection, lambda channel: _declare_passively(channel, item)):
        return Trial(_ANSWERS.get(refusal.code, Answer.UNKNOWN), refusal.text)
    return Trial(Answer.EXISTS)


def _try(connection: Amqp, item: Exchange | Queue) -> Trial:
    found = _look(connection, item)
    if found.answer is not Answer.EXISTS:
        return found
    if reason := why_not_compared(item):
        return Trial(Answer.EXISTS, reason)
    refusal = _refusal(connection, lambda channel: channel.declare(item, nowait=False))
    if refusal is None:
        return Trial(Answer.MATCHES)
    differs = refusal.code is Code.DIFFERS
    return Trial(Answer.DIFFERS if differs else Answer.EXISTS, refusal.text)


def _declare_passively(channel: amqp.Channel, item: Exchange | Queue) -> None:
    if isinstance(item, Queue):
        channel.queue_declare(item.name, passive=True)
    else:
        channel.exchange_declare(item.name, item.type or "direct", passive=True)


def _refusal(connection: Amqp, attempt: Callable[[amqp.Channel], None]) -> Refusal | None:
    """Return RabbitMQ's refusal of an attempt, which may close the channel or the connection."""
    channel = connection.open_channel()
    try:
        attempt(channel)
        channel.close()
    except TimeoutError:
        connection.forget()
        return no_answer(connection.settings.timeout)
    except amqp.ChannelError as error:
        return refusal_of(error)
    except (amqp.AMQPError, OSError) as error:
        connection.drop()
        return refusal_of(error)
    return None
