"""`attune-infra verify`, as a user runs it, on a real broker."""

import signal
from pathlib import Path
from urllib.parse import urlsplit

import amqp
import pytest

from attune_infra.broker.http.management import Management
from attune_infra.broker.rabbitmq import THROWAWAY
from attune_infra.links import code_url
from attune_infra.settings import AMQP_URL
from support.as_a_user import Command
from support.eventually import eventually
from support.proxy import Proxy
from support.virtual_host import VirtualHost

CONSUMER = "consumer worker-1 of queue worker.1.executions"


@pytest.fixture
def provisioned(attune_infra: Command) -> Command:
    assert attune_infra("setup").code == 0
    assert attune_infra("worker", "provision", "--id", "1").code == 0
    return attune_infra


def test_each_object_has_a_check_of_its_own(attune_infra: Command) -> None:
    attune_infra("setup")

    result = attune_infra("verify", "-v")

    assert result.code == 0
    names = [line.removeprefix("passed   ").partition(": ")[0] for line in result.lines[:-1]]
    assert names[:2] == ["broker answers over HTTP", "broker answers over AMQP"]
    assert [names[2], *names[6:12:4], names[11]] == [
        "exchange attune.dlx",
        "queue attune.dlx.queue",
        "policy attune-worker-expiry",
        "binding attune.dlx -> attune.dlx.queue",
    ]
    assert names[15:] == [
        "dead letters of queue attune.events.queue",
        "dead letters of queue attune.executions.queue",
        "dead letters of queue attune.notifications.queue",
        "route of attune.events with routing key event.created",
        "route of attune.executions with routing key execution",
        "route of attune.executions with routing key worker.1",
        "route of attune.notifications",
        "route of attune.dlx with routing key event.created",
    ]
    assert result.lines[-1] == "23 checks: 23 passed"


def test_a_broken_route_names_the_binding_that_is_missing(attune_infra: Command, channel: amqp.Channel) -> None:
    attune_infra("setup")
    channel.queue_unbind("attune.executions.queue", "attune.executions", "execution")

    result = attune_infra("verify")

    assert result.code == 2
    assert (
        "failed   route of attune.executions with routing key execution: does not reach queue"
        " attune.executions.queue: binding attune.executions -> attune.executions.queue with routing key execution"
        " is missing" in result.lines
    )


def test_missing_objects_are_drift(attune_infra: Command) -> None:
    result = attune_infra("verify", "--worker", "7")

    assert result.code == 2
    assert "failed   exchange attune.events: is missing" in result.lines
    assert "failed   queue worker.7.executions: is missing" in result.lines
    assert (
        "failed   dead letters of queue attune.events.queue: go to exchange attune.dlx, which is missing:"
        " they are lost" in result.lines
    )


IDLE = """
queues: {orders: {type: classic}}
exchanges: {e: {type: topic}}
policies:
  limits: {pattern: ^orders$, apply_to: queues, definition: {max-length: 5}}
  keyed: {pattern: ^ord, apply_to: queues, priority: 1, definition: {max-age: 1D}}
  lost: {pattern: ^order$, apply_to: queues, definition: {max-length: 5}}
  waits: {pattern: ^amq.gen, apply_to: queues, definition: {expires: 5000}}
  on-own: {pattern: '^amq\\.topic$', apply_to: exchanges, definition: {alternate-exchange: e}}
"""


def test_a_policy_that_is_in_effect_nowhere_is_a_warning(
    attune_infra: Command, management: Management, vhost: VirtualHost, tmp_path: Path
) -> None:
    path = tmp_path / "idle.yaml"
    path.write_text(IDLE, encoding="utf-8")
    wins = {"pattern": "ders", "definition": {"expires": 9_000_000}, "priority": 5, "apply-to": "queues"}
    assert attune_infra("setup", "--topology", str(path)).code == 0

    before = attune_infra("verify", "--topology", str(path))
    management.put("policies", vhost.name, "wins", body=wins)
    after = attune_infra("verify", "--topology", str(path))

    pattern = "its pattern matches no name of the kind it applies to"
    key = "each queue it matches passes it over, for a key that its type does not support"
    idle = [
        f"warning  policy keyed: is in effect nowhere: {key}",
        f"warning  policy lost: is in effect nowhere: {pattern}",
    ]
    assert [line for line in before.lines if line.startswith("warning")] == idle
    why = "another policy wins on every object it matches, such as 'wins'"
    hidden = f"warning  policy limits: is in effect nowhere: {why}"
    assert [line for line in after.lines if line.startswith("warning")][:3] == [idle[0], hidden, idle[1]]
    assert (before.code, after.code) == (0, 0)


