"""The checks and their verdicts. Those of thousands of healthy workers are alike, and written once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import field, replace
from enum import StrEnum
from itertools import chain
from typing import NamedTuple, Self, TypeAlias

from attune_infra.dataclass import dataclass
from attune_infra.errors import ExitCode
from attune_infra.topology.diff import Difference
from attune_infra.topology.document.origin import Origin
from attune_infra.topology.document.problems import Problem
from attune_infra.topology.model import Route, TopologyObject


class Verdict(StrEnum):
    """The result of a check."""

    PASSED = "passed"
    WARNING = "warning"
    FAILED = "failed"
    UNKNOWN = "unknown"


class Code(StrEnum):
    """The kind of a check; its value is stable, and each has its line in `docs/codes.md`."""

    BROKER_ANSWERS = "broker-answers"
    EXCHANGE_MATCHES = "exchange-matches"
    QUEUE_MATCHES = "queue-matches"
    BINDING_MATCHES = "binding-matches"
    POLICY_MATCHES = "policy-matches"
    OPERATOR_POLICY_MATCHES = "operator-policy-matches"
    USER_MATCHES = "user-matches"
    VIRTUAL_HOST_MATCHES = "virtual-host-matches"
    LIMIT_MATCHES = "limit-matches"
    PERMISSION_MATCHES = "permission-matches"
    TOPIC_PERMISSION_MATCHES = "topic-permission-matches"
    FEDERATION_UPSTREAM_MATCHES = "federation-upstream-matches"
    FEDERATION_UPSTREAM_SET_MATCHES = "federation-upstream-set-matches"
    SHOVEL_MATCHES = "shovel-matches"
    PARAMETER_MATCHES = "parameter-matches"
    GLOBAL_PARAMETER_MATCHES = "global-parameter-matches"
    DEAD_LETTERS_ARRIVE = "dead-letters-arrive"
    ROUTE_HOLDS = "route-holds"
    CONSUMER_PRESENT = "consumer-present"
    QUORUM_ONLINE = "quorum-online"
    NOTHING_UNDECLARED = "nothing-undeclared"
    FILE_READABLE = "file-readable"
    ROUTE_PROVEN = "route-proven"
    WORKER_HEALTHY = "worker-healthy"


class Named(NamedTuple):
    """The subject of a check that is no object of a topology, such as a worker or a protocol."""

    kind: str
    name: str


class Consumer(NamedTuple):
    """The consumer of a worker: its tag and its queue."""

    tag: str
    queue: str

    def __str__(self) -> str:
        return f"consumer {self.tag} of queue {self.queue}"


About: TypeAlias = TopologyObject | Route | Consumer | Named | Problem
"""The subject of a check; a `Problem` is a fault of the file."""


class Check(NamedTuple):
    """One named check and its verdict; a check about a worker has the worker's id.

    `template` is then the name of this check for any worker, with `{worker_id}` in place of the id.
    """

    code: str
    """A `Code`, or the code of a worker's finding."""
    about: About | None
    name: str
    verdict: Verdict
    detail: str = ""
    hint: str | None = None
    worker_id: int | None = None
    differences: tuple[Difference, ...] = ()
    template: str = ""


class Group(NamedTuple):
    """A check, and the workers for which it is the same but for their ids; none if it is about no worker."""

    check: Check
    worker_ids: Sequence[int]

    @property
    def size(self) -> int:
        """The number of single checks."""
        return len(self.worker_ids) or 1


class Kind(NamedTuple):
    """The checks of a worker, and the workers that have the same but for their ids; it is the first of them."""

    checks: tuple[Check, ...]
    worker_ids: Sequence[int]


@dataclass(frozen=True, slots=True)
class ChecksOfWorkers:
    """The checks of workers, in the order of their ids; `make` returns those of any one of them.

    The kinds are in the order of the first worker of each.
    """

    worker_ids: Sequence[int]
    kinds: Sequence[Kind]
    make: Callable[[int], tuple[Check, ...]]

    def __iter__(self) -> Iterator[Check]:
        return chain.from_iterable(map(self.make, self.worker_ids))

    def groups(self) -> Iterator[Group]:
        return (Group(check, kind.worker_ids) for kind in self.kinds for check in kind.checks)


@dataclass(frozen=True, slots=True)
class Verification:
    """All checks, in the order in which they were made, and the text that declares the wanted objects."""

    parts: tuple[Sequence[Check] | ChecksOfWorkers, ...]
    origin: Origin = field(default_factory=Origin, compare=False)

    @classmethod
    def of(cls, checks: Iterable[Check]) -> Self:
        return cls((tuple(checks),))

    def plus(self, checks: Iterable[Check]) -> Self:
        """Return the same with more checks at the end."""
        return replace(self, parts=(*self.parts, tuple(checks)))

    @property
    def checks(self) -> tuple[Check, ...]:
        """Every single check; for thousands of healthy workers, `groups` takes less time."""
        return tuple(chain.from_iterable(self.parts))

    def groups(self) -> Iterator[Group]:
        """Yield the checks in their order, those that many workers share only once."""
        for part in self.parts:
            if isinstance(part, ChecksOfWorkers):
                yield from part.groups()
            else:
                yield from (Group(each, () if each.worker_id is None else (each.worker_id,)) for each in part)

    def counts(self) -> Counter[Verdict]:
        found = Counter[Verdict]()
        for group in self.groups():
            found[group.check.verdict] += group.size
        return found

    @property
    def exit_code(self) -> ExitCode:
        """Failed, if a check could not be made; drift, if one failed."""
        counts = self.counts()
        if counts[Verdict.UNKNOWN]:
            return ExitCode.FAILED
        return ExitCode.DRIFT if counts[Verdict.FAILED] else ExitCode.DONE
