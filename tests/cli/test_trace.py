"""`attune-infra trace`, as a user runs it."""

from __future__ import annotations

from pathlib import Path

import amqp
import pytest

from attune_infra.broker.http.management import Management
from support.as_a_user import Command
from support.under_test import BrokerUnderTest
from support.virtual_host import VirtualHost

HEADERS = """
exchanges: {e: {type: headers}}
queues:
  integer: {bindings: [{exchange: e, arguments: {n: 5}}]}
  string: {bindings: [{exchange: e, arguments: {n: '5'}}]}
"""


@pytest.fixture
def headers(tmp_path: Path) -> str:
    path = tmp_path / "headers.yaml"
    path.write_text(HEADERS, encoding="utf-8")
    return str(path)


def test_a_message_to_a_worker_is_followed_without_any_server(attune_infra_alone: Command) -> None:
    result = attune_infra_alone("trace", "attune.executions", "worker.2", "--worker", "1-3")

    assert (result.code, result.stderr) == (0, "")
    assert result.lines == [
        "  exchange attune.executions (direct), routing key worker.2",
        "  └─ queue worker.2.executions: the routing key is 'worker.2'",
        "     └─ rejected: discarded, no dead letter exchange",
        "reaches 1 queue: worker.2.executions",
    ]


def test_json_has_the_names_of_the_queues(attune_infra_alone: Command) -> None:
    result = attune_infra_alone("trace", "attune.events", "event.created", "-o", "json")

    assert (result.json["schema"], result.json["queues"]) == ("attune-infra/trace/1", ["attune.events.queue"])
    assert result.json["hops"][0]["matched"][0]["why"] == "pattern '#' matches 'event.created'"
    [rejected] = result.json["lives"][0]["deaths"]
    assert (rejected["dead_letter_exchange"], rejected["queues"]) == ("attune.dlx", ["attune.dlx.queue"])


def test_a_message_that_reaches_no_queue_is_a_finding(attune_infra_alone: Command) -> None:
    result = attune_infra_alone("trace", "attune.executions", "worker.1", "--explain")

    assert result.code == 2
    assert result.lines == [
        "  exchange attune.executions (direct), routing key worker.1",
        "! └─ no binding matches",
        "  attune.executions -> attune.executions.queue does not match: 'execution' is not 'worker.1'",
        "! reaches no queue",
    ]


def test_a_lost_dead_letter_is_a_finding(attune_infra_alone: Command) -> None:
    result = attune_infra_alone(
        "trace", "attune.executions", "enforcement.created", "--topology", "examples/attune-2026-09.yaml"
    )

    assert result.code == 2
    assert result.lines[-1] == "! can be lost on a way out of 1 queue: attune.enforcements.queue"


@pytest.mark.parametrize("exchange", ["", "amq.default"])
def test_the_default_exchange_can_be_typed(exchange: str, attune_infra_alone: Command) -> None:
    result = attune_infra_alone("trace", exchange, "attune.dlx.queue", "-o", "json")

    assert (result.code, result.json["queues"]) == (0, ["attune.dlx.queue"])


def test_headers_have_the_type_they_have_in_yaml(attune_infra_alone: Command, headers: str) -> None:
    def queues(header: str) -> list[str]:
        result = attune_infra_alone("trace", "e", "--header", header, "--topology", headers, "-o", "json")
        found: list[str] = result.json["queues"]
        return found

    assert [queues(header) for header in ("n=5", 'n="5"', "n=true")] == [["integer"], ["string"], []]


@pytest.mark.parametrize(
    ("given", "complaint"),
    [
        (["--header", "n"], "'n' is not a header"),
        (["--header", "n=1", "--header", "n=2"], "header n is given twice"),
        (["--header", "n=[1"], "header n: invalid YAML"),
        (["--header", "n=null"], "header n: it holds null"),
        (["x" * 256], "the routing key is 256 bytes long"),
        (["--live", "--worker", "1"], "--live reads the topology"),
        (["--worker", "x"], "'x' is not a worker id"),
        (["--broker-version", "new"], "'new' is not a version of RabbitMQ"),
        (["--broker-version", "9.9"], "RabbitMQ 9.9 is not a known release"),
    ],
)
def test_wrong_usage_is_told(given: list[str], complaint: str, attune_infra_alone: Command) -> None:
    result = attune_infra_alone("trace", "attune.events", *given)

    assert (result.code, result.stdout) == (64, "")
    assert complaint in result.stderr


