"""A real RabbitMQ and a real PostgreSQL for the whole run; a virtual host and a database for each test."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from secrets import token_hex
from typing import Any, Protocol
from urllib.parse import quote, urlsplit

import amqp
import psycopg
import pytest

from attune_infra.broker.management import Management, path
from attune_infra.broker.rabbitmq import RabbitMQ
from attune_infra.sandbox import BoundSandbox, bound
from attune_infra.settings import AMQP_URL, DATABASE_URL, MANAGEMENT_URL, Settings, resolve


@pytest.fixture(scope="session")
def sandbox() -> Iterator[BoundSandbox]:
    with bound() as sandbox:
        yield sandbox


class Administrator(Management):
    """The management API, with the deletions that only tests need."""

    def delete(self, *segments: str) -> None:
        self._api_delete(path(*segments))


@dataclass(frozen=True)
class VirtualHost:
    """A virtual host of one test; its name has a space, since names may."""

    name: str
    amqp_url: str
    management_url: str

    def settings(self, **changes: Any) -> Settings:
        flags = {AMQP_URL: self.amqp_url, MANAGEMENT_URL: self.management_url}
        return resolve(flags | changes.pop("flags", {}), {}, **changes)

    def client(self) -> amqp.Connection:
        """Return a plain AMQP client, connected."""
        parts = urlsplit(self.amqp_url)
        connection = amqp.Connection(
            f"{parts.hostname}:{parts.port}", virtual_host=self.name, connect_timeout=10, read_timeout=10
        )
        connection.connect()
        return connection

    @property
    def environment(self) -> dict[str, str]:
        return {AMQP_URL.variable: self.amqp_url, MANAGEMENT_URL.variable: self.management_url}


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


@dataclass(frozen=True)
class Result:
    """What a user saw of a command."""

    code: int
    stdout: str
    stderr: str

    @property
    def lines(self) -> list[str]:
        return self.stdout.splitlines()

    @property
    def json(self) -> Any:
        return json.loads(self.stdout)


class Command(Protocol):
    """Run `attune-infra` with these arguments, as a user would."""

    def __call__(self, *arguments: str, environment: Mapping[str, str] | None = None) -> Result: ...

    def start(self, *arguments: str) -> subprocess.Popen[str]: ...


@dataclass(frozen=True)
class _Command:
    environment: Mapping[str, str]

    def __call__(self, *arguments: str, environment: Mapping[str, str] | None = None) -> Result:
        process = self.start(*arguments, environment=environment)
        stdout, stderr = process.communicate(timeout=60)
        return Result(process.returncode, stdout, stderr)

    def start(self, *arguments: str, environment: Mapping[str, str] | None = None) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-m", "attune_infra", *arguments],
            env=clean_environment() | dict(self.environment) | dict(environment or {}),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )


@pytest.fixture
def attune_infra(vhost: VirtualHost) -> Command:
    """The command, with the environment of a service beside this virtual host."""
    return _Command(vhost.environment)


@pytest.fixture
def attune_infra_with_registry(vhost: VirtualHost, database_url: str) -> Command:
    """The same, with an empty database too."""
    return _Command(vhost.environment | {DATABASE_URL.variable: database_url})


@pytest.fixture
def attune_infra_alone() -> Command:
    """The same, in an environment that names no server."""
    return _Command({})


def clean_environment() -> dict[str, str]:
    """Return the environment without any setting of the platform in it."""
    return {name: value for name, value in os.environ.items() if not name.startswith("ATTUNE")}
