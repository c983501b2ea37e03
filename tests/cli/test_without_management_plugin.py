"""The commands on a broker whose plugin rabbitmq_management is really absent."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from secrets import token_hex

import pytest

from attune_infra.sandbox import BoundSandbox
from support.as_a_user import Command
from support.plugins import disable_management, enable_plugins
from support.under_test import BrokerUnderTest
from support.virtual_host import VirtualHost, create_virtual_host

DOCUMENT = """
exchanges: {shop: {type: topic}}
queues:
  jobs:
    arguments: {x-max-length: 10}
    bindings: [{exchange: shop, routing_key: 'job.#'}]
"""


@pytest.fixture
def bare(second_sandbox: BoundSandbox, under_test: BrokerUnderTest) -> Iterator[Command]:
    """The command on a broker that has lost the plugin, and gets it back afterwards."""
    root = VirtualHost("/", second_sandbox.amqp_url, second_sandbox.management_url)
    with create_virtual_host(root, f"test {token_hex(4)}") as vhost:
        disable_management(second_sandbox)
        yield Command(vhost.environment | under_test.environment)
        enable_plugins(second_sandbox)


def test_everything_that_amqp_can_is_made_and_the_rest_is_named(
    bare: Command, second_sandbox: BoundSandbox, tmp_path: Path
) -> None:
    document = tmp_path / "shop.yaml"
    document.write_text(DOCUMENT)
    plain = bare("setup", str(document))
    assert plain.code == 1
    assert "without the plugin rabbitmq_management, --via amqp makes what AMQP can" in plain.stderr
    assert bare("setup", str(document), "--via", "amqp", "--dry-run").code == 0

    made = bare("setup", str(document), "--via", "amqp")

    assert made.code == 0
    assert made.lines[-1] == "3 objects: 2 created, 1 accepted"
    assert bare("setup", str(document), "--via", "amqp").lines[-1] == "3 objects: 2 unchanged, 1 accepted"
    with_policy = bare("setup", "--via", "amqp")
    assert with_policy.code == 3
    assert "! policy attune-worker-expiry is not checked" in with_policy.stdout
    assert bare("worker", "provision", "--id", "7", "--via", "amqp").code == 0
    assert bare("worker", "provision", "--id", "7", "--via", "amqp").code == 0
    assert "`attune-infra setup --via amqp` makes it" in bare("diff", str(document)).stderr

    enable_plugins(second_sandbox)
    assert bare("diff", str(document)).code == 0
    assert bare("setup", "--allow-destructive", "--yes").code == 0  # the policy, which lets the queue expire
    assert bare("diff", "--worker", "7").code == 0


def test_doctor_names_the_plugin_and_the_commands_that_do_without_it(bare: Command) -> None:
    result = bare("doctor", "-o", "json")

    found = next(each for each in result.json["checks"] if "HTTP at" in each["name"])
    assert result.code == 2
    assert "RabbitMQ answers over AMQP, so its plugin rabbitmq_management may be absent" in found["detail"]
    assert "`setup --via amqp`" in found["fix"]
    assert found["run"] == ["rabbitmq-plugins enable rabbitmq_management"]
