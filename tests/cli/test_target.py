"""The broker that a command asks: said by every command, expected by name, and one for AMQP and HTTP."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from attune_infra.broker.http.management import Management
from attune_infra.broker.rabbitmq import RabbitMQ
from attune_infra.sandbox import BoundSandbox
from attune_infra.settings import AMQP_URL, MANAGEMENT_URL
from support.as_a_user import Command
from support.eventually import eventually
from support.proxy import Proxy
from support.virtual_host import VirtualHost

ASKING = ["setup", "diff", "verify", "export", "lint --live", "graph --live", "worker provision --id 1"]
WRITING = ["setup", "setup --dry-run", "worker provision --id 1", "worker deprovision --id 1", "verify --probe"]


@pytest.fixture
def other(second_sandbox: BoundSandbox) -> VirtualHost:
    """A second broker, with the guest's virtual host."""
    return VirtualHost("/", second_sandbox.amqp_url, second_sandbox.management_url)


def cluster_of(vhost: VirtualHost) -> str:
    with RabbitMQ(vhost.settings()) as broker:
        return str(broker.target().cluster)


def named_alike(vhost: VirtualHost, other: VirtualHost) -> VirtualHost:
    """Return the virtual host of this name on the other broker."""
    url = f"{other.amqp_url.rpartition('/')[0]}/{vhost.amqp_url.rpartition('/')[2]}"
    return VirtualHost(vhost.name, url, other.management_url)


def is_empty(vhost: VirtualHost) -> bool:
    with RabbitMQ(vhost.settings()) as broker:
        return not broker.read().objects()


@pytest.mark.any_broker
@pytest.mark.parametrize("words", ASKING)
def test_each_command_says_which_broker_it_asks(attune_infra: Command, vhost: VirtualHost, words: str) -> None:
    cluster = cluster_of(vhost)

    told = attune_infra(*words.split())
    data = attune_infra(*words.split(), "--output", "json").json

    assert re.fullmatch(
        rf"target: cluster {re.escape(cluster)} \(node \S+\), RabbitMQ \S+, virtual host {re.escape(vhost.name)}, "
        "user guest\n",
        told.target,
    )
    assert data["target"]["cluster"] == cluster
    assert data["target"]["virtual_host"] == vhost.name
    assert "guest:guest" not in json.dumps(data)


@pytest.mark.parametrize("words", ["setup", "worker provision --id 1", "verify"])
def test_amqp_of_one_broker_and_http_of_another_are_refused(
    attune_infra: Command, vhost: VirtualHost, other: VirtualHost, words: str
) -> None:
    here, there = {AMQP_URL.variable: vhost.amqp_url}, {MANAGEMENT_URL.variable: other.management_url}
    with closing(Management(other.settings())) as management:
        management.put("vhosts", vhost.name, body={})

    result = attune_infra(*words.split(), environment=here | there)

    assert result.code == 4
    assert f"'{cluster_of(vhost)}'" in result.stderr
    assert f"'{cluster_of(other)}'" in result.stderr
    assert "nothing was changed" in result.stderr
    assert is_empty(vhost)
    assert is_empty(named_alike(vhost, other))


@pytest.mark.parametrize("words", ["setup", "verify"])
def test_two_brokers_of_one_name_are_told_apart(
    attune_infra: Command, vhost: VirtualHost, other: VirtualHost, words: str
) -> None:
    name = cluster_of(vhost)
    mixed = {AMQP_URL.variable: other.amqp_url, MANAGEMENT_URL.variable: vhost.management_url}
    management, old = Management(other.settings()), cluster_of(other)
    management.put("cluster-name", body={"name": name})
    try:
        result = attune_infra(words, environment=mixed)
    finally:
        management.put("cluster-name", body={"name": old})
        management.close()

    assert result.code == 4
    assert f"two brokers, both with the name '{name}'" in result.stderr
    assert is_empty(other)


@pytest.fixture
def other_of_one_name(vhost: VirtualHost, other: VirtualHost) -> Iterator[VirtualHost]:
    """The second broker, with the first one's name, as brokers of one image have."""
    management, old = Management(other.settings()), cluster_of(other)
    management.put("cluster-name", body={"name": cluster_of(vhost)})
    yield other
    management.put("cluster-name", body={"name": old})
    management.close()


