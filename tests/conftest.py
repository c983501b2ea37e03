"""A real RabbitMQ and a real PostgreSQL for the whole run; a virtual host and a database for each test.

If several processes run the tests, each process has its own servers; all take their tests from one list.
Tests that share something costly beside these servers run in one process: see `MADE_ONCE`.

Options choose the RabbitMQ. A test that uses it gets the mark `broker` by itself.
"""

from __future__ import annotations

from collections.abc import Iterator
from secrets import randbits, token_hex
from typing import Any
from urllib.parse import quote, urlsplit

import amqp
import psycopg
import pytest
from hypothesis import HealthCheck, settings

from attune_infra.broker.http.management import Management
from attune_infra.broker.rabbitmq import RabbitMQ
from attune_infra.errors import BrokerUnreachable, SandboxError
from attune_infra.masking import forget
from attune_infra.sandbox import BoundSandbox
from attune_infra.settings import DATABASE_URL
from attune_infra.topology.model import Topology
from support.as_a_user import Command
from support.eventually import eventually
from support.plugins import EXCHANGE_PLUGINS, enable_plugins
from support.under_test import BrokerUnderTest
from support.virtual_host import VirtualHost

MADE_ONCE = {
    "two_brokers": "two brokers",
    "sandbox_with_plugins": "plugins",
    "sdist": "wheel",
    "second_sandbox": "second broker",
    "wheel": "wheel",
}
"""Fixtures that take long, so one process runs all tests that use them; with the name of that group of tests."""


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("broker", "the RabbitMQ under test")
    group.addoption(
        "--rabbitmq-root", metavar="DIR", help="use the RabbitMQ of another root file system (as root)"
    )
    group.addoption(
        "--broker-config",
        metavar="'KEY = VALUE'",
        action="append",
        default=[],
        help="a line of rabbitmq.conf; may repeat",
    )
    group.addoption(
        "--seed",
        metavar="NUMBER|new",
        default="1",
        help="seed of all that is random, for a run that repeats this one",
    )
    group.addoption("--messages", type=int, default=2000, help="random messages to publish on the broker")
    group.addoption("--fleet", type=int, default=4, help="real workers to run through a restart")
    group.addoption("--outage", type=float, default=2.0, help="seconds of the database outage")
    group.addoption("--fire", type=int, default=220, help="messages that workers handle amid restarts")
    group.addoption("--restarts", type=int, default=4, help="restarts of worker, node, broker, database meanwhile")
    group.addoption("--nodes", type=int, default=1, help="nodes of the RabbitMQ that most tests share")
    group.addoption("--node-kills", type=int, default=2, help="kills of a node, of a cluster of its own")
    group.addoption("--changes", type=int, default=40, help="random changes of a topology to make on the broker")
    group.addoption("--policies", type=int, default=60, help="queues under random stacks of policies")
    group.addoption("--stakes", type=int, default=6, help="random changes of policies over queues with messages")
    group.addoption("--patterns", type=int, default=60, help="random patterns of policies to try on the broker")
    group.addoption("--backlog", type=int, default=1000, help="messages in a queue that is migrated")
    group.addoption("--kills", type=int, default=3, help="times that each migration is cut")
    group.addoption("--every-migration", action="store_true", help="migrate from each type to each type")
    group.addoption("--dead-letters", type=int, default=800, help="dead letters to replay amid kills")
    group.addoption("--mutations", type=int, default=60, help="answers of the broker to turn into nonsense")
    group.addoption("--fuzz", type=int, default=300, help="inputs for each reader that are nearly right")
    group.addoption("--faults", type=int, default=400, help="faults of the line that commands meet")
    group.addoption("--topologies", type=int, default=300, help="random topologies to declare on the broker")


