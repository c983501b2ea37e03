"""Parameters, asked of the broker: the tables of `facts.parameters` hold on each release."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import Any
from urllib.parse import quote

import pytest

from attune_infra.broker import answers, controls
from attune_infra.broker.http.management import Management
from attune_infra.broker.rabbitmq import RabbitMQ
from attune_infra.broker.wire import body_of
from attune_infra.errors import BrokerError, VirtualHostMissing
from attune_infra.sandbox import BoundSandbox
from attune_infra.topology.diff import OTHER_CREDENTIALS, Create, Update, change_of
from attune_infra.topology.facts.arguments import Rule
from attune_infra.topology.facts.parameters import (
    DELETE_AFTER,
    SET_RULES,
    SHOVEL_RULES,
    UPSTREAM_RULES,
    parameter_problems,
    parameter_refusal,
)
from attune_infra.topology.model import (
    PARAMETER_GROUP,
    Argument,
    FederationUpstreamSet,
    GlobalParameter,
    Parameter,
    Queue,
    Shovel,
    global_parameter_of,
    parameter_of,
)
from attune_infra.topology.planning.report import Outcome, Status
from support.eventually import eventually
from support.under_test import BrokerUnderTest, Release
from support.virtual_host import VirtualHost

NOWHERE = "amqp://127.0.0.1:1"
"""A URI of a broker that does not answer, so that no shovel makes queues."""

URIS: list[Argument] = [
    *("amqp://", "amqp://localhost", "amqps://h", "AMQP://h", "amqp://[::1]:5672", "amqp://h?heartbeat=5"),
    *("http://h", "h", "", "amqp://h:x", "amqp://h/a/b", "amqp://h/a%2Fb"),
]
URIS += [[NOWHERE], [NOWHERE, "x"], [1], 1]
OLD: dict[str, Argument] = {
    "src-protocol": "amqp091",
    "src-queue": "q",
    "dest-protocol": "amqp091",
    "dest-queue": "d",
}
NEW: dict[str, Argument] = {
    "src-protocol": "amqp10",
    "src-address": "q",
    "dest-protocol": "amqp10",
    "dest-address": "d",
}
LOCAL: dict[str, Argument] = {
    "src-protocol": "local",
    "src-queue": "q",
    "dest-protocol": "local",
    "dest-queue": "d",
}
ODD: dict[str, Argument] = {"x": 1, "uri": NOWHERE, "max-hop": 1, "ha-policy": "all", "internal": True}
"""Keys that no document may have; a release may take some of them."""

NUMBERS_OR_WORDS: tuple[Argument, ...] = ("never", "queue-length", "x", 5, 0, -1, 1.5)


@pytest.fixture(scope="module")
def sandbox(sandbox_with_plugins: BoundSandbox) -> BoundSandbox:
    return sandbox_with_plugins


def accepts(management: Management, item: Parameter | GlobalParameter, vhost: VirtualHost) -> bool:
    try:
        management.put(*controls.path_of(item, vhost.name), body=body_of(item))
    except BrokerError:
        return False
    with suppress(VirtualHostMissing):  # a 404: a shovel that has nothing to move deletes itself
        management.delete(*controls.path_of(item, vhost.name))
    return True


def foreseen(item: Parameter, release: Release) -> bool:
    return any(parameter_problems(item)) or parameter_refusal(item, release) is not None


def values_of(rule: Rule) -> tuple[Argument, ...]:
    """Return some values that a key may have, and one that it may not; none for a table, which is answered 500."""
    if rule.name in DELETE_AFTER:
        return NUMBERS_OR_WORDS
    if rule.choices:
        return (*rule.choices, "other", 1)
    by_kind: dict[type, tuple[Argument, ...]] = {str: ("x", 1), int: (0, 1, "1"), bool: (True, "true")}
    return by_kind.get(rule.kind, ({},))


def shovels(release: Release) -> Iterator[Mapping[str, Argument]]:
    """Yield shovels; none that older releases answer with 500, which is tried again."""
    ends: dict[str, Argument] = {"src-uri": NOWHERE, "dest-uri": NOWHERE}
    for base in (OLD, NEW, LOCAL) if release >= (4, 3) else (OLD, NEW):
        yield {**ends, **base}
        for key in (*ends, *base):
            yield {each: value for each, value in {**ends, **base}.items() if each != key}
        for key, rule in SHOVEL_RULES.items():
            if not key.endswith("-protocol"):
                yield from ({**ends, **base, key: value} for value in values_of(rule))
        yield from ({**ends, **base, key: value} for key, value in ODD.items())
    yield {**ends, "src-queue": "q"}
    yield {**ends, "src-exchange": "x", "dest-exchange": "y"}
    yield {**ends, **OLD, "ack-mode": "no-ack", "src-delete-after": 5}
    yield {**ends, **OLD, "ack-mode": "no-ack", "delete-after": "never"}


def upstreams() -> Iterator[Mapping[str, Argument]]:
    for key, rule in UPSTREAM_RULES.items():
        yield from ({"uri": NOWHERE, key: value} for value in values_of(rule))
    yield from ({"uri": NOWHERE, key: value} for key, value in ODD.items() if key != "uri")
    yield from ({"uri": value} for value in URIS)
    yield {}


def unknown_keys(value: Mapping[str, Argument], known: Mapping[str, Any], *more: str) -> bool:
    return not value.keys() <= {*known, *more}


def test_rabbitmq_takes_the_upstreams_that_a_document_may_have(
    management: Management, vhost: VirtualHost, under_test: BrokerUnderTest
) -> None:
    for value in upstreams():
        item = parameter_of("federation-upstream", "u", dict(value))
        known = not unknown_keys(value, UPSTREAM_RULES, "uri") and item.held is None
        taken = accepts(management, item, vhost)
        allowed = known and not foreseen(item, under_test.release)
        is_empty_list = value.get("uri") == []
        assert taken is allowed or (taken and (not known or is_empty_list)), value


def test_rabbitmq_takes_the_sets_that_a_document_may_have(
    management: Management, vhost: VirtualHost, under_test: BrokerUnderTest
) -> None:
    pairs = [(key, value) for key, rule in SET_RULES.items() for value in values_of(rule)]
    for key, value in (*pairs, *ODD.items()):
        item = FederationUpstreamSet(name="s", value=[{"upstream": "a", key: value}])
        taken = accepts(management, item, vhost)
        is_odd = key in ODD and taken
        assert taken is (key in SET_RULES and not foreseen(item, under_test.release)) or is_odd, item
    oddities: tuple[list[Argument], ...] = ([], [{}])
    for odd in oddities:
        item = FederationUpstreamSet(name="s", value=odd)
        assert accepts(management, item, vhost) is not foreseen(item, under_test.release), odd


def test_rabbitmq_takes_the_shovels_that_a_document_may_have(
    management: Management, vhost: VirtualHost, under_test: BrokerUnderTest
) -> None:
    for value in shovels(under_test.release):
        item = parameter_of("shovel", "s", dict(value))
        known = not unknown_keys(value, SHOVEL_RULES, "src-uri", "dest-uri")
        taken = accepts(management, item, vhost)
        allowed = known and not foreseen(item, under_test.release)
        assert taken is allowed or (taken and not known), dict([*value.items()][::-1])


def test_what_was_set_is_read_changed_and_deleted(broker: RabbitMQ) -> None:
    secret = "amqp://u:s3cret-one@127.0.0.1:1"
    wanted: list[Parameter | GlobalParameter] = [
        parameter_of("shovel", "a/b", {"src-uri": [secret], "dest-uri": NOWHERE, "src-queue": "q"}),
        parameter_of("federation-upstream-set", "é", [{"upstream": "a/b"}]),
        parameter_of("federation-upstream", "a/b", {"uri": secret}),
        global_parameter_of("a/b", {"some": ["thing", 1.5, None]}),
    ]

    made = [*broker.apply([Create(item) for item in wanted])]
    have = broker.read(controls=PARAMETER_GROUP)

    assert {outcome.status for outcome in made} == {Status.CREATED}
    kinds = ["federation_upstream", "federation_upstream_set", "global_parameter", "shovel"]
    assert [item.object.kind for item in made if isinstance(item.object, Parameter | GlobalParameter)] == kinds
    assert "s3cret" not in repr(have)
    assert all(change_of(item, have) is None for item in wanted)
    other = parameter_of("federation-upstream", "a/b", {"uri": secret.replace("one", "two"), "max-hops": 2})
    change = change_of(other, have)
    assert isinstance(change, Update)
    found = [(each.attribute, each.want) for each in change.differences]
    assert found == [("max-hops", 2), ("uri", OTHER_CREDENTIALS)]
    assert "s3cret" not in repr(change)
    assert [each.status for each in broker.apply([change])] == [Status.UPDATED]
    assert change_of(other, broker.read(controls=PARAMETER_GROUP)) is None

    assert {each.status for each in broker.delete(wanted, even_if_used=False)} == {Status.DELETED}
    left = broker.read(controls=PARAMETER_GROUP)
    assert (left.parameters, left.global_parameters) == ({}, {})


def test_a_shovel_waits_for_its_queue_rather_than_let_rabbitmq_make_another(
    broker: RabbitMQ, vhost: VirtualHost
) -> None:
    refused = Queue(name="q", type="quorum", arguments={"x-max-priority": 5})
    shovel = Shovel(
        name="s", value={"src-uri": f"amqp:///{quote(vhost.name)}", "src-queue": "q", "dest-uri": NOWHERE}
    )

    outcomes = {outcome.object: outcome for outcome in broker.apply([Create(shovel), Create(refused)])}

    assert outcomes[refused].status is Status.FAILED
    assert outcomes[shovel] == Outcome(shovel, Status.SKIPPED, "queue q could not be created")


def test_a_refusal_quotes_no_password_and_names_the_missing_plugin(broker: RabbitMQ) -> None:
    missing = controls.reason_of(Shovel(name="s", value={}), "Validation failed\n\ncomponent shovel not found\n")
    assert missing.endswith("brings it: run `rabbitmq-plugins enable rabbitmq_shovel` on each node")
    refused = parameter_of("federation-upstream", "u", {"uri": "amqp://u:s3cret/w@h"})
    unknown = Parameter(component="nonsense", name="n", value=1)

    reasons = [each.reason for each in broker.apply([Create(refused), Create(unknown)])]

    assert reasons == [
        "RabbitMQ takes one of its URIs for invalid; its sentence is left out, since it quotes the password",
        "RabbitMQ has no component nonsense, since no enabled plugin brings it: enable its plugin",
    ]


def test_a_shovel_reaches_the_virtual_host_of_its_uri_on_the_same_broker_or_the_default_one(
    broker: RabbitMQ, management: Management
) -> None:
    uris = {"of-the-default": "amqp://", "of-one-named": "amqp:///%2F"}
    shovels = [
        Shovel(name=name, value={"src-uri": uri, "dest-uri": "amqp://", "src-queue": name, "dest-queue": "q"})
        for name, uri in uris.items()
    ]

    applied = broker.apply([Create(each) for each in shovels])
    assert [each.status for each in applied] == [Status.CREATED, Status.CREATED]

    def names() -> set[str]:
        return {each["name"] for each in management.get("queues", "/", shape=answers.QUEUES)}

    assert eventually(names, lambda found: found >= uris.keys())
    assert not uris.keys() & broker.read().queues.keys()
