"""The queues of a virtual host as an operator watches them: objects, numbers and findings, joined. No I/O."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import field, replace
from enum import StrEnum
from typing import Final, TypeAlias

from attune_infra.dataclass import dataclass
from attune_infra.errors import ExitCode
from attune_infra.fleet.model import Depth
from attune_infra.topology.facts.releases import NEWEST
from attune_infra.topology.facts.unavailable import condition
from attune_infra.topology.model import Arguments, Binding, Queue, Topology
from attune_infra.topology.policy import PROVIDED_BY_POLICY, effective_arguments, policy_of
from attune_infra.topology.routing.index import Index
from attune_infra.topology.routing.reach import Reach
from attune_infra.topology.verify import Verdict

BOUNDS: Final = ("x-max-length", "x-max-length-bytes", "x-message-ttl", "x-max-age")
"""Arguments that keep a queue from growing for ever."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Numbers:
    """The statistics of one queue, which lag about 5 seconds behind; None for a number that is unknown.

    Rates are messages per second: published into the queue, and delivered from it. `idle` is in seconds; RabbitMQ
    tells it of classic queues only. `idle_since` is RabbitMQ's own time stamp.
    """

    depth: Depth | None = None
    consumers: int | None = None
    rate_in: float | None = None
    rate_out: float | None = None
    idle: float | None = None
    idle_since: str | None = None
    node: str | None = None


class Finding(StrEnum):
    """A kind of trouble with a queue, the worst first; its value is its name for people."""

    DOWN = "down"
    DEAD_LETTERS = "dead letters"
    BACKLOG = "no consumer"
    ORPHAN = "orphan"
    UNBOUNDED = "unbounded"

    @property
    def code(self) -> str:
        """Its name for machines, such as `dead_letters`."""
        return self.name.lower()

    @property
    def verdict(self) -> Verdict:
        """Passed for a finding that is only a remark: most queues without a limit never need one."""
        return _VERDICTS.get(self, Verdict.WARNING)


_VERDICTS: Final = {Finding.DOWN: Verdict.FAILED, Finding.UNBOUNDED: Verdict.PASSED}


@dataclass(frozen=True, slots=True)
class Reason:
    """One finding about one queue, with its detail and hint."""

    finding: Finding
    detail: str
    hint: str


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchedQueue:
    """One queue with everything that is known about it.

    `type` is filled in. `policy` is the name of the policy in effect. `effective` are the arguments with what
    policies provide. `bindings` are those to the queue, without that of the default exchange. `dead_letters_of`
    are the queues whose dead letters can arrive here.
    """

    queue: Queue
    type: str
    numbers: Numbers
    policy: str | None = None
    effective: Arguments = field(default_factory=dict, hash=False)
    bindings: tuple[Binding, ...] = ()
    dead_letters_of: tuple[str, ...] = ()
    reasons: tuple[Reason, ...] = ()

    @property
    def name(self) -> str:
        return self.queue.name

    @property
    def findings(self) -> tuple[Finding, ...]:
        return tuple(reason.finding for reason in self.reasons)

    @property
    def verdict(self) -> Verdict:
        verdicts = {finding.verdict for finding in self.findings}
        return next((each for each in (Verdict.FAILED, Verdict.WARNING) if each in verdicts), Verdict.PASSED)

    @property
    def ready(self) -> int | None:
        return None if self.numbers.depth is None else self.numbers.depth.ready

    @property
    def unacknowledged(self) -> int | None:
        return None if self.numbers.depth is None else self.numbers.depth.unacknowledged


class Column(StrEnum):
    """A column that queues can be sorted by. Numbers are sorted from the largest, texts from the first."""

    VERDICT = "verdict"
    NAME = "name"
    TYPE = "type"
    READY = "ready"
    UNACKED = "unacked"
    CONSUMERS = "consumers"
    IN = "in"
    OUT = "out"
    IDLE = "idle"
    POLICY = "policy"
    NODE = "node"
    STATE = "state"


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """The queues to show: those with a text in their names and with one of the findings, in an order."""

    text: str = ""
    findings: frozenset[Finding] = frozenset()
    sort: Column = Column.VERDICT
    reverse: bool = False

    def of(self, queues: Iterable[WatchedQueue]) -> tuple[WatchedQueue, ...]:
        """Return the selected queues; no findings, no text means all."""
        text = self.text.casefold()
        chosen = [
            each
            for each in queues
            if text in each.name.casefold() and (not self.findings or self.findings.intersection(each.findings))
        ]
        chosen.sort(key=lambda each: each.name)
        chosen.sort(key=lambda each: _sort_key(self.sort, each), reverse=self.reverse)
        return tuple(chosen)


_Key: TypeAlias = "tuple[bool, float, str]"


def _sort_key(column: Column, of: WatchedQueue) -> _Key:
    """Return the key of a queue; an unknown value comes last."""
    numbers = of.numbers
    match column:
        case Column.VERDICT:
            order = [*Finding]
            return (False, min((order.index(each) for each in of.findings), default=len(order)), "")
        case Column.READY:
            return _number_key(of.ready)
        case Column.UNACKED:
            return _number_key(of.unacknowledged)
        case Column.CONSUMERS:
            return _number_key(numbers.consumers)
        case Column.IN:
            return _number_key(numbers.rate_in)
        case Column.OUT:
            return _number_key(numbers.rate_out)
        case Column.IDLE:
            return _number_key(numbers.idle)
        case _:
            return _text_key(column, of)