def pytest_configure(config: pytest.Config) -> None:
    """Choose what is random: the same in each run, so that only a change of the code changes the result."""
    chosen = getattr(config, "workerinput", {}).get("seed", config.option.seed)
    config.option.seed = randbits(32) if chosen == "new" else int(chosen)
    slow = [HealthCheck.too_slow]  # a busy machine says nothing about the code
    settings.register_profile("suite", derandomize=chosen == "1", deadline=None, suppress_health_check=slow)
    settings.load_profile("suite")
    for mark in (
        "broker: the result may depend on the RabbitMQ under test (set by itself)",
        "any_broker: the result does not depend on the RabbitMQ under test",
        "since(release, reason): it needs this release of RabbitMQ, such as (4, 0), or a later one",
        "lengthy: it takes so long that it starts first",
        "transient_queues: it declares queues that are neither durable nor exclusive, which a broker may deny",
    ):
        config.addinivalue_line("markers", mark)


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Give each process the seed that the header shows."""
    node.workerinput["seed"] = str(node.config.option.seed)


def pytest_report_header(config: pytest.Config) -> list[str]:
    seed = f"seed of all that is random: {config.option.seed} (others: --seed new)"
    try:
        return [f"under test: {BrokerUnderTest.of(config)}", seed]
    except SandboxError as error:
        return [f"under test: no RabbitMQ: {error.sentence}"]


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    under_test = BrokerUnderTest.of(config)
    for item in items:
        fixtures = set[str](getattr(item, "fixturenames", ()))
        uses_broker = not fixtures.isdisjoint({"under_test", "vhost"})
        for name in MADE_ONCE.keys() & fixtures:
            item.add_marker(pytest.mark.xdist_group(MADE_ONCE[name]))
        if uses_broker and not item.get_closest_marker("any_broker"):
            item.add_marker("broker")
        if under_test.denies_transient_queues and item.get_closest_marker("transient_queues"):
            item.add_marker(pytest.mark.skip("the RabbitMQ under test denies transient queues"))
        for mark in item.iter_markers("since"):
            release, reason = mark.args
            if under_test.is_older_than(release):
                item.add_marker(pytest.mark.skip(reason))
    items.sort(key=lambda item: item.get_closest_marker("lengthy") is None)


@pytest.fixture(autouse=True)
def nothing_remembered() -> Iterator[None]:
    """Passwords that one test gives are no secrets in the next."""
    yield
    forget()


@pytest.fixture(scope="session")
def under_test(pytestconfig: pytest.Config) -> BrokerUnderTest:
    """The RabbitMQ that the options choose."""
    return BrokerUnderTest.of(pytestconfig)


@pytest.fixture(scope="session")
def sandbox(pytestconfig: pytest.Config) -> Iterator[BoundSandbox]:
    nodes = pytestconfig.getoption("--nodes")
    with BrokerUnderTest.of(pytestconfig).sandbox(nodes=nodes) as sandbox:
        yield sandbox


@pytest.fixture(scope="session")
def second_sandbox(under_test: BrokerUnderTest) -> Iterator[BoundSandbox]:
    """A broker beside the one that all tests share."""
    with under_test.sandbox(postgres=False) as sandbox:
        yield sandbox


@pytest.fixture(scope="session")
def sandbox_with_plugins(under_test: BrokerUnderTest) -> Iterator[BoundSandbox]:
    """A broker with plugins for exchanges and parameters."""
    with under_test.sandbox(postgres=False) as sandbox:
        enable_plugins(sandbox, *EXCHANGE_PLUGINS, "rabbitmq_federation", "rabbitmq_shovel")
        yield sandbox


@pytest.fixture
def vhost(sandbox: BoundSandbox) -> Iterator[VirtualHost]:
    name = f"test {token_hex(4)}"
    base = sandbox.amqp_url.rpartition("/")[0]
    created = VirtualHost(name, f"{base}/{quote(name, safe='')}", sandbox.management_url)
    management = Management(created.settings(timeout=60.0))  # deleting thousands of queues takes long
    try:
        management.put("vhosts", name, body={})
    except BrokerUnreachable:  # a busy machine may not start it in time after a test that stopped it
        sandbox.start_broker()
        management.put("vhosts", name, body={})
    if len(sandbox.nodes) > 1:
        eventually(created.is_open, bool)
    yield created
    management.delete("vhosts", name)
    management.close()


@pytest.fixture
def management(vhost: VirtualHost) -> Iterator[Management]:
    """The management API as an administrator."""
    management = Management(vhost.settings())
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
    for statement in (f"CREATE DATABASE {name}", f"DROP DATABASE {name} WITH (FORCE)"):
        with psycopg.connect(sandbox.database_url, autocommit=True) as connection:  # a test may stop the server
            connection.execute(statement.encode())
        if statement.startswith("CREATE"):
            yield urlsplit(sandbox.database_url)._replace(path=f"/{name}").geturl()


@pytest.fixture
def topology(under_test: BrokerUnderTest) -> Topology:
    """Attune's topology, with durable worker queues if the broker denies others."""
    return under_test.topology


@pytest.fixture
def attune_infra(vhost: VirtualHost, under_test: BrokerUnderTest) -> Command:
    """The command, in the environment of a service that uses this virtual host."""
    return Command(vhost.environment | under_test.environment)


@pytest.fixture
def attune_infra_with_registry(attune_infra: Command, database_url: str) -> Command:
    """The command with this virtual host and an empty database."""
    return Command({**attune_infra.environment, DATABASE_URL.variable: database_url})


@pytest.fixture
def attune_infra_alone() -> Command:
    """The command, in an environment that names no server."""
    return Command({})
