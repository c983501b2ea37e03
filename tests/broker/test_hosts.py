"""Several hosts in one URL, on a real broker: dead, silent and lost hosts, and names with several addresses."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import replace

import amqp
import pytest

from attune_infra.broker.amqp.connection import Amqp, json_message
from attune_infra.broker.hosts import current, is_made_from
from attune_infra.broker.http.management import Management
from attune_infra.broker.rabbitmq import RabbitMQ
from attune_infra.errors import BrokerUnreachable, LoginRefused, NotRabbitMQ
from attune_infra.settings import Settings
from attune_infra.topology.model import Binding, Exchange, Queue
from support.proxy import Proxy
from support.servers import ANSWERS, closed_port, serve_answer, serve_silence
from support.virtual_host import VirtualHost

pytestmark = pytest.mark.any_broker

STARTING = b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n"
BOOTING = b"HTTP/1.1 500 Internal Server Error\r\nContent-Length: 0\r\n\r\n"


@contextmanager
def dead(kind: str) -> Iterator[int]:
    """Yield the port of a host that is not to be used."""
    with ExitStack() as stack:
        match kind:
            case "closed":
                yield closed_port()
            case "silent":
                yield stack.enter_context(serve_silence())
            case "hangs up":
                yield stack.enter_context(serve_answer(b""))
            case "stops in its answer":
                yield stack.enter_context(serve_answer(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{"))
            case "starting":
                yield stack.enter_context(serve_answer(STARTING))
            case _:
                yield stack.enter_context(serve_answer(BOOTING))


@pytest.mark.parametrize("kind", ["closed", "silent", "hangs up"])
def test_amqp_goes_to_the_next_host_and_stays_there(vhost: VirtualHost, kind: str) -> None:
    port, _ = vhost.ports
    with dead(kind) as first, Proxy(port) as live:
        settings = vhost.at(amqp=[first, live.port, closed_port()]).settings(timeout=0.5)
        for _ in range(2):
            with closing(Amqp(settings)) as client:
                assert client.target().host == f"127.0.0.1:{live.port}"
        assert current(settings.amqp).port == live.port


@pytest.mark.parametrize("kind", ["closed", "silent", "hangs up", "stops in its answer", "starting", "booting"])
def test_http_goes_to_the_next_host_and_stays_there(vhost: VirtualHost, kind: str) -> None:
    _, port = vhost.ports
    with dead(kind) as first:
        settings = vhost.at(management=[first, port]).settings(timeout=0.5)
        for _ in range(2):
            with RabbitMQ(settings) as broker:
                assert broker.target().host == f"127.0.0.1:{port}"
        assert current(settings.management).port == port


def test_one_host_is_not_named(broker: RabbitMQ) -> None:
    assert (broker.target().host, broker.amqp_target().host) == (None, None)


@pytest.mark.parametrize("over_amqp", [True, False])
def test_if_all_hosts_fail_each_has_its_reason(vhost: VirtualHost, over_amqp: bool) -> None:
    one, two = closed_port(), closed_port()
    with (
        dead("hangs up") as three,
        RabbitMQ(vhost.at([one, two, three], [one, two, three]).settings()) as broker,
        pytest.raises(BrokerUnreachable) as caught,
    ):
        (broker.amqp_target if over_amqp else broker.target)()

    closed = (
        "Server unexpectedly closed connection" if over_amqp else "Remote end closed connection without response"
    )
    reasons = [
        f"127.0.0.1:{one}: nothing listens on port {one}",
        f"127.0.0.1:{two}: nothing listens on port {two}",
        f"127.0.0.1:{three}: {closed}",
    ]
    what = f"cannot reach {'AMQP' if over_amqp else 'the management API'} at any of 3 hosts"
    assert caught.value.sentence == f"{what}: {'; '.join(reasons)}"
    assert caught.value.text == "\n  ".join((f"{what}:", *reasons))


@pytest.mark.parametrize("over_amqp", [True, False])
def test_a_host_that_refuses_the_login_is_not_passed_over(vhost: VirtualHost, over_amqp: bool) -> None:
    (amqp_port, http_port), closed = vhost.ports, closed_port()
    settings = vhost.at([closed, amqp_port, closed], [closed, http_port, closed]).settings()
    wrong = replace(
        settings,
        amqp=replace(settings.amqp, user="nobody"),
        management=replace(settings.management, user="nobody"),
    )
    with RabbitMQ(wrong) as broker, pytest.raises(LoginRefused) as caught:
        (broker.amqp_target if over_amqp else broker.target)()

    assert caught.value.sentence.endswith(f"(host 127.0.0.1:{amqp_port if over_amqp else http_port})")
    assert "the nodes of a cluster have the same users" in str(caught.value.hint)


def test_a_host_that_is_something_else_is_not_passed_over(vhost: VirtualHost) -> None:
    port, _ = vhost.ports
    with (
        serve_answer(ANSWERS["http"]) as first,
        RabbitMQ(vhost.at(amqp=[first, port]).settings()) as broker,
        pytest.raises(NotRabbitMQ) as caught,
    ):
        broker.amqp_target()
    assert caught.value.sentence == (
        f"cannot open an AMQP connection to 127.0.0.1:{first}: port {first} speaks HTTP, not AMQP"
    )


def test_http_requests_go_on_at_the_next_host(vhost: VirtualHost, broker: RabbitMQ) -> None:
    _, port = vhost.ports
    with (
        Proxy(port) as first,
        Proxy(port) as second,
        closing(Management(vhost.at(management=[first.port, second.port]).settings())) as http,
    ):
        http.put("queues", vhost.name, "one", body={"durable": True})
        http.overview()
        first.cut()
        assert http.put("queues", vhost.name, "two", body={"durable": True})
        assert len(http.get("queues", vhost.name, columns="name")) == 2
        with Proxy(port, port=first.port) as again:
            second.cut()
            http.delete("queues", vhost.name, "one")
            assert again.connections > 0

    assert set(broker.read().queues) == {"two"}


def test_a_slow_answer_is_not_asked_for_at_every_host(vhost: VirtualHost) -> None:
    _, port = vhost.ports
    with Proxy(port, hold_after=600) as first, Proxy(port) as second:
        settings = vhost.at(management=[first.port, second.port]).settings(timeout=0.5)
        with closing(Management(settings)) as http:
            http.overview()
            with pytest.raises(BrokerUnreachable, match=rf":{first.port}: .* within 0.5 s"):
                _repeat(http.overview)
        assert second.connections == 0


def _repeat(ask: Callable[[], object]) -> None:
    for _ in range(9):
        ask()


def _items() -> tuple[list[Exchange | Queue | Binding], list[Exchange | Queue | Binding]]:
    exchanges = [Exchange(name=f"e{number}", type="topic") for number in range(300)]
    bindings = [
        Binding(source=f"e{number}", destination=f"e{number + 1}", destination_type="exchange", routing_key="a.#")
        for number in range(299)
    ]
    return [*exchanges], [*bindings]


def test_declarations_that_are_cut_go_on_at_the_next_host(vhost: VirtualHost, broker: RabbitMQ) -> None:
    port, _ = vhost.ports
    with (
        Proxy(port, cut_after=5_000) as first,
        Proxy(port, cut_after=6_000) as second,
        Proxy(port) as third,
        closing(Amqp(vhost.at(amqp=[first.port, second.port, third.port]).settings())) as client,
    ):
        refused = [refusal for items in _items() for _, refusal in client.declare(items) if refusal]
        assert [each.connections for each in (first, second, third)] == [1, 1, 1]

    assert refused == []
    have = broker.read()
    assert (len(have.exchanges), len(have.bindings)) == (300, 299)


def test_every_host_is_lost_in_turn(vhost: VirtualHost) -> None:
    port, _ = vhost.ports
    with Proxy(port, cut_after=5_000) as first, Proxy(port, cut_after=5_000) as second:
        client = Amqp(vhost.at(amqp=[first.port, second.port]).settings())
        client.target()
        first.cut()
        second.cut()
        outcomes = [refusal for _, refusal in client.declare(_items()[0])]

    assert len(outcomes) == 300
    assert all(refusal and "at any of 2 hosts" in refusal.text for refusal in outcomes)


def test_questions_and_unbinding_go_on_at_the_next_host(vhost: VirtualHost, broker: RabbitMQ) -> None:
    port, _ = vhost.ports
    binding = Binding(source="amq.direct", destination="q", routing_key="k")
    with Proxy(port) as first, Proxy(port) as second:
        client = Amqp(vhost.at(amqp=[first.port, second.port]).settings())
        assert [refusal for item in (Queue(name="q"), binding) for _, refusal in client.declare([item])] == [
            None
        ] * 2
        first.cut()
        assert client.counts(["q"]) == {"q": (0, 0)}
        with Proxy(port, port=first.port):
            second.cut()
            client.unbind(binding)
            client.close()

    assert binding not in broker.read().bindings


def test_a_message_is_never_sent_twice(vhost: VirtualHost, channel: amqp.Channel) -> None:
    port, _ = vhost.ports
    channel.queue_declare("jobs", durable=True, auto_delete=False)
    with Proxy(port, cut_after=60_000) as first, Proxy(port) as second:
        client = Amqp(vhost.at(amqp=[first.port, second.port]).settings())
        message = json_message("x" * 10_000, "1")
        with pytest.raises(BrokerUnreachable):
            _repeat(lambda: client.publish("", "jobs", message))
        assert channel.queue_declare("jobs", passive=True).message_count in {5, 6}
        assert second.connections == 0

        client.publish("", "jobs", message)
        assert second.connections == 1
        client.close()


@pytest.mark.parametrize(
    ("cluster", "node", "is_made"),
    [
        ("rabbit@one.example.com", "rabbit@one", True),
        ("rabbit@one", "rabbit@one.example.com", True),
        ("rabbit@production", "rabbit@one", False),
        ("production", "rabbit@one", False),
        (None, "rabbit@one", False),
        ("rabbit@one", None, False),
    ],
)
def test_a_node_may_make_up_the_name_of_its_cluster(cluster: str | None, node: str | None, is_made: bool) -> None:
    assert is_made_from(cluster, node) == is_made


@pytest.fixture
def name_of(monkeypatch: pytest.MonkeyPatch) -> dict[str, list[str]]:
    """Host names of this process only, each with its addresses."""
    names: dict[str, list[str]] = {}
    ask: Callable[..., Sequence[object]] = socket.getaddrinfo

    def look_up(host: str, *args: object, **options: object) -> list[object]:
        return [found for each in names.get(host, [host]) for found in ask(each, *args, **options)]

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    return names


def named(settings: Settings, name: str) -> Settings:
    return replace(
        settings, amqp=replace(settings.amqp, host=name), management=replace(settings.management, host=name)
    )


def test_each_address_of_a_name_is_tried(vhost: VirtualHost, name_of: dict[str, list[str]]) -> None:
    name_of["rabbit.test"] = ["127.0.0.2", "127.0.0.1"]
    with RabbitMQ(named(vhost.settings(), "rabbit.test")) as broker:
        assert broker.target().cluster == broker.amqp_target().cluster


def test_a_silent_address_leaves_time_for_the_next(vhost: VirtualHost, name_of: dict[str, list[str]]) -> None:
    name_of["rabbit.test"] = ["127.0.0.2", "127.0.0.1"]
    with ExitStack() as stack:
        for port in vhost.ports:
            stack.enter_context(_full(port))
        with RabbitMQ(named(vhost.settings(timeout=1.0), "rabbit.test")) as broker:
            assert broker.target().cluster == broker.amqp_target().cluster


@contextmanager
def _full(port: int) -> Iterator[None]:
    """Take all that a port of another address of this machine accepts: further connections get no answer."""
    with ExitStack() as stack:
        stack.enter_context(socket.create_server(("127.0.0.2", port), backlog=0))
        stack.enter_context(socket.create_connection(("127.0.0.2", port)))
        yield
