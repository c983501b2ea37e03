"""The named checks: what a broker reported, compared with the wanted topology."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import field, replace
from enum import StrEnum
from itertools import chain
from typing import NamedTuple, TypeAlias

from attune_infra.dataclass import dataclass
from attune_infra.errors import AttuneError, ExitCode
from attune_infra.topology.diff import Await, Changed, Create, Difference, change_of, compare, undeclared
from attune_infra.topology.document.origin import Origin
from attune_infra.topology.document.problems import Problem
from attune_infra.topology.facts.exchanges import PREDECLARED_EXCHANGES
from attune_infra.topology.facts.machinery import EXAMPLES, with_hidden
from attune_infra.topology.facts.plugin_exchanges import lacks_type, plugin_hint
from attune_infra.topology.facts.releases import NEWEST, version_of
from attune_infra.topology.facts.unavailable import condition, unlisted, without_bindings
from attune_infra.topology.facts.virtual_hosts import ignored_settings
from attune_infra.topology.model import (
    Binding,
    Exchange,
    Policy,
    Queue,
    Route,
    Topology,
    TopologyObject,
    VirtualHost,
    kind_of,
    label,
)
from attune_infra.topology.policy import idle_policies
from attune_infra.topology.routing.index import Index
from attune_infra.topology.routing.reach import Reach, keys_into
from attune_infra.topology.routing.route import Routing
from attune_infra.topology.routing.routes import route_name, run_routes_on
from attune_infra.topology.routing.topic_keys import format_key, parse_literal_key
from attune_infra.topology.words import counted
from attune_infra.topology.worker import (
    HIGHEST_ID,
    bindings_of,
    consumer_tag_of,
    fill,
    objects_of,
    owner_of,
    queues_of,
    worker_family,
)


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


@dataclass(frozen=True, slots=True)
class Verification:
    """All checks, in the order in which they were made, and the text that declares the wanted objects."""

    checks: tuple[Check, ...]
    origin: Origin = field(default_factory=Origin, compare=False)

    def counts(self) -> Counter[Verdict]:
        return Counter(check.verdict for check in self.checks)

    @property
    def exit_code(self) -> ExitCode:
        """Failed, if a check could not be made; drift, if one failed."""
        counts = self.counts()
        if counts[Verdict.UNKNOWN]:
            return ExitCode.FAILED
        return ExitCode.DRIFT if counts[Verdict.FAILED] else ExitCode.DONE


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """The answers of a broker: its version over each protocol, or the failure to get it.

    AMQP is None if it was not asked, and then it gets no check. `consumer_counts` lacks the queues whose consumers
    could not be counted without using the queue.
    """

    http: str | AttuneError
    amqp: str | AttuneError | None
    topology: Topology | None = None
    consumer_tags: Mapping[str, Sequence[str]] = field(default_factory=dict)
    consumer_counts: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Demands:
    """Demands beyond the topology itself."""

    worker_ids: tuple[int, ...] = ()
    require_consumers: bool = False
    strict: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """A wanted topology, the queues and bindings of the demanded workers (`own`), and everything together."""

    topology: Topology
    demands: Demands
    own: Mapping[int, Sequence[Queue | Binding]]
    everything: Topology

    @classmethod
    def of(cls, topology: Topology, demands: Demands) -> Wanted:
        """Return the wanted objects; raise `InvalidInput` if workers are demanded and the topology has none."""
        own = {each: objects_of(worker_family(topology), each) for each in demands.worker_ids}
        everything = topology.plus(chain.from_iterable(own.values()))
        return cls(topology=topology, demands=demands, own=own, everything=everything)

    @property
    def queues_of_workers(self) -> tuple[str, ...]:
        """The names of the demanded workers' queues."""
        return tuple(item.name for owned in self.own.values() for item in owned if isinstance(item, Queue))


def verify(seen: Seen, want: Wanted) -> Verification:
    """Compare the answers of a broker with the wanted topology."""
    checks = [_reachable("HTTP", seen.http)]
    if seen.amqp is not None:
        checks.append(_reachable("AMQP", seen.amqp))
    if seen.topology is not None:
        have = Index(seen.topology, version_of(seen.http) if isinstance(seen.http, str) else NEWEST)
        checks.extend(_checks_of_topology(have, want.topology))
        if isinstance(seen.http, str):
            checks.extend(_checks_of_routes(have.routing, want))
        checks.extend(_checks_of_workers(seen, seen.topology, want))
        checks.extend(_checks_of_undeclared(seen.topology, want))
    return Verification(tuple(checks))


