"""A message as a queue holds it."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property

from attune_infra.dataclass import dataclass
from attune_infra.messages.encoded import Value, decode


@dataclass(frozen=True, kw_only=True)
class StoredMessage:
    """A message that a queue holds, with its properties as AMQP encodes them."""

    exchange: str
    """The exchange that it was published to; empty for the default exchange."""
    routing_key: str
    redelivered: bool
    encoded: bytes
    body: bytes

    @cached_property
    def properties(self) -> Mapping[str, Value]:
        """Its properties by name, such as `message_id`; `headers` is a mapping. Missing ones are left out."""
        return decode(self.encoded)

    @property
    def headers(self) -> Mapping[str, Value]:
        found = self.properties.get("headers")
        return found if isinstance(found, dict) else {}


@dataclass(frozen=True, slots=True, kw_only=True)
class Sending:
    """The place that a message is sent to, and the properties that it gets, as AMQP encodes them."""

    exchange: str
    routing_key: str
    encoded: bytes
