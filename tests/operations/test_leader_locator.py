"""A document says where the leaders of new queues go, and RabbitMQ puts them there: tried on three nodes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from attune_infra.broker.http.management import Management
from attune_infra.sandbox import BoundSandbox
from attune_infra.settings import AMQP_URL, MANAGEMENT_URL, resolve
from support.as_a_user import Command
from support.under_test import BrokerUnderTest

QUEUES = 9
"""Of each kind. Balanced ones go where the fewest leaders are, so not all of them to one node."""
NEAR, SPREAD = "client-local", "balanced"


@pytest.fixture
def cluster(under_test: BrokerUnderTest) -> Iterator[BoundSandbox]:
    with under_test.sandbox(postgres=False, nodes=3) as cluster:
        yield cluster


@pytest.mark.lengthy
def test_leaders_are_where_the_document_says(
    cluster: BoundSandbox, under_test: BrokerUnderTest, tmp_path: Path
) -> None:
    node = cluster.nodes[1]
    flags = {
        AMQP_URL: f"amqp://guest:guest@127.0.0.1:{node.amqp_port}/%2F",
        MANAGEMENT_URL: f"http://127.0.0.1:{node.management_port}",
    }
    run = Command({each.variable: url for each, url in flags.items()})
    document = tmp_path / "document.yaml"
    document.write_text(yaml.safe_dump(document_for(older=under_test.is_older_than((4, 0)))))

    done = run("setup", str(document))

    assert (done.code, done.stderr) == (0, "")
    assert run("diff", str(document)).code == 0
    http = Management(resolve(flags, {}))
    leaders = leaders_of(http.get("queues", "/"))
    http.close()
    for group, nodes in leaders.items():
        if group.endswith(NEAR):
            assert nodes == {node.name: QUEUES}, (group, leaders)
        else:
            assert len(nodes) > 1, (group, leaders)


def document_for(*, older: bool) -> dict[str, Any]:
    """Return queues of each type with each place, said by an argument and by a policy.

    Classic queues are placed by x-queue-master-locator before 4.0, whose word for balanced is min-masters.
    """
    queues, policies = dict[str, Any](), dict[str, Any]()
    for kind in ("classic", "quorum", "stream"):
        word = "queue-master-locator" if older and kind == "classic" else "queue-leader-locator"
        for place in (NEAR, SPREAD):
            value = "min-masters" if word == "queue-master-locator" and place == SPREAD else place
            for number in range(QUEUES):
                queues[f"argument.{number}.{kind}.{place}"] = {"type": kind, "arguments": {f"x-{word}": value}}
                queues[f"policy.{number}.{kind}.{place}"] = {"type": kind}
            policies[f"{kind}.{place}"] = {
                "pattern": rf"^policy\..*\.{kind}\.{place}$",
                "apply_to": "queues",
                "definition": {word: value},
            }
    return {"queues": queues, "policies": policies}


def leaders_of(listing: list[dict[str, Any]]) -> dict[str, Counter[str]]:
    """Return how many queues of each group a node leads; it is the node of a classic queue."""
    found: dict[str, Counter[str]] = {}
    for queue in listing:
        how, _, kind, place = queue["name"].split(".")
        found.setdefault(f"{how}.{kind}.{place}", Counter())[queue.get("leader") or queue["node"]] += 1
    return found
