"""The comparison of what a broker answered with the wanted topology, check by check."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from attune_infra.errors import AttuneError
from attune_infra.topology.diff import compare, undeclared
from attune_infra.topology.facts.exchanges import PREDECLARED_EXCHANGES
from attune_infra.topology.facts.machinery import EXAMPLES, with_hidden
from attune_infra.topology.facts.releases import NEWEST, version_of
from attune_infra.topology.facts.unavailable import unlisted, without_bindings
from attune_infra.topology.model import (
    Binding,
    Exchange,
    Policy,
    Queue,
    Topology,
    TopologyObject,
    label,
)
from attune_infra.topology.policy import idle_policies
from attune_infra.topology.routing.index import Index
from attune_infra.topology.routing.reach import Reach, keys_into
from attune_infra.topology.routing.route import Routing
from attune_infra.topology.routing.routes import route_name, run_routes_on
from attune_infra.topology.routing.topic_keys import format_key, parse_literal_key
from attune_infra.topology.verify.checks import Check, Code, Named, Verdict, Verification
from attune_infra.topology.verify.healthy import find_healthy
from attune_infra.topology.verify.inputs import Seen, Wanted
from attune_infra.topology.verify.objects import check_of_object
from attune_infra.topology.verify.workers import checks_of_workers
from attune_infra.topology.worker import HIGHEST_ID, bindings_of, owner_of, queues_of


def verify(seen: Seen, want: Wanted) -> Verification:
    """Compare the answers of a broker with the wanted topology."""
    checks = [_reachable("HTTP", seen.http)]
    if seen.amqp is not None:
        checks.append(_reachable("AMQP", seen.amqp))
    if seen.topology is None:
        return Verification.of(checks)
    have = Index(seen.topology, version_of(seen.http) if isinstance(seen.http, str) else NEWEST)
    checks.extend(_checks_of_topology(have, want.topology))
    if isinstance(seen.http, str):
        checks.extend(_checks_of_routes(have.routing, want))
    healthy = find_healthy(seen, seen.topology, want)
    undeclared = tuple(_checks_of_undeclared(healthy.others, want.without(healthy.worker_ids)))
    if not want.demands.worker_ids:
        return Verification.of((*checks, *undeclared))
    of_workers = checks_of_workers(seen, seen.topology, want, healthy)
    return Verification((tuple(checks), of_workers, undeclared))


def _reachable(protocol: str, answer: str | AttuneError) -> Check:
    name, about = f"broker answers over {protocol}", Named("broker", protocol)
    if isinstance(answer, AttuneError):
        return Check(Code.BROKER_ANSWERS, about, name, Verdict.UNKNOWN, answer.sentence, answer.hint)
    return Check(Code.BROKER_ANSWERS, about, name, Verdict.PASSED, f"RabbitMQ {answer}")


def _checks_of_topology(have: Index, want: Topology) -> Iterator[Check]:
    idle = idle_policies(_targets(have.topology, want), have.topology) if want.policies else {}
    for item, change in compare(have.topology, want):
        check = check_of_object(item, change, have.topology)
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
