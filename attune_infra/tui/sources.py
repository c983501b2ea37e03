"""The things that the live view needs from outside, as functions that it calls again and again."""

from __future__ import annotations

from collections.abc import Callable

from attune_infra.dataclass import dataclass
from attune_infra.fleet.model import Fleet
from attune_infra.fleet.queues import Queues


@dataclass(frozen=True, slots=True, kw_only=True)
class Sources:
    """Functions of the live view. Those that look raise `AttuneError` if a server does not answer.

    `title` names the broker. `workers` is None without a registry.
    """

    title: Callable[[], str]
    queues: Callable[[], Queues]
    workers: Callable[[], Fleet] | None = None
