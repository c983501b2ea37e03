"""A real RabbitMQ and a real PostgreSQL for the whole run; a virtual host and a database for each test."""

from __future__ import annotations

from collections.abc import Iterator
from secrets import token_hex
from urllib.parse import quote, urlsplit

import amqp
import psycopg
import pytest

from as_a_user import Command
from attune_infra.broker.rabbitmq import RabbitMQ
from attune_infra.sandbox import BoundSandbox, bound
from attune_infra.settings import DATABASE_URL
from virtual_host import Administrator, VirtualHost


@pytest.fixture(scope="session")
def sandbox() -> Iterator[BoundSandbox]:
    with bound() as sandbox:
        yield sandbox


@pytest.fixture
def vhost(sandbox: BoundSandbox) -> Iterator[VirtualHost]:
    name = f"test {token_hex(4)}"
    base = sandbox.amqp_url.rpartition("/")[0]
    made = VirtualHost(name, f"{base}/{quote(name, safe='')}", sandbox.management_url)
    management = Administrator(made.settings())
    management.put("vhosts", name, body={})
    yield made
    management.delete("vhosts", name)
    management.close()


@pytest.fixture
def management(vhost: VirtualHost) -> Iterator[Administrator]:
    """The management API as an administrator."""
    management = Administrator(vhost.settings())
    yield management
    management.close()


@pytest.fixture
def broker(vhost: VirtualHost) -> Iterator[RabbitMQ]:
    with RabbitMQ(vhost.settings()) as broker:
        yield broker


@pytest.fixture
def channel(vhost: VirtualHost) -> Iterator[amqp.Channel]:
    """A channel of a plain AMQP client that knows nothing of this program."""
    connection = vhost.client()
    yield connection.channel()
    connection.close()


@pytest.fixture
def database_url(sandbox: BoundSandbox) -> Iterator[str]:
    """An empty database."""
    assert sandbox.database_url is not None
    name = f"test_{token_hex(4)}"
    with psycopg.connect(sandbox.database_url, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}".encode())
        yield urlsplit(sandbox.database_url)._replace(path=f"/{name}").geturl()
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())


@pytest.fixture
def attune_infra(vhost: VirtualHost) -> Command:
    """The command, with the environment of a service beside this virtual host."""
    return Command(vhost.environment)


@pytest.fixture
def attune_infra_with_registry(vhost: VirtualHost, database_url: str) -> Command:
    """The same, with an empty database too."""
    return Command(vhost.environment | {DATABASE_URL.variable: database_url})


@pytest.fixture
def attune_infra_alone() -> Command:
    """The same, in an environment that names no server."""
    return Command({})
