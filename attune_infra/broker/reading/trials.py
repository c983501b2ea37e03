"""The rights of a user who may not read them: each is tried with a request that cannot succeed.

RabbitMQ asks for the right first, and only then finds that an argument is invalid, or that there is no such
binding. So its answer tells if the right is there, and nothing is declared, bound or consumed. Tried on 3.10, 4.0
and 4.3.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, Final

import amqp

from attune_infra.broker.failures.refusal import Code, refusal_of
from attune_infra.errors import BrokerError
from attune_infra.topology.facts.exchanges import is_reserved, show_exchange_name
from attune_infra.topology.facts.permissions import Access, Right

if TYPE_CHECKING:
    from attune_infra.broker.amqp.connection import Amqp

MAX_TRIALS: Final = 200
"""Rights that are tried; each takes a channel, and leaves a line in RabbitMQ's log."""

_NO_KEY: Final = "attune-infra doctor, of a binding that nobody has"
_SOURCES: Final = ("amq.direct", "amq.fanout")
"""Exchanges to unbind from; the second one is for the first one itself."""


def try_rights(connection: Amqp, rights: Iterable[Right]) -> Mapping[Right, bool | None]:
    """Return, for each right on a name, if the user has it; None if that cannot be told."""
    on_names = {right for right in rights if right.routing_key is None}
    wanted = sorted(on_names, key=lambda right: (right.access is Access.READ, right))
    tried: dict[Right, bool | None] = dict.fromkeys(wanted)
    for right in wanted[:MAX_TRIALS]:  # rights to write come before those to read exchanges
        try:
            tried[right] = _try(connection, right, tried)
        except BrokerError:
            break
    return tried


def _try(connection: Amqp, right: Right, tried: Mapping[Right, bool | None]) -> bool | None:
    name = right.name
    if not name or name == show_exchange_name("") or (is_reserved(name) and right.access is Access.CONFIGURE):
        return None
    match right.access, right.kind:
        case Access.CONFIGURE, "queue":
            bad = {"x-expires": "not a number"}
            return _asked(connection, right, "queue_declare", name, durable=True, auto_delete=False, arguments=bad)
        case Access.CONFIGURE, _:
            bad_type = {"alternate-exchange": 0}
            declared = {"durable": True, "auto_delete": False, "arguments": bad_type}
            return _asked(connection, right, "exchange_declare", name, "direct", **declared)
        case Access.WRITE, kind:
            source = next(each for each in _SOURCES if each != name)
            return _asked(connection, right, f"{kind}_unbind", name, source, routing_key=_NO_KEY)
        case Access.READ, "queue":
            return _asked(connection, right, "basic_consume", name, arguments={"x-priority": "not a number"})
        case _:
            own = next((each for each, has in tried.items() if has and each.access is Access.WRITE), None)
            if own is None:
                return None
            return _asked(connection, right, f"{own.kind}_unbind", own.name, name, routing_key=_NO_KEY)


def _asked(connection: Amqp, right: Right, method: str, *arguments: Any, **options: Any) -> bool | None:
    """Send a request on a channel of its own; return if the right was there."""
    channel = connection.open_channel()
    try:
        getattr(channel, method)(*arguments, **options)
        channel.close()
    except amqp.ChannelError as error:
        return _has(right, error)
    except (amqp.AMQPError, OSError):
        connection.forget()
        return None
    return True


def _has(right: Right, error: amqp.ChannelError) -> bool | None:
    """Return if a refusal is about anything but the right; None if RabbitMQ's words are unknown."""
    refusal = refusal_of(error)
    if refusal.code is not Code.FORBIDDEN:
        return True
    if f"access to {right.kind} '{right.name}'" in refusal.text:
        return False
    return True if "access to " in refusal.text else None
