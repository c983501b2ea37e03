"""The arguments that a policy can provide, and the source that counts, as a real broker looks them up."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import permutations, product
from typing import Final, cast

import amqp
import pytest

from attune_infra.broker.http.management import Management
from attune_infra.broker.wire import body_of
from attune_infra.errors import FeatureDenied, RequestRefused
from attune_infra.sandbox import BoundSandbox
from attune_infra.topology.facts.arguments import POLICY_RULES, QUEUE_ARGUMENTS, QUEUE_TYPES, Rule
from attune_infra.topology.facts.policies import unsupported_keys
from attune_infra.topology.facts.releases import Version
from attune_infra.topology.model import Argument, Policy, Queue, Topology
from attune_infra.topology.policy import PROVIDED_BY_POLICY, effective_arguments
from support.argument_cases import good
from support.eventually import eventually
from support.lookups import Lookups, lookups
from support.policy_cases import Definition, put_policy
from support.under_test import BrokerUnderTest
from support.virtual_host import VirtualHost

RULES: Final = {key: rule for key, rule in POLICY_RULES.items() if rule.name in QUEUE_ARGUMENTS}
ELSEWHERE: Final = {"consumer-timeout", "target-group-size"}
"""Keys that RabbitMQ looks up for a consumer, or once in a while."""


def ignored_keys(version: Version) -> set[str]:
    """Return keys that RabbitMQ accepts and never looks up."""
    found = {"max-in-memory-bytes", "max-in-memory-length"} if version >= (4, 0) else set()
    return found | ({"queue-mode", "queue-version"} if version >= (4, 3) else set())


def values_of(rule: Rule) -> tuple[Argument, Argument]:
    values = [50, 60] if rule.kind is int and not rule.maximum else good(rule)
    return cast("tuple[Argument, Argument]", (values[0], values[-1]))


def definition_of(key: str, value: Argument) -> Definition:
    """Return a definition in which RabbitMQ looks a key up."""
    is_delay = key.startswith("delayed-retry-m")
    beside: Definition = {"delayed-retry-type": "all", "delayed-retry-min": 10} if is_delay else {}
    return {**beside, **({"delayed-retry-min": 5} if key == "delayed-retry-type" else {}), key: value}


def put(management: Management, vhost: str, queue: str, definition: Definition) -> bool:
    pattern = f"^{queue}$"
    return put_policy(management, vhost, "policies", queue, definition, pattern=pattern, apply_to="queues")


@pytest.mark.lengthy
def test_a_later_policy_provides_what_the_broker_looks_up_then(
    sandbox: BoundSandbox, management: Management, vhost: VirtualHost, under_test: BrokerUnderTest
) -> None:
    for key, queue_type in product(RULES, QUEUE_TYPES):
        queue = Queue(name=f"{queue_type} {key}", type=queue_type)
        management.put("queues", vhost.name, queue.name, body=body_of(queue))

    known = set()
    with lookups(sandbox) as read:
        for key, queue_type in product(RULES, QUEUE_TYPES):
            definition = definition_of(key, values_of(RULES[key])[1])
            if put(management, vhost.name, f"{queue_type} {key}", definition):
                known.add(key)
        expected = {key for key in known if RULES[key].name in PROVIDED_BY_POLICY}
        expected -= ELSEWHERE | ignored_keys(under_test.release)
        found = eventually(read, lambda found: provided_by(found) >= expected, within=20)

    assert provided_by(found) == expected
    assert len(expected) > 10


def provided_by(found: Lookups) -> set[str]:
    """Return the keys that were looked up and found in a policy."""
    return {
        key
        for key, queue_type in product(RULES, QUEUE_TYPES)
        if found.get((f"{queue_type} {key}", key)) == str(values_of(RULES[key])[1])
    }


def contests(version: Version) -> Iterator[tuple[Queue, str, Argument]]:
    """Yield queues with an argument, each with the key and the other value that its policy has."""
    for (key, rule), queue_type in product(RULES.items(), QUEUE_TYPES):
        if key in unsupported_keys(queue_type, version):
            continue
        pairs = list(permutations(values_of(rule)))
        pairs += [(-1, 60), (60, -1)] if key == "delivery-limit" and version >= (4, 0) else []
        for number, (argument, by_policy) in enumerate(pairs):
            arguments = {rule.name: argument, **({rule.needs: "x"} if rule.needs else {})}
            queue = Queue(name=f"{queue_type} {key} {number}", type=queue_type, arguments=arguments)
            yield queue, key, by_policy


@pytest.mark.lengthy
def test_an_argument_or_a_policy_counts_as_the_broker_finds_when_it_looks_them_up(
    sandbox: BoundSandbox,
    management: Management,
    vhost: VirtualHost,
    channel: amqp.Channel,
    under_test: BrokerUnderTest,
) -> None:
    channel.basic_qos(0, 1, a_global=False)
    computed: dict[tuple[str, str], str] = {}
    with lookups(sandbox) as read:
        for queue, key, by_policy in contests(under_test.release):
            definition = definition_of(key, by_policy)
            try:
                accepted = put(management, vhost.name, queue.name, definition)
                management.put("queues", vhost.name, queue.name, body=body_of(queue))
            except (RequestRefused, FeatureDenied):
                continue
            if accepted:
                policy = Policy(name="p", pattern="", definition=definition)
                topology = replace(Topology.of([queue, policy]), version=under_test.release)
                computed[queue.name, key] = str(effective_arguments(queue, topology)[RULES[key].name])
            if key == "consumer-timeout":
                channel.basic_consume(queue.name, callback=lambda _: None)

        may_be_unseen = ELSEWHERE | {"queue-master-locator"} | ignored_keys(under_test.release)
        wanted = {key for _, key in computed} - may_be_unseen
        eventually(read, lambda found: {key for _, key in found.keys() & computed.keys()} >= wanted, within=20)
        found = read()

    both = computed.keys() & found.keys()
    assert {each: (found[each], computed[each]) for each in both if found[each] != computed[each]} == {}
    assert len(both) > 40
