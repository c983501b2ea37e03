"""Policies offered in place of a recreation: they end the difference, and change nothing else."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

import pytest

from attune_infra.broker.http.management import Management
from attune_infra.broker.rabbitmq import RabbitMQ
from attune_infra.broker.wire import body_of
from attune_infra.errors import RequestRefused
from attune_infra.topology.diff import Recreate, change_of
from attune_infra.topology.facts.arguments import QUEUE_TYPES
from attune_infra.topology.facts.refusals import Restrictions
from attune_infra.topology.model import Argument, Exchange, Policy, Queue, Topology, WorkerFamily
from attune_infra.topology.planning.plan import Plan
from attune_infra.topology.planning.remedy import policy_instead
from attune_infra.topology.policy import effective_definition
from support.policy_cases import put_policy
from support.virtual_host import VirtualHost

TTL = Policy(name="ttl", pattern="^a", priority=3, definition={"message-ttl": 5})
ITS_OWN = Policy(name="a.b", pattern=r"^a\.b$", definition={"max-length": 9})


def remedy_for(have: Topology, want: Topology) -> Policy | None:
    [change] = Plan.between(have, want).recreations
    return change.instead


@pytest.mark.parametrize(
    ("policies", "have", "want", "definition"),
    [
        ([], {}, {"x-message-ttl": 5}, {"message-ttl": 5}),
        ([], {}, {"x-dead-letter-exchange": "d", "x-overflow": "reject-publish"},
         {"dead-letter-exchange": "d", "overflow": "reject-publish"}),
        ([], {"x-max-length": 5}, {"x-max-length": 5, "x-expires": 7}, {"expires": 7}),
        ([TTL], {}, {"x-expires": 7}, {"message-ttl": 5, "expires": 7}),
        ([TTL], {}, {"x-message-ttl": 7}, {"message-ttl": 7}),
        ([TTL, ITS_OWN], {}, {"x-expires": 7}, {"message-ttl": 5, "expires": 7}),
        ([], {"x-message-ttl": 9}, {"x-message-ttl": 5}, None),
        ([], {"x-message-ttl": 5}, {"x-message-ttl": 9}, None),
        ([], {"x-dead-letter-exchange": "a"}, {"x-dead-letter-exchange": "b"}, None),
        ([], {"x-message-ttl": 5}, {}, None),
        ([], {}, {"x-message-ttl": 5, "x-max-priority": 3}, None),
    ],
)  # fmt: skip
def test_a_policy_is_offered_where_it_ends_the_difference(
    policies: Sequence[Policy],
    have: Mapping[str, Argument],
    want: Mapping[str, Argument],
    definition: Mapping[str, Argument] | None,
) -> None:
    wanted = Topology.of([Queue(name="a.b", arguments=want)])

    instead = remedy_for(Topology.of([Queue(name="a.b", type="classic", arguments=have), *policies]), wanted)

    if definition is None:
        assert instead is None
    else:
        assert instead == Policy(
            name="a.b.2" if ITS_OWN in policies else "a.b",
            pattern=r"^a\.b$",
            apply_to="queues",
            definition=definition,
            priority=4 if TTL in policies else 0,
        )


def test_the_wanted_policies_are_counted_as_there() -> None:
    queue = Queue(name="a.b", arguments={"x-expires": 7})

    instead = remedy_for(Topology.of([Queue(name="a.b", type="classic")]), Topology.of([queue, TTL]))

    assert instead is not None
    assert (instead.priority, instead.definition) == (4, {"message-ttl": 5, "expires": 7})


def test_no_policy_is_offered_that_an_operator_policy_would_overrule() -> None:
    operator = Policy(name="o", pattern="", definition={"message-ttl": 5})
    have = replace(Topology.of([Queue(name="q", type="classic")]), operator_policies={"o": operator})

    assert remedy_for(have, Topology.of([Queue(name="q", arguments={"x-message-ttl": 9})])) is None


@pytest.mark.parametrize(("version", "is_offered"), [((3, 10), False), ((4, 0), True)])
def test_no_policy_is_offered_that_the_release_refuses(version: tuple[int, int], is_offered: bool) -> None:
    have = replace(Topology.of([Queue(name="q", type="quorum")]), version=version)
    want = Queue(name="q", type="quorum", arguments={"x-delivery-limit": -1})

    assert (remedy_for(have, Topology.of([want])) is not None) == is_offered


def test_an_object_that_is_gone_gets_no_policy() -> None:
    change = Recreate(Queue(name="q"), ())

    assert policy_instead(change, Topology(), Topology.of([change.want])) is None


VALUES: Mapping[str, Sequence[Argument]] = {
    "x-dead-letter-exchange": ("", "a"),
    "x-dead-letter-strategy": ("at-most-once",),
    "x-delivery-limit": (-1, 3, 9),
    "x-expires": (1_000_000, 2_000_000),
    "x-max-age": ("1D", "7D"),
    "x-max-length": (0, 3),
    "x-max-length-bytes": (1000, 2000),
    "x-message-ttl": (5, 60_000),
    "x-overflow": ("drop-head", "reject-publish"),
    "x-queue-leader-locator": ("balanced", "client-local"),
}


def random_arguments(chance: random.Random, at_most: int) -> dict[str, Argument]:
    names = chance.sample(sorted(VALUES), chance.randint(0, at_most))
    return {name: chance.choice(VALUES[name]) for name in names}


def some_queues(chance: random.Random, management: Management, vhost: str, count: int) -> list[Queue]:
    """Create queues of any type and arguments, and return those that the broker took."""
    made: list[Queue] = []
    for number in range(count):
        name = f"{chance.choice('ab')}.{number}"
        queue = Queue(name=name, type=chance.choice(QUEUE_TYPES), arguments=random_arguments(chance, 1))
        if takes(management, vhost, queue):
            made.append(queue)
    return made


def takes(management: Management, vhost: str, queue: Queue) -> bool:
    try:
        management.put("queues", vhost, queue.name, body=body_of(queue))
    except RequestRefused:
        return False
    return True


def put(management: Management, vhost: str, policy: Policy, kind: str = "policies") -> bool:
    return put_policy(
        management,
        vhost,
        kind,
        policy.name,
        policy.definition,
        pattern=policy.pattern,
        priority=policy.priority,
        apply_to=policy.apply_to,
    )


def some_policies(chance: random.Random) -> Iterator[tuple[str, Policy]]:
    """Yield random policies, each with its kind; some have the name of a queue."""
    for number in range(12):
        definition = {name.removeprefix("x-"): value for name, value in random_arguments(chance, 2).items()}
        yield (
            chance.choice(("policies", "policies", "operator-policies")),
            Policy(
                name=f"{chance.choice('ab')}.{number}",
                pattern=chance.choice(("^a", "^b", "[1-3]$", r"^a\.1$", "")),
                definition=definition,
                priority=chance.randint(-2, 2),
                apply_to="queues",
            ),
        )


@pytest.mark.lengthy
def test_every_offered_policy_ends_the_difference_on_the_broker_and_changes_nothing_else(
    management: Management, broker: RabbitMQ, vhost: VirtualHost, pytestconfig: pytest.Config
) -> None:
    seed = pytestconfig.getoption("--seed")
    chance = random.Random(seed)  # noqa: S311 # no secrets here
    count = pytestconfig.getoption("--policies")
    queues = some_queues(chance, management, vhost.name, count)
    for kind, policy in some_policies(chance):
        put(management, vhost.name, policy, kind)
    wanted = [replace(each, arguments={**each.arguments, **random_arguments(chance, 2)}) for each in queues]
    want = Topology.of(wanted)

    before = broker.read()
    changes = {change.want.name: change for change in Plan.between(before, want).recreations if change.instead}
    refused = [each for each in changes.values() if each.instead and not put(management, vhost.name, each.instead)]
    after = broker.read()

    assert len(changes) > count / 10, seed
    assert refused == [], seed
    assert [name for name in changes if change_of(want.queues[name], after)] == [], seed
    for name, queue in before.queues.items():
        ended = (
            {each.attribute.removeprefix("x-") for each in changes[name].differences} if name in changes else set()
        )
        ours, theirs = effective_definition(queue, before), effective_definition(queue, after)
        assert ours.keys() | ended == theirs.keys() | ended, (seed, name)
        assert {key: value for key, value in ours.items() if theirs[key] != value}.keys() <= ended, (seed, name)


FAMILY = WorkerFamily(consumer_tag="tag", queues=(Queue(name="jobs.{worker_id}"),), bindings=())
ORDERS = ("--topology", "my.yaml")
LINE = "attune-infra migrate"


@pytest.mark.parametrize(
    ("have", "want", "line"),
    [
        (Queue(name="a", type="classic"), Queue(name="a", type="quorum"), f"{LINE} a --topology my.yaml"),
        (Queue(name="a b", type="classic"), Queue(name="a b", durable=False), f"{LINE} 'a b' --topology my.yaml"),
        (Queue(name="-a", type="classic"), Queue(name="-a", type="quorum"), f"{LINE} --topology my.yaml -- -a"),
        (Queue(name="a", exclusive=True, type="classic"), Queue(name="a"), None),
        (Queue(name="a", state="down", type="classic"), Queue(name="a", type="quorum"), None),
        (Queue(name="jobs.7", type="classic"), Queue(name="jobs.7", type="quorum"), None),
        (Exchange(name="a", type="fanout"), Exchange(name="a", type="topic"), None),
    ],
    ids=lambda found: getattr(found, "name", found),
)  # fmt: skip
def test_a_migration_is_named_for_a_queue_that_migrate_accepts(
    have: Queue | Exchange, want: Queue | Exchange, line: str | None
) -> None:
    existing = Topology.of([have])
    wanted = replace(Topology.of([want]), workers=FAMILY)

    plan = Plan.between(existing, wanted)
    [change] = plan.naming_migrations(existing, wanted, ORDERS).recreations

    assert change.migrate == line
    assert plan.recreations[0].migrate is None


def test_no_migration_is_named_for_a_queue_that_the_broker_would_refuse() -> None:
    existing = replace(Topology.of([Queue(name="a")]), version=(4, 3))
    wanted = Topology.of([Queue(name="a", type="quorum", arguments={"x-max-priority": 300})])

    plan = Plan.between(existing, wanted).foreseeing(existing, wanted, Restrictions())

    assert plan.refusals
    [change] = plan.naming_migrations(existing, wanted, ORDERS).recreations
    assert change.migrate is None


def test_the_policy_for_an_exchange_applies_to_exchanges() -> None:
    have, want = Exchange(name="e"), Exchange(name="e", arguments={"alternate-exchange": "other"})

    found = remedy_for(Topology.of([have]), Topology.of([want]))

    assert found is not None
    assert (found.apply_to, found.definition) == ("exchanges", {"alternate-exchange": "other"})