def _reachable(protocol: str, answer: str | AttuneError) -> Check:
    name, about = f"broker answers over {protocol}", Named("broker", protocol)
    if isinstance(answer, AttuneError):
        return Check(Code.BROKER_ANSWERS, about, name, Verdict.UNKNOWN, answer.sentence, answer.hint)
    return Check(Code.BROKER_ANSWERS, about, name, Verdict.PASSED, f"RabbitMQ {answer}")


def _checks_of_topology(have: Index, want: Topology) -> Iterator[Check]:
    idle = idle_policies(_targets(have.topology, want), have.topology) if want.policies else {}
    for item, change in compare(have.topology, want):
        check = _check_of_object(item, change, have.topology)
        if type(item) is Policy and change is None and item.name in idle:
            check = check._replace(verdict=Verdict.WARNING, detail=f"is in effect nowhere: {idle[item.name]}")
        yield check
    is_whole = have.topology.hidden is None
    whole = (
        have if is_whole else Index(with_hidden(have.topology), have.version)
    )  # private queues take messages too
    wanted, reach = Index(want, have.version), Reach(_with_wanted_bindings(whole, want))
    for queue in sorted(want.queues.values(), key=lambda queue: queue.name):
        if "x-dead-letter-exchange" in queue.arguments:
            yield _check_of_dead_letters(queue, wanted, reach)


def _with_wanted_bindings(have: Index, want: Topology) -> Index:
    """Return an index with the wanted bindings of queues that are down, which the broker may not list."""
    names = unlisted(have.topology)
    if not names:
        return have
    bindings = frozenset(each for each in want.bindings if each.destination in names)
    return Index(replace(have.topology, bindings=have.topology.bindings | bindings), have.version)


def _targets(have: Topology, want: Topology) -> Iterator[Exchange | Queue]:
    """Yield the objects that a policy may be in effect on, and those that it may wait for."""
    whole = with_hidden(have)
    yield from whole.exchanges.values()
    yield from whole.queues.values()
    yield from (Exchange(name=name) for name in PREDECLARED_EXCHANGES)
    yield from (Queue(name=name, durable=False) for name in EXAMPLES)
    yield from queues_of(want.workers, HIGHEST_ID) if want.workers else ()


def _code_of(item: TopologyObject) -> Code:
    return Code(f"{kind_of(item).replace('_', '-')}-matches")


def _check_of_object(item: TopologyObject, change: Changed | None, have: Topology) -> Check:
    passed = Check(_code_of(item), item, label(item), Verdict.PASSED)
    failed = passed._replace(verdict=Verdict.FAILED)
    there = have.queues.get(item.name) if isinstance(item, Queue) else None
    if isinstance(change, Create):
        if isinstance(item, Exchange) and lacks_type(item, have):
            detail = f"is missing, and the broker has no exchange type {item.type}"
            return failed._replace(detail=detail, hint=plugin_hint(item.type))
        return failed._replace(detail="is missing")
    if isinstance(change, Await):
        return failed._replace(detail=change.reason, differences=change.differences)
    if change is not None:
        return failed._replace(detail="differs", differences=change.differences)
    if there and not there.works:
        return failed._replace(detail=f"exists, but its state is {condition(there)}")
    if isinstance(item, VirtualHost) and (ignored := dict(ignored_settings(item, have))):
        return passed._replace(verdict=Verdict.WARNING, detail="; ".join(ignored.values()))
    return passed


