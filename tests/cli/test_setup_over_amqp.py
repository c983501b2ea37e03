"""`--via amqp` while the management API does not answer: it makes and checks what AMQP can, and names the rest."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import amqp
import pytest

from attune_infra.broker.http.management import Management
from attune_infra.broker.rabbitmq import RabbitMQ
from attune_infra.settings import AMQP_URL
from support.as_a_user import Command, Result
from support.eventually import eventually
from support.no_management import statuses, without_management
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
"""
POLICY = """
policies:
  bounded: {pattern: ^dead$, apply_to: queues, definition: {max-length: 5}}
"""
EXPIRING = {
    "argument": "queues: {short: {arguments: {x-expires: 1500}}}",
    "policy": "queues: {short: {}}\npolicies: {soon: {pattern: ^short$, definition: {expires: 1500}}}",
}
NOT_READ = "it is read and set over the management API only"


@pytest.fixture
def closed(attune_infra: Command) -> Command:
    """The command where nothing listens on the port of the management API."""
    return without_management(attune_infra)


@pytest.fixture
def document(tmp_path: Path) -> str:
    path = tmp_path / "shop.yaml"
    path.write_text(DOCUMENT)
    return str(path)


@pytest.fixture
def with_policy(tmp_path: Path) -> str:
    path = tmp_path / "policy.yaml"
    path.write_text(DOCUMENT + POLICY)
    return str(path)


def reasons(result: Result) -> dict[str, str]:
    return {each["name"]: each["reason"] for each in result.json["objects"] if "reason" in each and "name" in each}


@contextmanager
def as_user(command: Command, management: Management, vhost: VirtualHost, **rights: str) -> Iterator[Command]:
    """Yield the command as a user without tags, with these permissions."""
    body = {"configure": "", "write": "", "read": "", **rights}
    management.put("users", "few", body={"password": "few", "tags": ""})
    management.put("permissions", vhost.name, "few", body=body)
    url = vhost.amqp_url.replace("guest:guest", "few:few")
    try:
        yield Command({**command.environment, AMQP_URL.variable: url})
    finally:
        management.delete("users", "few")


def test_missing_objects_are_created_and_nothing_is_left_to_do(
    attune_infra: Command, closed: Command, broker: RabbitMQ, document: str
) -> None:
    first = closed("setup", document, "--via", "amqp", "-o", "json")

    assert first.code == 0, first
    assert "only AMQP is asked, which lists nothing" in first.stderr
    assert statuses(first) == {
        "shop": "created",
        "rest": "created",
        "jobs": "created",
        "dead": "created",
        "-> jobs": "accepted",
        "-> dead": "accepted",
    }
    assert attune_infra("diff", document).code == 0
    before = broker.read()

    second = closed("setup", document, "--via", "amqp")

    assert second.code == 0
    assert "  accepted: over AMQP alone, RabbitMQ does not tell if it existed before" in second.lines
    assert second.lines[-1] == "6 objects: 4 unchanged, 2 accepted"
    assert broker.read() == before


def test_a_policy_is_not_done(closed: Command, broker: RabbitMQ, with_policy: str) -> None:
    for _ in range(2):  # also when nothing is left to make
        result = closed("setup", with_policy, "--via", "amqp")

        assert result.code == 3
        assert f"! policy bounded is not checked: {NOT_READ}" in result.lines
    assert not broker.read().policies


def test_limits_and_permissions_are_not_done(closed: Command, tmp_path: Path) -> None:
    path = tmp_path / "access.yaml"
    path.write_text(
        "queues: {q: {}}\nlimits: {max-queues: 5}\npermissions: {guest: {configure: '', write: '', read: '.*'}}"
    )

    result = closed("setup", str(path), "--via", "amqp")

    assert result.code == 3
    assert f"! limit max-queues is not checked: {NOT_READ}" in result.lines
    assert f"! permission of user guest is not checked: {NOT_READ}" in result.lines
    assert result.lines[-1] == "3 objects: 1 created, 2 unchecked"


