"""Declaring many objects over AMQP on a real broker. Each refusal has a name and the broker's reason."""

from dataclasses import replace
from urllib.parse import urlsplit

import amqp
import pytest

from attune_infra.broker.amqp.connection import Amqp
from attune_infra.broker.http.management import Management
from attune_infra.broker.rabbitmq import RabbitMQ
from attune_infra.errors import BrokerUnreachable
from attune_infra.sandbox import BoundSandbox
from attune_infra.settings import Settings
from attune_infra.topology.model import Binding, Exchange, Queue
from support.eventually import eventually
from support.proxy import Proxy
from support.under_test import BrokerUnderTest
from support.virtual_host import VirtualHost


def declare(vhost: VirtualHost, *items: Exchange | Queue | Binding) -> dict[str, str | None]:
    """Declare things and return what became of each: None, or the broker's reason."""
    return declare_with(vhost.settings(), *items)


def declare_with(settings: Settings, *items: Exchange | Queue | Binding) -> dict[str, str | None]:
    client = Amqp(settings)
    try:
        declared = {getattr(item, "name", str(item)): refusal for item, refusal in client.declare(items)}
        return {name: refusal.text if refusal else None for name, refusal in declared.items()}
    finally:
        client.close()


def through(proxy: Proxy, settings: Settings) -> Settings:
    return replace(settings, amqp=replace(settings.amqp, host="127.0.0.1", port=proxy.port), timeout=1.0)


def many(count: int) -> list[Queue]:
    return [Queue(name=f"q{number}") for number in range(count)]


def test_every_kind_and_attribute_arrives(
    vhost: VirtualHost, broker: RabbitMQ, under_test: BrokerUnderTest
) -> None:
    short_lived = Queue(name="short lived", durable=under_test.denies_transient_queues, auto_delete=True)
    items = (
        Exchange(name="topic", type="topic", durable=False, auto_delete=True),
        Exchange(name="inner", type="headers", internal=True, arguments={"alternate-exchange": "topic"}),
        Queue(name="classic", arguments={"x-max-length": 5, "x-overflow": "reject-publish"}),
        Queue(name="quorum", type="quorum", arguments={"x-delivery-limit": 3}),
        Queue(name="stream", type="stream"),
        short_lived,
    )
    bindings = (
        Binding(source="topic", destination="inner", destination_type="exchange", routing_key="a.#"),
        Binding(source="inner", destination="classic", arguments={"x-match": "any", "kind": "x", "n": 1}),
    )

    assert set(declare(vhost, *items).values()) == {None}
    assert set(declare(vhost, *bindings).values()) == {None}

    have = broker.read()
    assert set(have.exchanges.values()) == set(items[:2])
    assert have.exchanges["inner"].arguments == {"alternate-exchange": "topic"}
    assert [have.queues[queue].type for queue in ("classic", "quorum", "stream")] == [
        "classic",
        "quorum",
        "stream",
    ]
    assert have.queues["classic"].arguments == {"x-max-length": 5, "x-overflow": "reject-publish"}
    assert have.queues["short lived"] == replace(short_lived, type="classic")
    assert have.bindings == set(bindings)


@pytest.mark.parametrize(
    "name",
    [
        "a b",
        "a/b",
        "a%2Fb",
        "a+b",
        "a#b",
        "a?b",
        "a&b",
        "a;b:c",
        "'\"",
        "[red]",
        "🐰",
        "e\u0301",
        "שלום",
        "~",
        "*",
    ],
)
def test_any_name_works_over_both_protocols(vhost: VirtualHost, management: Management, name: str) -> None:
    assert declare(vhost, Exchange(name=name), Queue(name=name)) == {name: None}
    assert declare(vhost, Binding(source=name, destination=name, routing_key=name))

    assert management.get("exchanges", vhost.name, name)["name"] == name
    assert management.get("queues", vhost.name, name)["name"] == name
    [binding] = management.get("bindings", vhost.name, "e", name, "q", name)
    assert binding["routing_key"] == name