@pytest.mark.parametrize("brokers", ["other", "other_of_one_name"])
@pytest.mark.parametrize("over_amqp", [True, False])
def test_a_host_of_another_cluster_gets_nothing(
    *,
    attune_infra: Command,
    vhost: VirtualHost,
    tmp_path: Path,
    request: pytest.FixtureRequest,
    over_amqp: bool,
    brokers: str,
) -> None:
    """The first host is lost in the middle of `setup`, and the second one in the URL is another broker."""
    other: VirtualHost = request.getfixturevalue(brokers)
    document, (amqp, http), (other_amqp, other_http) = tmp_path / "t.yaml", vhost.ports, other.ports
    queues = {f"q{number}": dict[str, str]() for number in range(200)}
    policies = {f"p{number}": {"pattern": f"^p{number}$", "definition": {"max-length": 1}} for number in range(50)}
    document.write_text(json.dumps({"queues": queues, "policies": policies}))
    with closing(Management(other.settings())) as management:
        management.put("vhosts", vhost.name, body={})

    with Proxy(amqp, cut_after=5_000) as first, Proxy(http) as second:
        if over_amqp:
            mixed = vhost.at([first.port, other_amqp])
        else:
            mixed = vhost.at(management=[second.port, other_http])
            threading.Thread(target=_cut_when_used, args=(second, vhost)).start()
        result = attune_infra("setup", str(document), environment=mixed.environment)

    assert result.code == 4
    two = "AMQP and the management API are two " if over_amqp else "the hosts of one URL are of two clusters"
    assert two in result.stderr
    assert f"'{cluster_of(other)}'" in result.stderr
    assert is_empty(named_alike(vhost, other))


def _cut_when_used(proxy: Proxy, vhost: VirtualHost) -> None:
    """Cut the management API as soon as a policy has been set over it."""
    with RabbitMQ(vhost.settings()) as broker:
        eventually(lambda: broker.read().policies, bool)
    proxy.cut()


@pytest.mark.any_broker
@pytest.mark.parametrize("words", WRITING)
def test_nothing_is_written_to_a_broker_that_nothing_names(attune_infra_alone: Command, words: str) -> None:
    result = attune_infra_alone(*words.split())

    assert result.code == 1
    assert result.stderr.startswith("error: no broker is named, so nothing was changed")
    assert "--connection NAME" in result.stderr


@pytest.mark.any_broker
def test_a_sandbox_that_is_not_there_names_no_broker(attune_infra_alone: Command) -> None:
    """The accident: `eval "$(attune-infra sandbox env)"` failed, and the next `setup` wrote to localhost."""
    named = attune_infra_alone("sandbox", "env", "--name", "nobody")
    result = attune_infra_alone("setup")

    assert (named.code, named.stdout) == (1, "")
    assert (result.code, result.target) == (1, "")
    assert "sandbox env" in result.stderr


@pytest.mark.any_broker
def test_reading_may_fall_back_to_the_default(attune_infra_alone: Command) -> None:
    assert "localhost:15672" in attune_infra_alone("diff").stderr


@pytest.mark.any_broker
def test_another_cluster_than_expected_is_refused(
    attune_infra: Command, vhost: VirtualHost, tmp_path: Path
) -> None:
    cluster = cluster_of(vhost)
    document = tmp_path / "topology.yaml"
    document.write_text("expect_cluster: rabbit@production\nqueues: {jobs: {}}\n")
    config = tmp_path / "config.yaml"
    config.write_text("message_queue: {expect_cluster: rabbit@staging}\n")

    by_flag = attune_infra("setup", "--expect-cluster", "rabbit@elsewhere")
    by_document = attune_infra("setup", str(document))
    by_file = attune_infra("diff", "--config", str(config))

    for result, origin, name in (
        (by_flag, "--expect-cluster", "rabbit@elsewhere"),
        (by_document, f"`expect_cluster` in {document}", "rabbit@production"),
        (by_file, "message_queue.expect_cluster", "rabbit@staging"),
    ):
        assert result.code == 4
        assert f"the broker is the cluster '{cluster}', but {origin}" in result.stderr
        assert f"expects '{name}'" in result.stderr
    assert is_empty(vhost)
    document.write_text(f"expect_cluster: {cluster}\nqueues: {{jobs: {{}}}}\n")
    assert attune_infra("setup", str(document), "--expect-cluster", cluster).code == 0