def test_what_differs_is_drift_in_rabbitmq_s_words_and_stays(
    closed: Command, broker: RabbitMQ, channel: amqp.Channel, document: str
) -> None:
    assert closed("setup", document, "--via", "amqp").code == 0
    channel.queue_delete("jobs")
    channel.queue_declare("jobs", durable=True, auto_delete=False, arguments={"x-max-length": 11})
    channel.basic_publish(amqp.Message("kept"), "", "jobs")

    result = closed("setup", document, "--via", "amqp")

    assert result.code == 4
    assert "! queue jobs exists but differs" in result.lines
    assert any("RabbitMQ says: " in line and "inequivalent arg 'x-" in line for line in result.lines)
    assert "      it is kept; over AMQP alone nothing is recreated" in result.lines
    assert broker.read().queues["jobs"].arguments == {"x-max-length": 11}
    eventually(lambda: broker.contents("jobs"), (1, 0).__eq__)
    assert "-> jobs" in statuses(closed("setup", document, "--via", "amqp", "-o", "json"))


def test_drift_beside_a_creation_is_partly_done(closed: Command, channel: amqp.Channel, document: str) -> None:
    channel.exchange_declare("shop", "direct", durable=True, auto_delete=False)

    result = closed("setup", document, "--via", "amqp", "-o", "json")

    assert result.code == 3
    assert statuses(result)["shop"] == "differs"
    assert "type" in reasons(result)["shop"]
    assert statuses(result)["-> jobs"] == "accepted"


def test_an_object_that_vanishes_by_itself_is_compared_too(
    closed: Command, broker: RabbitMQ, channel: amqp.Channel, document: str
) -> None:
    channel.exchange_declare("rest", "topic", durable=True, auto_delete=True)

    result = closed("setup", document, "--via", "amqp", "-o", "json")

    assert statuses(result)["rest"] == "differs"
    assert broker.read().exchanges["rest"].type == "topic"


def test_a_dry_run_asks_and_changes_nothing(
    closed: Command, broker: RabbitMQ, channel: amqp.Channel, with_policy: str
) -> None:
    channel.exchange_declare("shop", "topic", durable=True, auto_delete=False)
    channel.exchange_declare("rest", "fanout", durable=True, auto_delete=True)
    channel.queue_declare("dead", durable=True, auto_delete=False, arguments={"x-max-length": 1})
    before = broker.read()

    result = closed("setup", with_policy, "--via", "amqp", "--dry-run", "-v")

    assert result.code == 3
    assert result.lines[:3] == [
        "  exchange rest: it exists, and is compared by a declaration when it is set up",
        "  exchange shop: unchanged",
        "! queue dead exists but differs",
    ]
    assert "+ queue jobs is missing, and would be created" in result.lines
    assert any("would be declared: over AMQP, RabbitMQ does not tell" in line for line in result.lines)
    assert f"! policy bounded is not checked: {NOT_READ}" in result.lines
    assert result.lines[-1].startswith(
        "nothing is changed; 7 objects would be: 1 created, 2 unchanged, 2 accepted"
    )
    assert broker.read() == before
    assert statuses(closed("setup", with_policy, "--via", "amqp", "--dry-run", "-o", "json"))["jobs"] == "created"
    assert broker.read() == before


@pytest.mark.parametrize("by", ["argument", "policy"])
def test_looking_restarts_no_expiry(
    attune_infra: Command, closed: Command, broker: RabbitMQ, tmp_path: Path, by: str
) -> None:
    path = tmp_path / "short.yaml"
    path.write_text(EXPIRING[by])
    assert attune_infra("setup", str(path)).code == 0

    def look() -> bool:
        for command in (("setup", str(path), "--via", "amqp", "--dry-run"), ("verify", str(path))):
            assert "over AMQP, a question restarts its expiry" in closed(*command).stdout
        return "short" in broker.read().queues

    eventually(look, lambda there: not there, within=20)

    made = closed("setup", str(path), "--via", "amqp", "-o", "json")

    assert made.code == (3 if by == "policy" else 0)
    assert statuses(made)["short"] == "accepted"
    assert reasons(made)["short"] == "over AMQP, a question restarts its expiry"


