"""Each example does on a real broker what it says."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import amqp
import pytest

from attune_infra.broker.http.management import Management
from attune_infra.errors import BrokerError
from attune_infra.topology.document.parse import parse
from support.as_a_user import Command
from support.eventually import eventually
from support.folders import EXAMPLES as FOLDER

EXAMPLES = sorted(FOLDER.glob("*.yaml"))
WORKERS = ("--worker", "1-3")
LOSES_DEAD_LETTERS = "attune-2026-09.yaml"
"""The one example that is not to be imitated, and says so."""
PASSWORDS = {"SHOP_ORDERS_PASSWORD": "a", "SHOP_BILLING_PASSWORD": "b"}
OWNER_OF_EXTERNAL = {"events-audit.yaml": "events-fanout.yaml"}
"""The example that declares what another one only uses."""
WITH_PLUGINS = "federation.yaml"
"""The example that tests/cli/test_parameters.py sets up, on a broker with its plugins."""


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.name)
def test_an_example_tells_editors_where_the_schema_is(path: Path) -> None:
    first = path.read_text(encoding="utf-8").splitlines()[0]

    assert first == "# yaml-language-server: $schema=topology.schema.json"
    assert (FOLDER / "topology.schema.json").is_file()


@pytest.mark.parametrize(
    "path", [each for each in EXAMPLES if each.name != WITH_PLUGINS], ids=lambda path: path.name
)
def test_an_example_can_be_set_up_and_leaves_nothing_to_do(
    attune_infra: Command, path: Path, management: Management
) -> None:
    topology = parse(path.read_text(encoding="utf-8"), source=path.name)
    for user in topology.permissions.keys() - topology.users.keys():
        management.put("users", user, body={"password": user, "tags": ""})
    for user in topology.users:
        with suppress(BrokerError):  # it is new mostly
            management.delete("users", user)
    attune_infra = Command({**attune_infra.environment, **PASSWORDS})
    told, count = ("--topology", str(path)), len(topology.objects())
    if owner := OWNER_OF_EXTERNAL.get(path.name):
        assert attune_infra("setup", *told).code == 3
        assert attune_infra("setup", "--topology", str(FOLDER / owner)).code == 0
        assert attune_infra("setup", *told).code == 0
    else:
        assert attune_infra("setup", *told).lines[-1] == f"{count} objects: {count} created"

    assert attune_infra("setup", *told).lines[-1] == f"{count} objects: {count} unchanged"
    assert attune_infra("diff", *told).code == 0
    if topology.workers is not None:
        provisioned = attune_infra("worker", "provision", "--id", "1-3", *told)
        assert (provisioned.code, provisioned.stderr) == (0, "")
        assert attune_infra("diff", *WORKERS, *told).code == 0
        verified = attune_infra("verify", *WORKERS, "--strict", *told)
        lost = [line for line in verified.lines if line.startswith("failed")]
        assert bool(lost) == (verified.code != 0) == (path.name == LOSES_DEAD_LETTERS)
        assert all(
            "go to exchange attune.dlx, which leads to no queue for the routing key" in line for line in lost
        )


def test_events_reach_those_who_care_and_the_rest_is_kept(attune_infra: Command, channel: amqp.Channel) -> None:
    attune_infra("setup", "--topology", str(FOLDER / "events-fanout.yaml"))
    events = {
        "both match": {"kind": "invoice", "region": "eu"},
        "one matches": {"kind": "invoice", "region": "us"},
        "any will do": {"kind": "outage"},
    }

    channel.confirm_select()
    for body, headers in events.items():
        channel.basic_publish_confirm(amqp.Message(body, application_headers=headers), "events")

    assert taken(channel, "events.billing") == "both match"
    assert taken(channel, "events.alerts") == "any will do"
    assert taken(channel, "events.unclaimed.queue") == "one matches"


def test_work_comes_back_after_a_while_and_is_given_up_in_the_end(
    attune_infra: Command, channel: amqp.Channel, tmp_path: Path
) -> None:
    text = (FOLDER / "work-queues-with-retries.yaml").read_text(encoding="utf-8")
    hasty = tmp_path / "hasty.yaml"
    hasty.write_text(text.replace("x-message-ttl: 30000", "x-message-ttl: 100"), encoding="utf-8")
    attune_infra("setup", "--topology", str(hasty))

    channel.confirm_select()
    channel.basic_publish_confirm(amqp.Message("later", delivery_mode=2), "work.retry", "jobs")
    for _ in range(6):
        message = eventually(lambda: channel.basic_get("work.jobs"), bool)
        channel.basic_reject(message.delivery_tag, requeue=True)

    assert taken(channel, "work.dead.queue") == "later"


def taken(channel: amqp.Channel, queue: str) -> str:
    """Take the only message of a queue, when it has arrived."""
    message = eventually(lambda: channel.basic_get(queue, no_ack=True), bool)
    assert channel.basic_get(queue) is None
    body: str = message.body
    return body
