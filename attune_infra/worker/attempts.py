"""Count the deliveries of a message that were not finished: by the broker, or in the memory of this worker.

A quorum queue counts. Of any other queue, RabbitMQ tells only that a message was delivered before; this worker
adds the deliveries that it has begun itself. That is too few if an earlier run of it had the message too.
"""

from __future__ import annotations

from typing import Final

from attune_infra.dataclass import dataclass
from attune_infra.fleet.delivery import Delivery

_MAX_REMEMBERED: Final = 10_000
"""Messages whose deliveries are remembered. RabbitMQ hands out one at a time, so few are under way at once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """The treatment of messages that are not finished."""

    max_attempts: int | None = None
    """Deliveries of a message that may begin; None for any number."""
    requeues_late: bool = False
    """Give a message back to its queue, instead of rejecting it, if its handler takes too long."""
    longest_hold: float = 0.0
    """Seconds for which a message may be held, those included in which it waits; 0 if they are not limited."""


class Attempts:
    """Numbers the attempts at messages."""

    def __init__(self, rules: Rules) -> None:
        self._rules = rules
        self._begun: dict[bytes, int] = {}

    def refusal_of(self, delivery: Delivery) -> str | None:
        """Return the reason for which no other attempt is made; None if one may be."""
        earlier, limit = self._earlier(delivery), self._rules.max_attempts
        if limit is None or earlier < limit:
            return None
        times = "once" if earlier == 1 else f"{earlier} times"
        at_least = "" if delivery.earlier is not None else "at least "
        return f"it was delivered {at_least}{times} before and never finished (--max-attempts {limit})"

    def begin(self, delivery: Delivery) -> None:
        """Count an attempt in memory, if the broker does not."""
        if self._rules.max_attempts is None or delivery.earlier is not None:
            return
        self._begun[delivery.identity] = self._earlier(delivery) + 1
        if len(self._begun) > _MAX_REMEMBERED:
            del self._begun[next(iter(self._begun))]

    def allows_another(self, delivery: Delivery) -> bool:
        """Return true if the message may be delivered again after the attempt that runs now."""
        limit = self._rules.max_attempts
        return self._rules.requeues_late and (limit is None or self._earlier(delivery) + 1 < limit)

    def number(self, delivery: Delivery) -> str:
        return f"attempt {self._earlier(delivery) + 1} of {self._rules.max_attempts}"

    def finish(self, delivery: Delivery) -> None:
        """Forget a message that is acknowledged or rejected."""
        if self._begun:  # an identity takes time, for a large message
            self._begun.pop(delivery.identity, None)

    def _earlier(self, delivery: Delivery) -> int:
        if delivery.earlier is not None:
            return delivery.earlier
        return max(1, self._begun.get(delivery.identity, 0)) if delivery.is_redelivered else 0