def test_what_is_expected_is_all_that_may_be_reached(attune_infra_alone: Command) -> None:
    event = ("trace", "attune.events", "event.created", "--expect", "attune.events.queue")

    assert attune_infra_alone(*event).code == 0
    more = attune_infra_alone(*event, "--expect", "attune.executions.queue")
    assert more.code == 2
    assert more.lines[-1] == (
        "! does not reach queue attune.executions.queue:"
        " no binding attune.events -> attune.executions.queue matches"
    )


def test_what_is_expected_has_a_name(attune_infra_alone: Command) -> None:
    result = attune_infra_alone("trace", "attune.events", "event.created", "--expect", "")

    assert result.code == 64
    assert "error: --expect is empty" in result.stderr


def test_a_worker_whose_queue_is_expected_is_there(attune_infra_alone: Command) -> None:
    to_a_worker = ("trace", "attune.executions", "worker.1", "--expect")

    assert attune_infra_alone(*to_a_worker, "worker.1.executions").code == 0
    other = attune_infra_alone(*to_a_worker, "worker.2.executions")
    assert (other.code, other.lines[-1]) == (
        2,
        (
            "! does not reach queue worker.2.executions: binding attune.executions -> worker.2.executions"
            " with routing key worker.2 does not match: 'worker.2' is not 'worker.1'"
        ),
    )


def test_an_empty_routing_key_beside_others_is_told(attune_infra_alone: Command) -> None:
    result = attune_infra_alone("trace", "attune.notifications", "--header", "CC=[a]")

    assert result.lines[0] == "  exchange attune.notifications (fanout), routing key '' and a, headers CC an array"


def test_a_broker_is_traced_as_another_release_would_route(attune_infra: Command, channel: amqp.Channel) -> None:
    queue = channel.queue_declare(exclusive=True).queue

    result = attune_infra("trace", "amq.default", queue, "--live", "--broker-version", "4.1", "-o", "json")

    assert (result.code, result.json["broker_version"]) == (0, "4.1")


def test_live_is_what_the_broker_holds_now_and_its_release(
    attune_infra: Command, vhost: VirtualHost, management: Management, under_test: BrokerUnderTest
) -> None:
    management.put("queues", vhost.name, "q", body={"durable": True})
    management.post("bindings", vhost.name, "e", "amq.topic", "q", "q", body={"routing_key": "a.*"})

    result = attune_infra("trace", "amq.topic", "a.b", "--live", "-o", "json")

    assert (result.code, result.json["queues"]) == (0, ["q"])
    assert result.json["broker_version"] == ".".join(map(str, under_test.release))


def test_live_knows_the_queues_of_connections_too(attune_infra: Command, channel: amqp.Channel) -> None:
    queue = channel.queue_declare(exclusive=True).queue
    channel.queue_bind(queue, "amq.fanout")

    result = attune_infra("trace", "amq.fanout", "--live", "-o", "json")

    assert (result.code, result.json["queues"]) == (0, [queue])


def test_policies_of_one_priority_on_the_way_are_said_to_be_undecided(
    attune_infra_alone: Command, tmp_path: Path
) -> None:
    path = tmp_path / "tied.yaml"
    path.write_text(
        """
queues: {q: {}, dead.q: {}}
exchanges: {dlx: {type: fanout}}
policies:
  a: {pattern: ^q$, apply_to: queues, definition: {dead-letter-exchange: dlx}}
  b: {pattern: ^q, apply_to: queues, definition: {max-length: 5}}
""",
        encoding="utf-8",
    )

    text = attune_infra_alone("trace", "", "q", "--topology", str(path))
    as_json = attune_infra_alone("trace", "", "q", "--topology", str(path), "--output", "json")

    words = "? policies 'a' and 'b' apply to queue q with one priority: only RabbitMQ knows which is in effect"
    assert words in text.lines
    assert as_json.json["tied_policies"] == [{"kind": "queue", "name": "q", "policies": ["a", "b"]}]
