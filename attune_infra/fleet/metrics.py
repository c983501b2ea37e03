"""A measurement: the workers, the virtual host compared with a document, certificates, and the last verify."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import field
from enum import StrEnum
from typing import ClassVar

from attune_infra.dataclass import dataclass
from attune_infra.errors import ExitCode
from attune_infra.fleet.model import Depth, Fleet
from attune_infra.topology.verify import Verdict


class Drift(StrEnum):
    """The ways in which an object can differ from a document."""

    MISSING = "missing"
    DIFFERS = "differs"
    UNDECLARED = "undeclared"


class Owner(StrEnum):
    """The kinds of owners of queues: the document, a worker, or nobody known."""

    DOCUMENT = "document"
    WORKER = "worker"
    UNDECLARED = "undeclared"


@dataclass(frozen=True, slots=True)
class QueueStatistics:
    """Numbers of one queue that only RabbitMQ's statistics have, some 5 seconds late; None if it does not tell.

    `oldest` is the time of the first message, in seconds since 1970, as its publisher wrote it into the message.
    """

    oldest: float | None = None
    redelivered: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class MeasuredQueue:
    """An existing queue of the document; numbers that cannot be known are None. The age is in seconds."""

    name: str
    depth: Depth | None
    consumers: int
    oldest_age: float | None
    redelivered: int | None
    takes_dead_letters: bool

    @property
    def ready(self) -> int | None:
        return None if self.depth is None else self.depth.ready

    @property
    def unacknowledged(self) -> int | None:
        return None if self.depth is None else self.depth.unacknowledged

    @property
    def messages(self) -> int | None:
        return None if self.depth is None else self.depth.total


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueCounts:
    """The queues of one kind of owner: all, those that do not work, and those without a consumer."""

    total: int = 0
    down: int = 0
    unconsumed: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Inspection:
    """A virtual host at one moment, compared with a document.

    `drift` counts objects by their kind and their change; a kind of object is a word such as `queue`.
    """

    drift: Mapping[tuple[str, Drift], int]
    counts: Mapping[Owner, QueueCounts]
    queues: tuple[MeasuredQueue, ...]
    checks: Counter[Verdict]
    """The checks of `verify` without those of connections, by their results."""


@dataclass(frozen=True, slots=True)
class LastVerify:
    """The last `verify` that was possible: its time in seconds since 1970, and its checks by their results."""

    time: float
    checks: Counter[Verdict]

    @property
    def success(self) -> bool:
        return not (self.checks[Verdict.FAILED] or self.checks[Verdict.UNKNOWN])


@dataclass(frozen=True, slots=True)
class Measurement:
    """Everything at one moment, and the seconds it took to look.

    `fleet` is None if the broker or the registry was unavailable, or if no registry is configured. `inspection` is
    None if the broker was unavailable. `certificates` has the time, in seconds since 1970, at which each expires.
    """

    exit_code: ClassVar[ExitCode] = ExitCode.DONE

    fleet: Fleet | None
    seconds: float
    inspection: Inspection | None = field(default=None, kw_only=True)
    certificates: Mapping[str, float] = field(default_factory=dict, kw_only=True)
    verified: LastVerify | None = field(default=None, kw_only=True)
    has_registry: bool = field(default=True, kw_only=True)
    registry_answers: bool = field(default=False, kw_only=True)

    @property
    def up(self) -> bool:
        """True if the broker answered, and so did the registry if there is one."""
        return self.inspection is not None and (self.registry_answers or not self.has_registry)


@dataclass(frozen=True, slots=True)
class Measurements:
    """The measurements of several virtual hosts, by their names."""

    exit_code: ClassVar[ExitCode] = ExitCode.DONE

    parts: Mapping[str, Measurement]
