"""Commands amid random faults of their lines: each ends with a sentence, and the same command ends well then.

A fault is an answer of a proxy in RabbitMQ's place, an answer that breaks off, or a connection that is cut, reset,
held, slow or dripping from a byte on, over HTTP, AMQP or to PostgreSQL, in either direction. Afterwards, a plain
run of the command reaches its goal, undeclared objects are as they were, and nothing temporary is left.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest

from attune_infra.broker.http.management import Management
from attune_infra.settings import MANAGEMENT_URL
from support.as_a_user import Command
from support.faults.pool import left_virtual_hosts, run_faults
from support.faulty import Answer, answering_instead
from support.under_test import BrokerUnderTest
from support.virtual_host import VirtualHost

pytestmark = [pytest.mark.lengthy, pytest.mark.transient_queues]


def test_any_command_amid_any_fault(
    vhost: VirtualHost,
    management: Management,
    database_url: str,
    pytestconfig: pytest.Config,
    record_property: Callable[[str, object], None],
) -> None:
    seed, wanted = pytestconfig.getoption("--seed"), pytestconfig.getoption("--faults")

    counts = run_faults(vhost, database_url, seed, wanted)

    release = BrokerUnderTest.of(pytestconfig).version
    title = f"RabbitMQ {release}, seed {seed}: {counts.faults} faults came to pass in {counts.runs} runs"
    print("", title, "", *counts.lines(), sep="\n")  # noqa: T201 - `pytest -s` shows it
    record_property("faults", counts.faults)
    assert not counts.wrong, "\n".join(counts.wrong)
    assert not left_virtual_hosts([each["name"] for each in management.get("vhosts")], counts)
    assert counts.faults >= wanted


def test_no_temporary_virtual_host_is_left(
    attune_infra: Command, vhost: VirtualHost, management: Management
) -> None:
    """A proof that is cut at any request removes its virtual host, or says that it is left."""
    assert attune_infra("setup").code == 0
    for first in (0, 3, 9):
        asked = [0]

        def choose(_: str, path: str, first: int = first, asked: list[int] = asked) -> Answer | None:
            asked[0] += "attune-infra%20probe" in path
            return Answer(502) if asked[0] > first and "attune-infra%20probe" in path else None

        with answering_instead(vhost.management_url, choose) as (url, _):
            result = attune_infra("verify", "--probe", environment={MANAGEMENT_URL.variable: url})

        left = [each["name"] for each in management.get("vhosts") if each["name"].startswith("attune-infra probe")]
        for name in left:
            assert name in result.stdout + result.stderr
            management.delete("vhosts", name)