def _text_key(column: Column, of: WatchedQueue) -> _Key:
    texts = {
        Column.NAME: of.name,
        Column.TYPE: of.type,
        Column.POLICY: of.policy,
        Column.NODE: of.numbers.node,
        Column.STATE: of.queue.state,
    }
    found = texts[column]
    return (found is None, 0, found or "")


def _number_key(number: float | None) -> _Key:
    return (number is None, -(number or 0), "")


@dataclass(frozen=True, slots=True, kw_only=True)
class Queues:
    """The queues of a virtual host; `queues` are those to show, of `total` ones, in their order."""

    queues: tuple[WatchedQueue, ...] = ()
    total: int = 0
    topology: Topology = field(default_factory=Topology, hash=False)

    @property
    def exit_code(self) -> ExitCode:
        """Drift, as for `diff`, if a queue that is shown is down."""
        down = any(queue.verdict is Verdict.FAILED for queue in self.queues)
        return ExitCode.DRIFT if down else ExitCode.DONE

    def counts(self) -> Counter[Finding]:
        return Counter(finding for queue in self.queues for finding in queue.findings)

    def select(self, selection: Selection) -> Queues:
        return replace(self, queues=selection.of(self.queues))

    @property
    def nodes(self) -> frozenset[str]:
        return frozenset(queue.numbers.node for queue in self.queues if queue.numbers.node)


def examine(topology: Topology, numbers: Mapping[str, Numbers]) -> Queues:
    """Return the queues of a broker's topology with their findings, by name."""
    index = Index(topology, topology.version or NEWEST)
    sources = _sources_of_dead_letters(index)
    watched = [
        _with_reasons(
            WatchedQueue(
                queue=queue,
                type=topology.type_of(queue),
                numbers=numbers.get(queue.name, Numbers()),
                policy=policy.name if (policy := policy_of(queue, topology)) else None,
                effective=effective_arguments(queue, topology),
                bindings=tuple(index.into.get(("queue", queue.name), ())),
                dead_letters_of=tuple(sorted(sources.get(queue.name, ()))),
            )
        )
        for _, queue in sorted(topology.queues.items())
    ]
    return Queues(queues=tuple(watched), total=len(watched), topology=topology)


def _sources_of_dead_letters(index: Index) -> Mapping[str, Collection[str]]:
    """Return, for each queue that dead letters reach, the queues that they come from."""
    found: dict[str, set[str]] = defaultdict(set)
    for source, ways in Reach(index).dead_letters.items():
        for target in frozenset().union(*ways):
            found[target].add(source)
    return found


def _with_reasons(queue: WatchedQueue) -> WatchedQueue:
    return replace(queue, reasons=tuple(_reasons(queue)))


def _reasons(queue: WatchedQueue) -> Iterator[Reason]:
    """Yield the findings about a queue, the worst first."""
    if not queue.queue.works:
        yield Reason(
            Finding.DOWN,
            f"its state is {condition(queue.queue)}"
            f"{', and RabbitMQ lists none of its bindings' if _may_have_unlisted(queue) else ''}",
            "is its node down? RabbitMQ refuses messages and consumers until the node is back",
        )
    if queue.dead_letters_of and queue.ready:
        yield Reason(
            Finding.DEAD_LETTERS,
            f"{queue.ready} ready, and it gets the dead letters of {_listed(queue.dead_letters_of)}",
            f"`attune-infra dlq show {queue.name}` says why they died, `dlq replay` sends them back",
        )
    elif queue.ready and queue.numbers.consumers == 0 and queue.type != "stream":
        yield Reason(
            Finding.BACKLOG,
            f"{queue.ready} ready, and no consumer",
            "is the service that consumes it running?",
        )
    if _is_orphan(queue):
        since = f", idle since {queue.numbers.idle_since}" if queue.numbers.idle_since else ""
        yield Reason(
            Finding.ORPHAN,
            f"it has no consumer, and no binding but that of the default exchange{since}",
            "does a service still publish to it by name? otherwise it can be deleted",
        )
    if not any(name in queue.effective for name in BOUNDS):
        yield Reason(
            Finding.UNBOUNDED,
            "neither an argument nor a policy in effect limits its length, or the age of its messages",
            f"set a policy with {', '.join(_LIMITS)}",
        )


_LIMITS: Final = tuple(PROVIDED_BY_POLICY[name] for name in BOUNDS[:-1])


def _is_orphan(queue: WatchedQueue) -> bool:
    """Return True if nothing leads into a queue and nothing takes out of it, as far as the broker knows.

    An exclusive queue belongs to an open connection, which may get answers in it.
    """
    has_source = bool(queue.bindings or queue.dead_letters_of or queue.numbers.rate_in)
    is_seen = has_source or _may_have_unlisted(queue)
    return queue.numbers.consumers == 0 and not is_seen and not queue.queue.exclusive


def _may_have_unlisted(queue: WatchedQueue) -> bool:
    """Return True if RabbitMQ may leave out the bindings of a queue, because its node is down."""
    return queue.queue.state == "down" and not queue.bindings


def _listed(names: Sequence[str], most: int = 3) -> str:
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return f"{', '.join(names[:most])}{more}"
