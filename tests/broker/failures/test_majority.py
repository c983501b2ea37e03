"""A cluster without a majority, as the management API of one that has lost it answers."""

from __future__ import annotations

import json

import pytest

from attune_infra.broker.http.management import Management
from attune_infra.broker.rabbitmq import RabbitMQ
from attune_infra.errors import NoMajority
from attune_infra.settings import MANAGEMENT_URL, Via
from attune_infra.topology.diff import Create
from attune_infra.topology.model import Queue
from support.faulty import Answer, answering_instead
from support.virtual_host import VirtualHost

LOST = {
    "overview": {"rabbitmq_version": "4.3.6", "cluster_name": "c", "node": "rabbit@a"},
    "nodes": [{"name": f"rabbit@{name}", "running": name == "a"} for name in "abc"],
}
CHANGES = {"PUT", "DELETE"}


def answer(method: str, path: str) -> Answer | None:
    if method in CHANGES:
        return Answer(400, '{"error": "bad_request", "reason": "timed out"}')
    asked = path.partition("?")[0].rpartition("/")[2]
    return Answer(200, json.dumps(LOST[asked])) if asked in LOST else None


@pytest.mark.parametrize("deletes", [True, False])
def test_nothing_more_is_tried_once_the_majority_is_lost(
    vhost: VirtualHost, management: Management, *, deletes: bool
) -> None:
    """Each change would wait for half a minute, and fail like the first one."""
    queues = [Queue(name=name, type="classic") for name in "qrs"]
    for queue in queues if deletes else ():
        management.put("queues", vhost.name, queue.name, body={"durable": True})

    with (
        answering_instead(vhost.management_url, answer) as (url, requests),
        RabbitMQ(vhost.settings(flags={MANAGEMENT_URL: url}), via=Via.HTTP) as broker,
        pytest.raises(NoMajority, match=r"^1 of 3 nodes of the cluster runs, .* down: rabbit@b, rabbit@c$"),
    ):
        list(broker.delete(queues, even_if_used=True) if deletes else broker.apply(map(Create, queues)))

    assert len([each for each in requests.seen if each[0] in CHANGES]) == 1
