"""No message is lost or doubled by a migration under live traffic, whatever cuts it.

Each case has publishers with confirms, a backlog, and a consumer where the wanted type can have one. The program
is killed at random moments, its connection is cut, or its broker is killed; each time the same command goes on.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random
from urllib.parse import urlsplit

import pytest

from attune_infra.errors import ExitCode
from attune_infra.sandbox.client import BoundSandbox
from attune_infra.settings import AMQP_URL
from support.as_a_user import Command
from support.eventually import eventually
from support.proxy import Proxy
from support.shop import CASES, Case, Shop, Tally, open_shop
from support.traffic import running
from support.under_test import BrokerUnderTest
from support.virtual_host import VirtualHost


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    every = metafunc.config.getoption("--every-migration")
    if "case" in metafunc.fixturenames:
        metafunc.parametrize("case", [case for case in CASES if every or case.is_in_suite], ids=str)
    if "killed" in metafunc.fixturenames:
        metafunc.parametrize("killed", CASES if every else [], ids=str)


@pytest.fixture
def chance(pytestconfig: pytest.Config) -> Random:
    return Random(pytestconfig.getoption("--seed"))  # noqa: S311 # moments, not secrets


@pytest.fixture
def kills(pytestconfig: pytest.Config) -> int:
    return int(pytestconfig.getoption("--kills"))


@pytest.fixture
def backlog(pytestconfig: pytest.Config) -> int:
    return int(pytestconfig.getoption("--backlog"))


@pytest.fixture
def sandbox(under_test: BrokerUnderTest) -> Iterator[BoundSandbox]:
    with under_test.sandbox(postgres=False) as sandbox:
        yield sandbox


@pytest.fixture
def shop(vhost: VirtualHost, attune_infra: Command, case: Case, tmp_path: Path, backlog: int) -> Shop:
    return open_shop(vhost, attune_infra, case, tmp_path, backlog)


@pytest.fixture
def killed_shop(sandbox: BoundSandbox, killed: Case, tmp_path: Path, backlog: int) -> Shop:
    vhost = VirtualHost("/", sandbox.amqp_url, sandbox.management_url)
    return open_shop(vhost, Command(vhost.environment), killed, tmp_path, backlog)


@pytest.fixture
def tally(record_property: Callable[[str, object], None]) -> Tally:
    return record_property


@pytest.mark.lengthy
def test_a_program_that_is_killed_loses_and_doubles_nothing(
    shop: Shop, chance: Random, kills: int, tally: Tally
) -> None:
    with running(*shop.traffic()):
        for _ in range(kills):
            if not shop.cut(chance):
                break
            shop.cuts += 1
        shop.finish()
    shop.check(tally)
    assert shop.said == 0 or shop.case.renames


@pytest.mark.lengthy
def test_a_connection_that_is_cut_loses_and_doubles_nothing(
    shop: Shop, chance: Random, kills: int, tally: Tally
) -> None:
    port = urlsplit(shop.vhost.amqp_url).port
    assert port is not None
    with running(*shop.traffic()):
        for _ in range(kills):
            with Proxy(port, cut_after=chance.randrange(20_000, 400_000)) as proxy:
                url = shop.vhost.amqp_url_through(proxy.port)
                result = shop.command(*shop.line, environment={AMQP_URL.variable: url})
            shop.note(result.stderr)
            if result.code == ExitCode.DONE:
                break
            shop.cuts += 1
            assert result.code == ExitCode.FAILED
            assert "Traceback" not in result.stderr
        shop.finish()
    shop.check(tally)
    assert shop.said == 0 or shop.case.renames


def test_messages_keep_their_order_but_for_those_that_it_names(shop: Shop, tally: Tally) -> None:
    with running(*shop.publishers()):
        result = shop.command(*shop.line, "--output", "json")
    shop.check(tally)

    [queue] = result.json["queues"]
    assert queue["state"] == "migrated"
    assert queue["result"]["recovered"] == queue["result"]["maybe_doubled"] == 0
    assert shop.record.inversions <= queue["late"]


@pytest.mark.lengthy
def test_a_broker_that_is_killed_doubles_only_marked_messages(
    sandbox: BoundSandbox, killed_shop: Shop, chance: Random, kills: int, tally: Tally
) -> None:
    shop = killed_shop
    slowly = (*shop.line, "--pause-above", str(len(shop.record.sent) // 2))
    with running(*shop.publishers()):
        for _ in range(kills):
            with shop.command.start(*slowly) as process:
                shop.wait(process, chance)
                shop.wait_until_written()
                sandbox.kill_broker()
                shop.cuts += 1
                process.communicate()
            sandbox.start_broker()
        eventually(lambda: shop.command(*shop.line).code, lambda code: code == ExitCode.DONE, within=120)
    shop.check(tally, may_return=True)