def test_an_expiring_queue_that_differs_is_drift(closed: Command, channel: amqp.Channel, tmp_path: Path) -> None:
    path = tmp_path / "short.yaml"
    path.write_text("queues: {short: {arguments: {x-expires: 600000}}}")
    channel.queue_declare("short", durable=True, auto_delete=False, arguments={"x-expires": 700000})

    result = closed("setup", str(path), "--via", "amqp", "-o", "json")

    assert result.code == 4
    assert statuses(result) == {"short": "differs"}
    assert "'600000'" in reasons(result)["short"]


def test_an_external_object_is_never_declared(
    closed: Command, channel: amqp.Channel, broker: RabbitMQ, tmp_path: Path
) -> None:
    path = tmp_path / "external.yaml"
    path.write_text(
        "exchanges: {theirs: {external: true, type: topic}}\n"
        "queues: {mine: {bindings: [{exchange: theirs, routing_key: k}]}, gone: {external: true}}"
    )

    result = closed("setup", str(path), "--via", "amqp", "-o", "json")

    assert result.code == 3
    assert statuses(result) == {"theirs": "awaited", "gone": "awaited", "mine": "created", "-> mine": "skipped"}
    assert set(broker.read().exchanges) == set()

    channel.exchange_declare("theirs", "topic", durable=True, auto_delete=False)
    channel.queue_declare("gone", durable=True, auto_delete=False)
    result = closed("setup", str(path), "--via", "amqp", "-o", "json")

    assert statuses(result)["gone"] == statuses(result)["mine"] == "unchanged"
    assert statuses(result)["theirs"] == "unchecked"
    assert statuses(result)["-> mine"] == "accepted"
    assert result.code == 1


def test_integers_in_a_binding_are_not_declared(closed: Command, broker: RabbitMQ, tmp_path: Path) -> None:
    """They would have another width than over HTTP, so that the binding would exist twice."""
    path = tmp_path / "headers.yaml"
    path.write_text(
        "exchanges: {h: {type: headers}}\n"
        "queues: {q: {bindings: [{exchange: h, arguments: {x-match: all, n: 5}}]}}"
    )

    result = closed("setup", str(path), "--via", "amqp", "-o", "json")

    assert result.code == 3
    assert statuses(result) == {"h": "created", "q": "created", "-> q": "unchecked"}
    assert not broker.read().bindings


def test_a_certain_refusal_changes_nothing(closed: Command, broker: RabbitMQ, tmp_path: Path) -> None:
    path = tmp_path / "wrong.yaml"
    path.write_text("exchanges: {e: {}}\nqueues: {q: {type: stream, arguments: {x-max-priority: 5}}}")

    result = closed("setup", str(path), "--via", "amqp")

    assert result.code == 1
    assert "q" in result.stderr
    assert not broker.read().exchanges


def test_a_type_that_the_broker_lacks_is_named(closed: Command, tmp_path: Path) -> None:
    path = tmp_path / "lacking.yaml"
    path.write_text("exchanges: {e: {type: x-nothing}}\nqueues: {q: {bindings: [{exchange: e, routing_key: k}]}}")

    result = closed("setup", str(path), "--via", "amqp", "-o", "json")

    assert result.code == 3
    assert statuses(result) == {"e": "failed", "q": "created", "-> q": "skipped"}
    assert "unknown exchange type 'x-nothing'" in reasons(result)["e"] or "x-nothing" in reasons(result)["e"]


def test_a_user_without_configure_gets_a_sentence(
    attune_infra: Command, closed: Command, management: Management, vhost: VirtualHost, document: str
) -> None:
    assert attune_infra("setup", document).code == 0
    with as_user(closed, management, vhost, read=".*", write=".*", configure="^shop$") as few:
        result = few("setup", document, "--via", "amqp")

    assert result.code == 1
    line = next(line for line in result.lines if line.startswith("! queue dead is not checked: "))
    assert "it exists, and was not compared" in line or "refused" in line
    assert "'few'" in line
    assert "      user 'few' needs configure permission on queue dead" in "\n".join(result.lines)
    assert any(line.strip().startswith("rabbitmqctl set_permissions") for line in result.lines)


