"""Migrations that are refused, each with a hint, before anything is changed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import amqp
import pytest

from attune_infra.broker.http.management import Management
from attune_infra.broker.rabbitmq import RabbitMQ
from attune_infra.errors import ExitCode
from support.as_a_user import Command
from support.eventually import eventually
from support.orders import COUNT, Document, bodies, declare, left_behind, publish
from support.patients import make_user
from support.virtual_host import VirtualHost


def test_only_the_expected_plan_is_carried_out(
    attune_infra: Command, broker: RabbitMQ, document: Document, orders: str
) -> None:
    line = ("migrate", orders, "--topology", document())
    digest = attune_infra(*line, "--dry-run", "-o", "json").json["digest"]

    refused = attune_infra(*line, "--expect", "0123456789ab", "--yes")

    assert refused.code == ExitCode.REFUSED
    assert f"error: the plan is now {digest}, not 0123456789ab" in refused.stderr
    assert "`attune-infra migrate --dry-run`" in refused.stderr
    assert broker.read().queues[orders].type == "classic"
    assert attune_infra(*line, "--expect", digest, "--yes").code == ExitCode.DONE
    assert broker.read().queues[orders].type == "quorum"


def test_without_a_terminal_it_needs_yes(
    attune_infra: Command, broker: RabbitMQ, document: Document, orders: str
) -> None:
    result = attune_infra("migrate", orders, "--topology", document())

    assert result.code == ExitCode.REFUSED
    assert "error: no terminal to ask: migrate orders, and keep every message in virtual host" in result.stderr
    assert "give --yes" in result.stderr
    assert broker.read().queues[orders].type == "classic"


def test_a_queue_that_is_in_neither_place_is_an_error(attune_infra: Command, document: Document) -> None:
    path = document()

    unknown = attune_infra("migrate", "ordres", "--topology", path, "--yes")
    missing = attune_infra("migrate", "orders", "--topology", path, "--yes")
    twice = attune_infra("migrate", "orders", "bills", "--to", "x", "--topology", path)

    assert unknown.code == ExitCode.FAILED
    assert "error: the document has no queue ordres; did you mean 'orders'?" in unknown.stderr
    assert missing.code == ExitCode.REFUSED
    assert "error: there is no queue orders; nothing was changed" in missing.stderr
    assert twice.code == ExitCode.WRONG_USAGE
    assert "error: --to names one queue, and 2 are given" in twice.stderr


def test_consumers_are_named_and_nothing_is_done_to_them_unasked(
    attune_infra: Command, broker: RabbitMQ, channel: Any, document: Document
) -> None:
    declare(channel, "orders")
    channel.basic_consume("orders", "tag")

    result = attune_infra("migrate", "orders", "--topology", document(), "--yes")

    assert result.code == ExitCode.REFUSED
    assert "error: queue orders has 1 consumer; nothing was changed" in result.stderr
    assert "--consumers cancel" in result.stderr
    assert not left_behind(broker)
    assert broker.contents("orders")[1] == 1


@pytest.mark.parametrize(
    ("kind", "more"), [("stream", {}), ("classic", {"x-expires": 600_000}), ("quorum", {"x-expires": 600_000})]
)
def test_consumers_that_the_user_does_not_see_are_named_too(
    *,
    vhost: VirtualHost,
    management: Management,
    channel: amqp.Channel,
    document: Document,
    kind: str,
    more: dict[str, int],
) -> None:
    """AMQP does not tell the consumers of a stream, nor does RabbitMQ list those of others."""
    modest = make_user(management, vhost, "modest", tags="management", may=(".*", ".*", ".*"))
    path = document("classic" if kind == "quorum" else "quorum")
    channel.queue_declare("orders", durable=True, auto_delete=False, arguments={"x-queue-type": kind, **more})
    channel.basic_qos(0, 1, a_global=False)
    channel.basic_consume("orders", "tag")

    result = eventually(
        lambda: modest("migrate", "orders", "--topology", path, "--dry-run"),
        lambda result: "queue orders has 1 consumer" in result.stdout + result.stderr,
    )

    assert result.code == ExitCode.REFUSED


def test_a_policy_that_would_lose_messages_in_between_is_named(
    *,
    attune_infra: Command,
    broker: RabbitMQ,
    management: Management,
    vhost: VirtualHost,
    document: Document,
    orders: str,
) -> None:
    path = document()
    short = {"pattern": ".*", "definition": {"message-ttl": 3_600_000}, "apply-to": "queues"}
    management.put("policies", vhost.name, "short", body=short)

    refused = attune_infra("migrate", orders, "--topology", path, "--yes")
    management.put("policies", vhost.name, "short", body={**short, "pattern": "^(?!attune-infra[.])"})

    assert refused.code == ExitCode.REFUSED
    assert "error: a policy sets message-ttl on queue attune-infra." in refused.stderr
    assert "leave names that begin with attune-infra. out of its pattern" in refused.stderr
    assert attune_infra("migrate", orders, "--topology", path, "--yes").code == ExitCode.DONE
    assert broker.contents(orders)[0] == COUNT


def test_a_wanted_queue_that_is_too_short_is_refused(
    attune_infra: Command, channel: amqp.Channel, document: Document, orders: str
) -> None:
    path = document(more=f", arguments: {{x-max-length: {COUNT - 1}}}")

    refused = attune_infra("migrate", orders, "--topology", path, "--yes")

    assert refused.code == ExitCode.REFUSED
    assert f"error: queue orders holds {COUNT} messages, and the wanted one at most {COUNT - 1}" in refused.stderr
    assert len(bodies(channel, orders)) == COUNT


def test_a_queue_of_another_connection_is_refused(attune_infra: Command, channel: Any, document: Document) -> None:
    channel.queue_declare("orders", durable=False, exclusive=True, auto_delete=False)
    path = document()

    refused = attune_infra("migrate", "orders", "--topology", path, "--yes")

    assert refused.code == ExitCode.REFUSED
    assert "error: queue orders is exclusive: only its own connection may use it" in refused.stderr
    assert "attune-infra migrate" not in attune_infra("diff", path).stdout


def test_a_queue_that_the_document_protects_or_does_not_own_is_refused(
    attune_infra: Command, broker: RabbitMQ, tmp_path: Path, orders: str
) -> None:
    path = tmp_path / "orders.yaml"
    line = ("migrate", orders, "--topology", str(path), "--yes")

    path.write_text("protect: ['queue:ord*']\nqueues: {orders: {type: quorum}}\n")
    protected, told = attune_infra(*line), attune_infra("setup", str(path))
    path.write_text("queues: {orders: {type: quorum, external: true}}\n")
    external = attune_infra(*line)

    assert (protected.code, external.code) == (ExitCode.REFUSED, ExitCode.REFUSED)
    assert (
        "error: `protect` of the document names queue orders: queue:ord*; nothing was changed" in protected.stderr
    )
    assert "attune-infra migrate" not in told.stdout
    assert "error: queue orders is external: only its owner can change it; nothing was changed" in external.stderr
    assert broker.read().queues[orders].type == "classic"


def test_a_stream_goes_once_its_reader_has_gone(
    attune_infra: Command, broker: RabbitMQ, channel: amqp.Channel, document: Document
) -> None:
    """The statistics still list the mover of the messages when they have been moved."""
    channel.queue_declare("orders", durable=True, auto_delete=False, arguments={"x-queue-type": "stream"})
    publish(channel, "orders", COUNT)

    result = attune_infra("migrate", "orders", "--topology", document(), "--yes")

    assert result.code == ExitCode.DONE, result.stderr
    assert broker.read().queues["orders"].type == "quorum"
    assert broker.contents("orders") == (COUNT, 0)
