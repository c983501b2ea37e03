"""Probes of routes on a real broker. They leave nothing behind."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from attune_infra.broker.http.management import Management
from attune_infra.broker.rabbitmq import THROWAWAY, RabbitMQ
from attune_infra.errors import BrokerError
from attune_infra.operations.probe import probe
from attune_infra.settings import AMQP_URL, MANAGEMENT_URL
from attune_infra.topology.document.parse import parse
from attune_infra.topology.model import (
    Argument,
    Binding,
    Exchange,
    Message,
    Policy,
    Queue,
    Route,
    Topology,
    TopologyObject,
)
from attune_infra.topology.verify import Verdict
from support.folders import EXAMPLES
from support.proxy import Proxy
from support.virtual_host import VirtualHost

DOCUMENTS = sorted(set(EXAMPLES.glob("*.yaml")) - {EXAMPLES / "users.yaml"})
"""The examples with routes."""
EVERYTHING: tuple[TopologyObject, ...] = (
    Exchange(name="e", type="topic"),
    Exchange(name="inner", type="fanout", internal=True),
    Queue(name="q", arguments={"x-message-ttl": 0, "x-max-length": 0}),
    Queue(name="r", type="stream"),
    Binding(source="e", destination="inner", destination_type="exchange", routing_key="in.*"),
    Binding(source="inner", destination="q"),
    Binding(source="e", destination="r", routing_key="*"),
    Binding(source="amq.match", destination="r", arguments={"n": 1}),
    Policy(name="rest", pattern="^e$", definition={"alternate-exchange": "inner"}),
)


def route(exchange: str, key: str, *reaches: str, **headers: Argument) -> Route:
    return Route(publish=Message(exchange=exchange, routing_key=key, headers=headers), reaches=reaches)


def throwaways(management: Management) -> list[str]:
    return [item["name"] for item in management.get("vhosts") if item["name"].startswith(THROWAWAY)]


def test_each_route_is_checked_against_the_arrivals_on_the_broker(
    broker: RabbitMQ, management: Management
) -> None:
    routes = (
        route("e", "in.a", "q"),
        route("e", "a", "r"),
        route("e", "a.b", "q"),
        route("", "r", "r"),
        route("amq.match", "", "r", n=1),
        route("amq.match", "", n=2),
        route("inner", ""),
        route("inner", "a", "q"),
        route("e", "in.b", "q", "r"),
        route("e", "b"),
    )

    checks = probe(broker, Topology.of(EVERYTHING, routes=routes))

    assert [check.verdict for check in checks] == [Verdict.PASSED] * 7 + [Verdict.FAILED] * 3
    assert "publishes a message that RabbitMQ refuses: " in checks[7].detail
    assert [check.detail for check in checks[8:]] == ["did not arrive in queue r", "also arrived in queue r"]
    assert throwaways(management) == []
    assert broker.read().objects() == ()


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_the_routes_of_the_examples_hold_on_the_broker(path: Path, broker: RabbitMQ) -> None:
    topology = parse(path.read_text(encoding="utf-8"), source=path.name)

    checks = probe(broker, topology)

    assert len(checks) == len(topology.routes)
    assert {check.verdict for check in checks} == {Verdict.PASSED}


def test_a_topology_that_cannot_be_created_is_reported_and_removed(
    broker: RabbitMQ, management: Management
) -> None:
    [check] = probe(broker, Topology.of([Exchange(name="e", type="no-such-type")], routes=(route("e", ""),)))

    assert check.verdict is Verdict.UNKNOWN
    assert "could not be created for the probe" in check.detail
    assert throwaways(management) == []


def test_a_topology_without_routes_proves_nothing(broker: RabbitMQ) -> None:
    [check] = probe(broker, Topology.of(EVERYTHING))

    assert (check.verdict, check.detail) == (Verdict.WARNING, "the topology has no routes, so nothing was proven")


def test_the_virtual_host_is_removed_after_any_exception(broker: RabbitMQ, management: Management) -> None:
    def fail() -> None:
        with broker.throwaway():
            assert len(throwaways(management)) == 1
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()

    assert throwaways(management) == []


def test_a_virtual_host_left_behind_is_named_with_the_command_to_delete_it(
    vhost: VirtualHost, management: Management
) -> None:
    with ExitStack() as line:
        proxy = line.enter_context(Proxy(urlsplit(vhost.management_url).port or 0))
        through = {MANAGEMENT_URL: f"http://127.0.0.1:{proxy.port}"}
        broker = line.enter_context(RabbitMQ(vhost.settings(flags={AMQP_URL: vhost.amqp_url, **through})))

        def fail() -> None:
            with broker.throwaway():
                line.close()

        with pytest.raises(BrokerError, match="could not be removed") as caught:
            fail()

    [name] = throwaways(management)
    management.delete("vhosts", name)
    assert caught.value.hint == f"it is no longer needed, delete it: rabbitmqctl delete_vhost '{name}'"


@pytest.mark.parametrize("tag", ["management", "policymaker", "monitoring"])
def test_a_user_who_may_not_make_virtual_hosts_is_told_the_missing_tag(
    vhost: VirtualHost, management: Management, tag: str
) -> None:
    management.put("users", "modest", body={"password": "s3cret", "tags": tag})
    everything = {"configure": ".*", "write": ".*", "read": ".*"}
    management.put("permissions", vhost.name, "modest", body=everything)
    url = vhost.amqp_url.replace("guest:guest", "modest:s3cret")

    with RabbitMQ(vhost.settings(flags={AMQP_URL: url})) as broker:
        [check] = probe(broker, Topology.of(EVERYTHING, routes=(route("e", "a", "r"),)))

    assert check.verdict is Verdict.UNKNOWN
    assert "user 'modest' may not make a virtual host: the administrator tag is missing" in check.detail
    assert check.hint is not None
    assert "rabbitmqctl set_user_tags modest administrator" in check.hint
    assert throwaways(management) == []


def test_amqp_and_the_management_api_may_have_different_users(
    vhost: VirtualHost, management: Management, broker: RabbitMQ
) -> None:
    management.put("users", "publisher", body={"password": "s3cret", "tags": ""})
    amqp = replace(broker.settings.amqp, user="publisher", password="s3cret")

    with RabbitMQ(replace(vhost.settings(), amqp=amqp)) as other:
        [check] = probe(other, Topology.of(EVERYTHING, routes=(route("e", "a", "r"),)))

    assert check.verdict is Verdict.PASSED