def test_refusals_among_many_are_named_and_all_others_are_created(
    vhost: VirtualHost, channel: amqp.Channel, broker: RabbitMQ
) -> None:
    channel.queue_declare("q500", durable=True, auto_delete=True)
    channel.queue_declare("q501", durable=True, auto_delete=False, arguments={"x-max-length": 1})

    outcomes = declare(vhost, *many(1500), Queue(name="amq.mine"))

    assert {name: reason for name, reason in outcomes.items() if reason} == {
        "q500": f"PRECONDITION_FAILED - inequivalent arg 'auto_delete' for queue 'q500' in vhost '{vhost.name}':"
        " received 'false' but current is 'true'",
        "q501": f"PRECONDITION_FAILED - inequivalent arg 'x-max-length' for queue 'q501' in vhost '{vhost.name}':"
        " received none but current is the value '1' of type 'signedint'",
        "amq.mine": "ACCESS_REFUSED - queue name 'amq.mine' contains reserved prefix 'amq.*'",
    }
    assert set(broker.read().queues) == {f"q{number}" for number in range(1500)}


def test_a_refusal_that_closes_the_connection_spares_the_others(vhost: VirtualHost, broker: RabbitMQ) -> None:
    fatal = Exchange(name="fatal", type="no-such-type")

    outcomes = declare(vhost, *(Exchange(name=f"e{number}") for number in range(40)), fatal)

    assert [name for name, reason in outcomes.items() if reason] == ["fatal"]
    assert "exchange type" in str(outcomes["fatal"])
    assert len(broker.read().exchanges) == 40


def test_a_broken_connection_is_opened_again(vhost: VirtualHost, broker: RabbitMQ) -> None:
    port = urlsplit(vhost.amqp_url).port
    assert port is not None
    with Proxy(port, cut_after=5_000) as proxy:
        outcomes = declare_with(through(proxy, vhost.settings()), *many(300))
        assert proxy.connections > 1

    told = {name for name, reason in outcomes.items() if reason}
    made = set(broker.read().queues)
    assert made | told == set(outcomes)
    assert len(told) < 10


def test_waiting_for_a_silent_broker_ends(vhost: VirtualHost) -> None:
    port = urlsplit(vhost.amqp_url).port
    assert port is not None
    with Proxy(port, hold_after=3_000) as proxy:
        outcomes = declare_with(replace(through(proxy, vhost.settings()), timeout=0.3), *many(2))
        assert proxy.connections >= 1
    assert set(outcomes) == {"q0", "q1"}

    with Proxy(port, hold_after=1) as proxy:
        client = Amqp(replace(through(proxy, vhost.settings()), timeout=0.3))
        with pytest.raises(BrokerUnreachable, match="no answer in time"):
            client.target()


def test_after_the_death_of_the_broker_each_object_has_a_refusal(
    sandbox: BoundSandbox, vhost: VirtualHost
) -> None:
    client = Amqp(replace(vhost.settings(), timeout=2.0))
    client.target()
    sandbox.kill_broker()
    try:
        outcomes = dict(client.declare(many(20)))
    finally:
        sandbox.start_broker()

    assert len(outcomes) == 20
    assert all(reason for reason in outcomes.values())


def test_counts_of_consumers_are_exact(vhost: VirtualHost, channel: amqp.Channel) -> None:
    for queue in ("none", "two"):
        channel.queue_declare(queue, durable=True, auto_delete=False)
    for _ in range(2):
        channel.basic_consume("two")
    client = Amqp(vhost.settings())

    assert client.counts(["none", "gone", "two", "gone too"]) == {"none": (0, 0), "two": (0, 2)}
    client.close()


def test_a_connection_declares_after_counting_and_after_an_abandoned_declaration(
    vhost: VirtualHost, broker: RabbitMQ
) -> None:
    client = Amqp(vhost.settings())
    assert set(dict(client.declare(many(100))).values()) == {None}
    assert len(client.counts([queue.name for queue in many(100)])) == 100

    assert next(client.declare([Queue(name=f"more{number}") for number in range(1000)]))[1] is None
    outcomes = dict(client.declare([Queue(name=f"last{number}") for number in range(200)]))
    client.close()

    assert len(outcomes) == 200
    assert set(outcomes.values()) == {None}
    assert {f"last{number}" for number in range(200)} <= set(broker.read().queues)


def test_closing_leaves_no_connection(vhost: VirtualHost, management: Management) -> None:
    declare(vhost, *many(3))

    eventually(lambda: management.get("vhosts", vhost.name, "connections"), lambda found: found == [])