def test_a_dead_letter_exchange_must_lead_to_a_queue(attune_infra: Command, channel: amqp.Channel) -> None:
    attune_infra("setup")
    channel.queue_unbind("attune.dlx.queue", "attune.dlx")

    result = attune_infra("verify")

    assert result.code == 2
    assert (
        "failed   dead letters of queue attune.events.queue: go to exchange attune.dlx, which leads to no queue:"
        " they are lost" in result.lines
    )


@pytest.mark.parametrize("name", ["", "private"])
def test_dead_letters_that_reach_a_private_queue_are_not_lost(
    attune_infra: Command, channel: amqp.Channel, name: str
) -> None:
    attune_infra("setup")
    channel.queue_unbind("attune.dlx.queue", "attune.dlx")
    queue = channel.queue_declare(name, exclusive=True).queue
    channel.queue_bind(queue, "attune.dlx", "#")

    result = attune_infra("verify", "-v")

    passed = f"dead letters of queue attune.events.queue: reach {queue} through exchange attune.dlx"
    assert [line for line in result.lines if passed in line]
    assert not [line for line in result.lines if "they are lost" in line]


def test_a_dead_letter_exchange_must_lead_to_a_queue_with_the_key_that_dead_letters_keep(
    attune_infra: Command, tmp_path: Path
) -> None:
    document = tmp_path / "jobs.yaml"
    document.write_text(
        """
exchanges: {jobs: {type: topic}, dlx: {type: direct}}
queues:
  jobs: {arguments: {x-dead-letter-exchange: dlx}, bindings: [{exchange: jobs, routing_key: job.made}]}
  dead: {bindings: [{exchange: dlx, routing_key: '#'}]}
"""
    )
    attune_infra("setup", "--topology", str(document))

    result = attune_infra("verify", "--topology", str(document))

    assert result.code == 2
    assert (
        "failed   dead letters of queue jobs: go to exchange dlx, which leads to no queue for the routing key"
        " 'job.made': they are lost" in result.lines
    )


def test_dead_letters_that_the_queue_keeps_stay_in_it(
    attune_infra: Command, vhost: VirtualHost, management: Management, channel: amqp.Channel, tmp_path: Path
) -> None:
    document = tmp_path / "kept.yaml"
    document.write_text(
        """
exchanges: {delay: {type: topic}, deliver: {type: topic}}
queues:
  wait:
    type: quorum
    arguments:
      x-message-ttl: 10
      x-dead-letter-exchange: deliver
      x-dead-letter-strategy: at-least-once
      x-overflow: reject-publish
    bindings: [{exchange: delay, routing_key: '1.#'}]
"""
    )
    attune_infra("setup", "--topology", str(document))
    channel.basic_publish(amqp.Message("a"), "delay", "1.a")

    verified = attune_infra("verify", "--topology", str(document))
    traced = attune_infra("trace", "--live", "delay", "1.a")

    assert (verified.code, traced.code) == (2, 2)
    assert (
        "failed   dead letters of queue wait: go to exchange deliver, which leads to no queue:"
        " they stay in the queue, and fill it" in verified.lines
    )
    assert traced.lines[-1] == "! can stay for ever, as a dead letter, in 1 queue: wait"
    eventually(
        lambda: management.get("queues", vhost.name, "wait", columns="messages_ready,messages_dlx"),
        lambda found: found == {"messages_ready": 0, "messages_dlx": 1},
        within=20,
    )


def test_a_worker_without_its_consumer_is_a_warning_unless_required(provisioned: Command) -> None:
    lenient = provisioned("verify", "--worker", "1")
    assert lenient.code == 0
    assert f"warning  {CONSUMER}: no consumer" in lenient.lines

    strict = provisioned("verify", "--worker", "1", "--require-consumers")
    assert strict.code == 2
    assert f"failed   {CONSUMER}: no consumer" in strict.lines


def test_a_consumer_is_seen_as_soon_as_it_is_there(provisioned: Command, channel: amqp.Channel) -> None:
    channel.basic_consume("worker.1.executions", consumer_tag="worker-1")

    result = provisioned("verify", "--worker", "1", "--require-consumers", "-v")

    assert result.code == 0
    assert f"passed   {CONSUMER}" in result.lines


def test_a_consumer_of_another_name_is_told(provisioned: Command, channel: amqp.Channel) -> None:
    channel.basic_consume("worker.1.executions", consumer_tag="somebody")

    result = provisioned("verify", "--worker", "1", "--require-consumers")

    assert result.code == 2
    assert f"failed   {CONSUMER}: is missing; somebody consumes instead" in result.lines