def _check_of_dead_letters(queue: Queue, wanted: Index, reach: Reach) -> Check:
    """Check that dead letters reach a queue, with each routing key that the wanted bindings give them."""
    target = str(queue.arguments["x-dead-letter-exchange"])
    to = f"exchange {target}" if target else "the default exchange"
    passed = Check(Code.DEAD_LETTERS_ARRIVE, queue, f"dead letters of queue {queue.name}", Verdict.PASSED)
    failed = passed._replace(verdict=Verdict.FAILED)
    keeps = reach.index.keeps_dead_letters(reach.index.topology.queues.get(queue.name, queue))
    end = "they stay in the queue, and fill it" if keeps else "they are lost"
    if not reach.index.is_there(target):
        return failed._replace(detail=f"go to {to}, which is missing: {end}")
    own = wanted.text(queue, "x-dead-letter-routing-key")
    keys = keys_into(queue, wanted) if own is None else (parse_literal_key(own),)
    lost = [key for key in keys if not reach.can_reach(target, key)]
    if lost and (names := unlisted(reach.index.topology)):
        detail = f"go to {to}, which may or may not lead to a queue: {without_bindings(names)}"
        return passed._replace(verdict=Verdict.UNKNOWN, detail=detail)
    if lost:
        for_key = f" for the routing key '{format_key(lost[0] or ())}'" if reach.can_reach(target, None) else ""
        return failed._replace(detail=f"go to {to}, which leads to no queue{for_key}: {end}")
    reached = sorted({queue for key in keys for queue in reach.queues(target, key)})
    return passed._replace(detail=f"reach {', '.join(reached) or 'a queue'} through {to}")


def _checks_of_workers(seen: Seen, have: Topology, want: Wanted) -> Iterator[Check]:
    if not want.own:
        return
    family = worker_family(want.topology)
    of_any: list[Queue | Binding] = [*family.queues, *family.bindings]
    templates = [(_code_of(item), label(item)) for item in of_any]
    consumers = [str(Consumer(family.consumer_tag, queue.name)) for queue in family.queues]
    for worker_id, objects in want.own.items():
        for item, (code, template) in zip(objects, templates, strict=True):
            change, there = change_of(item, have), have.queues.get(item.name) if type(item) is Queue else None
            if change is None and (there is None or there.works):  # short, since thousands of workers get here
                name = fill(template, worker_id)
                yield Check(code, item, name, Verdict.PASSED, worker_id=worker_id, template=template)
            else:
                check = _check_of_object(item, change, have)
                yield check._replace(worker_id=worker_id, template=template)
        tag = consumer_tag_of(family, worker_id)
        for item, template in zip(objects, consumers, strict=False):  # the queues come first
            if isinstance(item, Queue) and item.name in have.queues:
                yield _check_of_consumer(seen, Consumer(tag, item.name), worker_id, template, want)


def _check_of_consumer(seen: Seen, wanted: Consumer, worker_id: int, template: str, want: Wanted) -> Check:
    (tag, queue), name = wanted, fill(template, worker_id)
    tags, count = seen.consumer_tags.get(queue, ()), seen.consumer_counts.get(queue)
    if tag in tags and count != 0:
        present = Verdict.PASSED
        return Check(Code.CONSUMER_PRESENT, wanted, name, present, worker_id=worker_id, template=template)
    if count == 0 or (count is None and not tags):
        detail = "no consumer"
    elif tags:
        detail = f"is missing; {', '.join(tags)} consumes instead"
    else:
        detail = f"unknown: the queue has {counted(count, 'consumer')}, but the statistics have no consumer tags"
    return Check(
        Code.CONSUMER_PRESENT,
        wanted,
        name,
        Verdict.FAILED if want.demands.require_consumers else Verdict.WARNING,
        detail,
        hint=f"is worker {worker_id} running?",
        worker_id=worker_id,
        template=template,
    )


def _checks_of_routes(have: Routing, want: Wanted) -> Iterator[Check]:
    for result in run_routes_on(have, want.topology, provisioned=frozenset(want.demands.worker_ids)):
        verdict = Verdict.FAILED if result.problems else Verdict.PASSED
        name = route_name(result.route)
        yield Check(Code.ROUTE_HOLDS, result.route, name, verdict, "; ".join(result.problems))


def _checks_of_undeclared(have: Topology, want: Wanted) -> Iterator[Check]:
    verdict = Verdict.FAILED if want.demands.strict else Verdict.WARNING
    for item in undeclared(have, want.everything):
        if not is_of_a_worker(item, want.topology):
            yield Check(Code.NOTHING_UNDECLARED, item, f"undeclared {label(item)}", verdict, "not in the topology")


def is_of_a_worker(item: TopologyObject, want: Topology) -> bool:
    """Return whether an object belongs to any worker, demanded or not."""
    if want.workers is None or isinstance(item, Exchange):
        return False
    name = item.destination if isinstance(item, Binding) else item.name
    worker_id = owner_of(want.workers, name)
    if worker_id is None:
        return False
    return item in bindings_of(want.workers, worker_id) if isinstance(item, Binding) else isinstance(item, Queue)
