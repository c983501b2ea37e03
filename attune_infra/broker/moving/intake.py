"""Messages as they come out of a queue: told apart, and without what the broker adds on delivery."""

from __future__ import annotations

from typing import Final

import amqp

from attune_infra.broker.moving.frames import BadFrame, Envelope, split_content, with_properties
from attune_infra.broker.moving.ledger import fingerprint, print_of_offset
from attune_infra.messages.encoded import COUNTS, headers_of, user_id_of, without_headers, without_user_id
from attune_infra.messages.encoding import is_whole
from attune_infra.messages.model import StoredMessage
from attune_infra.messages.moving import Orders

OFFSET_HEADER: Final = b"x-stream-offset"
_COUNT_HEADER: Final = "x-delivery-count"
_MARGIN: Final = 2
"""Deliveries that a message of a quorum queue must have left."""
_HIGH_FLAGS: Final = 19
_LOW_FLAGS: Final = 20
"""Places of the flags of the earlier and the later properties in content frames."""
_HAS_HEADERS: Final = 0x20
_NAMES_USER: Final = 0x10


def identified(orders: Orders, envelope: Envelope, content: bytes) -> tuple[bytes, bytes]:
    """Return the fingerprint of a message, and its content without what its queue has added."""
    if orders.source_type == "classic":
        return fingerprint(envelope.routing_key, content), content
    if orders.source_type == "stream":
        encoded, _ = split_content(content)
        offset = headers_of(encoded)[OFFSET_HEADER.decode()]
        assert isinstance(offset, int)  # noqa: S101 - RabbitMQ adds it to each message of a stream
        return print_of_offset(offset), with_properties(content, without_headers(encoded, {OFFSET_HEADER}))
    if content[_HIGH_FLAGS] & _HAS_HEADERS:
        encoded, _ = split_content(content)
        if envelope.redelivered:
            _insist_on_deliveries(orders, encoded)
        content = with_properties(content, without_headers(encoded, COUNTS))
    return fingerprint(envelope.routing_key, content), content


def _insist_on_deliveries(orders: Orders, encoded: bytes) -> None:
    """Raise if one more cut could make a quorum queue give a message up."""
    limit, count = orders.delivery_limit, headers_of(encoded).get(_COUNT_HEADER)
    if limit is not None and limit >= 0 and isinstance(count, int) and count >= limit - _MARGIN:
        raise amqp.PreconditionFailed(
            f"a message of queue {orders.source} was delivered {count + 1} times, and is given up after {limit}: "
            "raise the delivery-limit by a policy before the next attempt",
            (60, 60),
        )


def without_other_user(content: bytes, user: bytes) -> bytes:
    """Return content without another user than the login: RabbitMQ would refuse it. Else return the same bytes."""
    if not content[_LOW_FLAGS] & _NAMES_USER:
        return content
    encoded, _ = split_content(content)
    return content if user_id_of(encoded) == user else with_properties(content, without_user_id(encoded))


def stored(envelope: Envelope, content: bytes) -> StoredMessage:
    """Return a message to look at; bytes of its names that are no text become surrogates."""
    encoded, body = split_content(content)
    if not is_whole(encoded):
        raise BadFrame("the server sent a message whose properties cannot be read")
    return StoredMessage(
        exchange=envelope.exchange.decode(errors="surrogateescape"),
        routing_key=envelope.routing_key.decode(errors="surrogateescape"),
        redelivered=envelope.redelivered,
        encoded=encoded,
        body=body,
    )
