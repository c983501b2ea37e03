"""Round trips of commands to a broker that is far away: counted behind a proxy that delays bytes, never timed."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Final

import pytest

from attune_infra.broker.amqp.connection import MAX_LANES
from attune_infra.registry.workers import PostgresRegistry
from attune_infra.settings import DATABASE_URL
from support.as_a_user import Command
from support.distance import Distance, at_distance
from support.virtual_host import VirtualHost

DELAYS: Final = (0.1, 0.4, 1.6)
"""Seconds of a round trip. On a busy machine a short one is over before all that can go at once is sent."""

MOST: Final = {
    "setup": 4,
    "diff": 4,
    "export": 3,
    "worker provision --id 1": 4,
    "worker list": 4,
    "verify": 8,
    "lint --live": 9,
    "doctor": 14,
}
"""The round trips of commands that find nothing to do, after the connections are made."""

MOST_TO_PROVISION: Final = 17
"""Those of provisioning many new workers."""


@contextmanager
def echoing() -> Iterator[int]:
    """Yield the port of a server that returns each byte."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def echo(client: socket.socket) -> None:
            with client:
                while data := client.recv(100):
                    client.sendall(data)

        def accept() -> None:
            with suppress(OSError):
                while True:
                    threading.Thread(target=echo, args=(listener.accept()[0],), daemon=True).start()

        threading.Thread(target=accept, daemon=True).start()
        yield listener.getsockname()[1]
        listener.shutdown(socket.SHUT_RDWR)


def ask(*clients: socket.socket) -> None:
    """Send a byte over each client, then wait for each answer."""
    for client in clients:
        client.sendall(b"x")
    for client in clients:
        assert client.recv(1) == b"x"


def test_waits_behind_one_another_count_and_those_side_by_side_count_once() -> None:
    with echoing() as port, at_distance(port, round_trip=0.4) as distance:
        [away] = distance.ports
        with socket.create_connection(("127.0.0.1", away)) as one:
            ask(one)
            assert (distance.round_trips, distance.with_connecting) == (1, 2)
            with socket.create_connection(("127.0.0.1", away)) as other:
                ask(one, other)
                assert (distance.round_trips, distance.with_connecting) == (2, 4)
                ask(other)
                ask(one)
        assert (distance.round_trips, distance.with_connecting, distance.connections) == (4, 6, 2)


def count(command: str, attune_infra: Command, vhost: VirtualHost, distance: Distance) -> int:
    """Return the round trips of a command that succeeds, or finds something."""
    distance.reset()
    amqp_port, management_port = distance.ports
    far = vhost.at(amqp=[amqp_port], management=[management_port])
    result = attune_infra(*command.split(), environment=far.environment)
    assert (result.code in {0, 2}, result.stderr) == (True, "")
    return distance.round_trips


@pytest.mark.lengthy
def test_commands_wait_for_few_round_trips(attune_infra_with_registry: Command, vhost: VirtualHost) -> None:
    attune_infra = attune_infra_with_registry
    with PostgresRegistry(attune_infra.environment[DATABASE_URL.variable], timeout=10) as registry:
        registry.open()
        registry.create()
    for command in ("setup", "worker register --name w1", "worker provision --id 1"):
        assert attune_infra(*command.split()).code == 0
    left = MOST

    for delay in DELAYS:
        with at_distance(*vhost.ports, round_trip=delay) as distance:
            found = {command: count(command, attune_infra, vhost, distance) for command in left}
        assert 0 not in found.values()
        left = {command: most for command, most in left.items() if found[command] > most}

    assert {command: found[command] for command in left} == {}


def test_many_workers_wait_for_as_few_round_trips_as_some(attune_infra: Command, vhost: VirtualHost) -> None:
    assert attune_infra("setup").code == 0
    found = []

    for first, delay in zip((1, 1001, 2001), DELAYS, strict=True):
        with at_distance(*vhost.ports, round_trip=delay) as distance:
            ids = f"{first}-{first + 40 * MAX_LANES}"
            found.append(count(f"worker provision --id {ids}", attune_infra, vhost, distance))
        if found[-1] <= MOST_TO_PROVISION:
            break

    assert min(found) <= MOST_TO_PROVISION