def test_a_user_without_tags_needs_only_the_permissions_of_the_page(
    closed: Command, management: Management, vhost: VirtualHost, broker: RabbitMQ, document: str
) -> None:
    rights = {"configure": "^(shop|rest|jobs|dead)$", "write": "^(rest|jobs|dead)$", "read": "^(shop|rest|jobs)$"}
    with as_user(closed, management, vhost, **rights) as few:
        made = few("setup", document, "--via", "amqp")
        again = few("setup", document, "--via", "amqp")

    assert made.lines[-1] == "6 objects: 4 created, 2 accepted"
    assert made.code == again.code == 0
    assert len(broker.read().bindings) == 2


def test_a_user_without_any_permission_is_told_for_what_is_missing(
    closed: Command, management: Management, vhost: VirtualHost, broker: RabbitMQ, document: str
) -> None:
    with as_user(closed, management, vhost) as few:
        result = few("setup", document, "--via", "amqp", "-o", "json")

    assert result.code == 1
    assert {statuses(result)[name] for name in ("shop", "rest", "jobs", "dead")} == {"failed"}
    assert "refused for user 'few'" in reasons(result)["shop"]
    assert not broker.read().exchanges


@pytest.mark.parametrize(
    "option",
    [("--prune",), ("--allow-destructive",), ("--allow-destructive", "queue:jobs"), ("--expect", "0123456789ab")],
)
def test_what_needs_a_plan_is_refused(
    closed: Command, broker: RabbitMQ, document: str, option: tuple[str, ...]
) -> None:
    result = closed("setup", document, "--via", "amqp", *option)

    assert result.code == 4
    assert f"{option[0]} needs the management API, which does not answer; nothing was changed" in result.stderr
    assert not broker.read().exchanges


def test_a_saved_plan_is_refused(attune_infra: Command, closed: Command, document: str, tmp_path: Path) -> None:
    plan = str(tmp_path / "plan.json")
    assert attune_infra("diff", document, "--out", plan).code == 2

    result = closed("setup", plan, "--via", "amqp")

    assert result.code == 4
    assert f"{plan}, a plan, needs the management API" in result.stderr


def test_it_has_to_be_asked_for(closed: Command, broker: RabbitMQ, document: str) -> None:
    for arguments in (("setup", document), ("setup", document, "--dry-run"), ("worker", "provision", "--id", "1")):
        result = closed(*arguments)

        assert result.code == 1
        assert "--via amqp makes what AMQP can, and names the rest" in result.stderr
    assert closed("setup", document, "--via", "http").code == 1
    assert "--via amqp" not in closed("setup", document, "--via", "http").stderr
    assert not broker.read().exchanges


def test_diff_names_the_commands_that_work(closed: Command, document: str) -> None:
    result = closed("diff", document)

    assert result.code == 1
    assert "`attune-infra verify` checks what AMQP tells" in result.stderr
    assert "`attune-infra setup --via amqp` makes it" in result.stderr


def test_while_the_management_api_answers_nothing_is_different(attune_infra: Command, document: str) -> None:
    assert attune_infra("setup", document, "--via", "amqp").lines[-1] == "6 objects: 6 created"
    assert attune_infra("setup", document, "--via", "amqp").lines[-1] == "6 objects: 6 unchanged"
    assert attune_infra("setup", document, "--via", "amqp", "--prune").code == 0


def test_the_expected_cluster_is_asked_over_amqp(closed: Command, broker: RabbitMQ, document: str) -> None:
    result = closed("setup", document, "--via", "amqp", "--expect-cluster", "another")

    assert result.code == 4
    assert not broker.read().exchanges


def test_waiting_does_not_wait_for_what_is_absent(closed: Command, document: str) -> None:
    assert closed("setup", document, "--via", "amqp", "--wait", "50").code == 0
