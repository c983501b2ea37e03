"""`verify` while the management API does not answer: AMQP tells of exchanges and queues, and the rest is named."""

from __future__ import annotations

from pathlib import Path

import amqp
import pytest

from attune_infra.broker.http.management import Management
from attune_infra.broker.rabbitmq import RabbitMQ
from attune_infra.settings import AMQP_URL, MANAGEMENT_URL
from support.as_a_user import Command
from support.no_management import without_management
from support.servers import closed_port
from support.under_test import BrokerUnderTest
from support.virtual_host import VirtualHost

DOCUMENT = """
exchanges:
  shop: {type: topic}
  rest: {type: fanout, auto_delete: true}
queues:
  jobs:
    arguments: {x-max-length: 10, x-dead-letter-exchange: rest}
    bindings: [{exchange: shop, routing_key: 'job.#'}]
  dead:
    bindings: [{exchange: rest}]
  short: {arguments: {x-expires: 600000}}
policies:
  bounded: {pattern: ^dead$, apply_to: queues, definition: {max-length: 5}}
routes:
  - {publish: {exchange: shop, routing_key: job.1}, reaches: [jobs]}
"""
NOT_LOOKED_AT = {
    "binding-matches": "not looked at (2 in all)",
    "policy-matches": "not looked at (1 in all)",
    "dead-letters-arrive": "not looked at (1 in all)",
    "route-holds": "not looked at (1 in all)",
    "nothing-undeclared": "not looked for",
}


@pytest.fixture
def document(tmp_path: Path) -> str:
    path = tmp_path / "shop.yaml"
    path.write_text(DOCUMENT)
    return str(path)


@pytest.fixture
def closed(attune_infra: Command) -> Command:
    """The command where nothing listens on the port of the management API."""
    return without_management(attune_infra)


def checks(command: Command, *arguments: str) -> dict[str, tuple[str, str]]:
    """Return the verdict and the detail of each check, by its name."""
    result = command("verify", "-o", "json", *arguments)
    assert result.code == 1, result
    return {each["title"]: (each["verdict"], each.get("detail", "")) for each in result.json["checks"]}


def test_exchanges_and_queues_are_checked_and_the_rest_is_named(
    attune_infra: Command, closed: Command, document: str
) -> None:
    assert attune_infra("setup", document).code == 0

    result = closed("verify", "-o", "json", document)

    found = {each["title"]: each for each in result.json["checks"]}
    assert result.code == 1
    assert found["broker answers over HTTP"]["verdict"] == "unknown"
    assert found["broker answers over AMQP"]["verdict"] == "passed"
    for name in ("exchange shop", "queue jobs", "queue dead"):
        assert found[name]["verdict"] == "passed", found[name]
    assert found["exchange rest"]["verdict"] == "unknown"
    assert found["exchange rest"]["detail"].startswith(
        "exists, and was not compared: over AMQP, only a declaration"
    )
    assert found["queue short"]["detail"] == "was not looked at: over AMQP, a question restarts its expiry"
    rest = {each["code"]: each for each in result.json["checks"] if each["code"] in NOT_LOOKED_AT}
    assert {code: each["detail"].partition(":")[0] for code, each in rest.items()} == NOT_LOOKED_AT
    assert {each["verdict"] for each in rest.values()} == {"unknown"}
    assert "rabbitmq_management" in rest["binding-matches"]["hint"]


def test_what_is_missing_or_differs_has_failed_and_nothing_is_made(
    closed: Command, broker: RabbitMQ, channel: amqp.Channel, document: str
) -> None:
    channel.queue_declare("jobs", durable=True, auto_delete=False, arguments={"x-max-length": 11})
    channel.exchange_declare("shop", "direct", durable=True, auto_delete=False)
    before = broker.read()

    found = checks(closed, document)

    assert found["queue dead"] == ("failed", "is missing")
    assert found["exchange rest"] == ("failed", "is missing")
    assert found["queue jobs"][0] == found["exchange shop"][0] == "failed"
    assert "inequivalent arg 'x-" in found["queue jobs"][1]
    assert "type" in found["exchange shop"][1]
    assert broker.read() == before


@pytest.mark.transient_queues
def test_a_worker_s_queue_is_looked_at(
    attune_infra: Command, closed: Command, under_test: BrokerUnderTest
) -> None:
    assert attune_infra("setup").code == 0
    assert attune_infra("worker", "provision", "--id", "7").code == 0

    found = checks(closed, "--worker", "7", "--worker-queue-ttl", "off")

    verdict, detail = found["queue worker.7.executions"]
    assert verdict == ("passed" if under_test.denies_transient_queues else "unknown"), detail
    assert found["every consumer of a worker"][0] == "unknown"
    missing = checks(closed, "--worker", "8", "--worker-queue-ttl", "off")["queue worker.8.executions"]
    assert missing == ("failed", "is missing")


def test_a_worker_s_queue_that_a_policy_lets_expire_is_not_looked_at(closed: Command) -> None:
    verdict, detail = checks(closed, "--worker", "7")["queue worker.7.executions"]

    assert (verdict, detail) == ("unknown", "was not looked at: over AMQP, a question restarts its expiry")


def test_a_user_who_may_not_declare_learns_what_was_not_compared(
    attune_infra: Command, closed: Command, management: Management, vhost: VirtualHost, document: str
) -> None:
    assert attune_infra("setup", document).code == 0
    management.put("users", "reader", body={"password": "reader", "tags": ""})
    management.put(
        "permissions", vhost.name, "reader", body={"configure": "^(shop|jobs)$", "write": "", "read": ".*"}
    )
    try:
        url = vhost.amqp_url.replace("guest:guest", "reader:reader")
        found = checks(Command({**closed.environment, AMQP_URL.variable: url}), document)
    finally:
        management.delete("users", "reader")

    assert found["queue jobs"][0] in {"passed", "unknown"}
    verdict, detail = found["queue dead"]
    assert verdict == "unknown"
    assert "refused for user 'reader'" in detail


def test_a_broker_that_does_not_answer_at_all_gets_no_other_check(document: str) -> None:
    nothing = f"127.0.0.1:{closed_port()}"
    command = Command(
        {AMQP_URL.variable: f"amqp://guest:guest@{nothing}/x", MANAGEMENT_URL.variable: f"http://{nothing}"}
    )

    found = checks(command, document)

    assert {verdict for verdict, _ in found.values()} == {"unknown"}
    assert len(found) == len(["HTTP", "AMQP"])
