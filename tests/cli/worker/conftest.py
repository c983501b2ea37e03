"""A topology that is set up and a registry that is there, for the commands about workers."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from attune_infra.broker.rabbitmq import RabbitMQ
from attune_infra.operations.setup import setup
from attune_infra.registry.workers import PostgresRegistry
from attune_infra.topology.model import Topology
from support.as_a_user import Command
from support.fleet import Fleet


@pytest.fixture
def registry(database_url: str) -> Iterator[PostgresRegistry]:
    """A registry that holds nobody yet."""
    registry = PostgresRegistry(database_url, timeout=10)
    registry.open()
    with registry:
        registry.create()
        yield registry


@pytest.fixture
def run(
    attune_infra_with_registry: Command, broker: RabbitMQ, topology: Topology, registry: PostgresRegistry
) -> Command:
    """The command, with topology and registry set up."""
    assert registry.workers() == {}
    setup(broker, topology)
    return attune_infra_with_registry


@pytest.fixture
def fleet(run: Command, tmp_path: Path) -> Iterator[Fleet]:
    fleet = Fleet(run, tmp_path)
    yield fleet
    fleet.close()