@pytest.mark.transient_queues
def test_when_the_consumer_leaves_the_queue_is_gone_and_verify_says_so(
    provisioned: Command, channel: amqp.Channel, management: Management, vhost: VirtualHost
) -> None:
    tag = channel.basic_consume("worker.1.executions", consumer_tag="worker-1")
    channel.basic_cancel(tag)
    eventually(
        lambda: [queue["name"] for queue in management.get("queues", vhost.name)],
        lambda names: "worker.1.executions" not in names,
    )

    result = provisioned("verify", "--worker", "1")

    assert result.code == 2
    assert "failed   queue worker.1.executions: is missing" in result.lines
    assert (
        "failed   binding attune.executions -> worker.1.executions with routing key worker.1: is missing"
        in result.lines
    )


def test_undeclared_objects_are_told_and_fail_only_when_asked(provisioned: Command, channel: amqp.Channel) -> None:
    channel.queue_declare("somebody's queue", durable=True, auto_delete=False)
    channel.queue_bind("worker.1.executions", "attune.executions", "extra")
    told = [
        "undeclared queue somebody's queue: not in the topology",
        "undeclared binding attune.executions -> worker.1.executions with routing key extra: not in the topology",
    ]

    lenient = provisioned("verify")
    assert lenient.code == 0
    assert [line for line in lenient.lines if "undeclared" in line] == [f"warning  {line}" for line in told]

    strict = provisioned("verify", "--strict")
    assert strict.code == 2
    assert [line for line in strict.lines if "undeclared" in line] == [f"failed   {line}" for line in told]


def test_what_is_private_or_built_in_is_nobodys_drift(provisioned: Command, channel: amqp.Channel) -> None:
    queue = channel.queue_declare("", exclusive=True).queue
    channel.queue_bind(queue, "attune.events", "#")

    assert provisioned("verify", "--strict").code == 0


def test_names_cannot_act_on_a_terminal(attune_infra: Command, channel: amqp.Channel) -> None:
    attune_infra("setup")
    channel.queue_declare("\x1b[31m[red]évil\x1b[0m\u202e", durable=True, auto_delete=False)

    result = attune_infra("verify")

    assert "warning  undeclared queue \\x1b[31m[red]évil\\x1b[0m\\u202e: not in the topology" in result.lines


def test_json_names_every_check(provisioned: Command) -> None:
    result = provisioned("verify", "--worker", "1", "--output", "json")

    assert (result.json["schema"], result.json["exit_code"]) == ("attune-infra/verify/1", 0)
    assert {
        "code": "consumer-present",
        "url": code_url("consumer-present"),
        "kind": "consumer",
        "name": "worker-1",
        "queue": "worker.1.executions",
        "title": CONSUMER,
        "verdict": "warning",
        "detail": "no consumer",
        "hint": "is worker 1 running?",
        "worker_id": 1,
    } in result.json["checks"]


def test_a_probe_proves_the_routes_with_real_messages(attune_infra: Command, channel: amqp.Channel) -> None:
    attune_infra("setup")
    channel.queue_unbind("attune.executions.queue", "attune.executions", "execution")

    result = attune_infra("verify", "--probe", "-v")

    assert result.code == 2  # for what is there; the topology itself is right
    assert [line for line in result.lines if line.startswith(("failed   probed", "unknown"))] == []
    assert (
        "passed   probed route of attune.executions with routing key execution: arrived in attune.executions.queue"
        in result.lines
    )


@pytest.mark.any_broker
def test_a_probe_that_is_told_to_end_does_so_at_once_and_leaves_nothing_behind(
    attune_infra: Command, management: Management, vhost: VirtualHost, tmp_path: Path
) -> None:
    """It is told amid its messages, of which only the first pass."""
    routes = "".join(
        f"  - {{publish: {{exchange: amq.topic, routing_key: a.{number}}}, reaches: []}}\n"
        for number in range(500)
    )
    document = tmp_path / "many.yaml"
    document.write_text(f"routes:\n{routes}", encoding="utf-8")

    def throwaways() -> list[str]:
        return [item["name"] for item in management.get("vhosts") if item["name"].startswith(THROWAWAY)]

    url = urlsplit(vhost.amqp_url)
    with Proxy(url.port or 0, hold_after=5000) as proxy:
        held_up = url._replace(netloc=f"guest:guest@127.0.0.1:{proxy.port}").geturl()
        process = attune_infra.start(
            *("verify", "--probe", "--topology", str(document), "--timeout", "300"),
            environment={AMQP_URL.variable: held_up},
        )
        eventually(lambda: throwaways() and proxy.holds, bool, within=30)
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=30)

    assert process.returncode == 128 + signal.SIGTERM
    assert throwaways() == []
