"""Limits and permissions of a virtual host, from a document to the broker and back."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import amqp
import pytest

from attune_infra.broker.http.management import Management
from attune_infra.errors import ExitCode
from attune_infra.settings import AMQP_URL
from support.as_a_user import Command
from support.eventually import eventually
from support.virtual_host import VirtualHost

DOCUMENT = """\
manages: ['.*']
exchanges: {{events: {{type: topic}}}}
queues: {{jobs: {{bindings: [{{exchange: events, routing_key: '#'}}]}}}}
operator_policies: {{caps: {{pattern: ^jobs, definition: {{max-length: 9}}, apply_to: queues}}}}
limits: {{max-queues: 20}}
permissions: {{{user}: {{configure: '', write: '^events$', read: '^jobs$'}}}}
topic_permissions: {{{user}: {{events: {{write: '^a', read: '.*'}}}}}}
"""


@pytest.fixture
def user(management: Management, vhost: VirtualHost) -> Iterator[str]:
    name = f"svc-{vhost.name.split()[-1]}"
    management.put("users", name, body={"password": name, "tags": "management"})
    yield name
    management.delete("users", name)


@pytest.fixture
def document(tmp_path: Path, user: str) -> str:
    file = tmp_path / "it.yaml"
    file.write_text(DOCUMENT.format(user=user), encoding="utf-8")
    return str(file)


def test_they_are_set_up_and_match(attune_infra: Command, document: str, user: str) -> None:
    assert attune_infra("diff", document).lines[-2] == "7 to create"

    made = attune_infra("setup", document)

    assert made.code == ExitCode.DONE
    assert f"+ permission of user {user} set: configure '', write '^events$', read '^jobs$': created" in made.lines
    assert attune_infra("diff", document).code == ExitCode.DONE
    verified = attune_infra("verify", document)
    assert verified.code == ExitCode.DONE
    assert "undeclared permission of user guest: not in the topology" in verified.stdout
    assert attune_infra("setup", document).lines[-1] == "7 objects: 7 unchanged"


def test_a_change_is_named_and_made_in_place(
    attune_infra: Command, document: str, user: str, management: Management, vhost: VirtualHost
) -> None:
    attune_infra("setup", document)
    other = {"configure": ".*", "write": "^events$", "read": "^jobs$"}
    management.put("permissions", vhost.name, user, body=other)

    differs = attune_infra("diff", document, "-o", "json")
    assert differs.code == ExitCode.DRIFT
    [change] = differs.json["changes"]
    assert (change["kind"], change["name"], change["change"]) == ("permission", user, "update")
    assert change["differences"] == [{"attribute": "configure", "have": ".*", "want": ""}]
    assert "permission-matches" in attune_infra("verify", document, "-o", "json").stdout
    assert attune_infra("setup", document).lines[-1] == "7 objects: 1 updated, 6 unchanged"


def test_an_undeclared_one_is_pruned_but_never_that_of_the_command_itself(
    attune_infra: Command, document: str, management: Management, vhost: VirtualHost, tmp_path: Path
) -> None:
    attune_infra("setup", document)
    management.put("vhost-limits", vhost.name, "max-connections", body={"value": 100})
    plan = attune_infra("diff", document, "--prune")
    assert [line for line in plan.lines if line.startswith("-")] == ["- limit max-connections is undeclared"]

    undo = str(tmp_path / "undo.yaml")
    pruned = attune_infra(
        "setup", document, "--prune", "--allow-destructive", "--yes", "--max-deletes", "1", "--undo-file", undo
    )

    assert pruned.code == ExitCode.DONE
    assert attune_infra("diff", document, "--prune").code == ExitCode.DONE
    assert attune_infra("setup", undo).lines[0] == "+ limit max-connections set to 100: created"


def test_an_export_of_all_is_the_same_again(
    attune_infra: Command, document: str, tmp_path: Path, user: str
) -> None:
    attune_infra("setup", document)
    file = tmp_path / "all.yaml"

    assert attune_infra("export", "--all", "--to", str(file)).code == ExitCode.DONE

    assert f"  {user}: " in file.read_text(encoding="utf-8")
    assert attune_infra("diff", str(file)).code == ExitCode.DONE
    plain = attune_infra("export")
    assert "permissions" not in plain.stdout + plain.stderr
    assert plain.stderr == "left out: operator policies caps: `export --all` writes them\n"
    definitions = attune_infra("export", "--all", "--format", "definitions")
    assert f"left out: permissions of user guest, of user {user}" in definitions.stderr
    assert '"max-queues": 20' in definitions.stdout


def test_a_user_who_may_not_see_permissions_is_told_so(
    attune_infra: Command, document: str, user: str, vhost: VirtualHost, management: Management
) -> None:
    management.put("permissions", vhost.name, user, body={"configure": ".*", "write": ".*", "read": ".*"})
    url = vhost.amqp_url.replace("guest:guest", f"{user}:{user}")

    for command in ("diff", "setup", "verify"):
        result = attune_infra(command, document, environment={AMQP_URL.variable: url})
        assert result.code == ExitCode.FAILED
        assert f"user '{user}' lacks the tag administrator, without which RabbitMQ shows no permissions" in (
            result.stdout + result.stderr
        )


def test_limits_alone_need_an_administrator_only_to_change(
    attune_infra: Command, tmp_path: Path, user: str, vhost: VirtualHost, management: Management
) -> None:
    file = tmp_path / "limits.yaml"
    file.write_text("limits: {max-queues: 9}\nqueues: {jobs: {}}", encoding="utf-8")
    management.put("permissions", vhost.name, user, body={"configure": ".*", "write": ".*", "read": ".*"})
    as_user = {AMQP_URL.variable: vhost.amqp_url.replace("guest:guest", f"{user}:{user}")}

    assert attune_infra("diff", str(file), environment=as_user).code == ExitCode.DRIFT
    partly = attune_infra("setup", str(file), environment=as_user)

    assert partly.code == ExitCode.PARTLY_DONE
    assert "queue jobs declared: created" in partly.stdout
    assert f"rabbitmqctl set_user_tags {user} administrator" in partly.stdout + partly.stderr


def test_an_operator_policy_that_would_drop_messages_is_withheld(
    attune_infra: Command, channel: amqp.Channel, tmp_path: Path
) -> None:
    file = tmp_path / "it.yaml"
    file.write_text(
        "queues: {q: {}}\noperator_policies: {o: {pattern: q, definition: {max-length: 1}, apply_to: queues}}",
        encoding="utf-8",
    )
    channel.queue_declare("q", durable=True, auto_delete=False)
    for _ in range(3):
        channel.basic_publish(amqp.Message("m"), routing_key="q")

    kept = attune_infra("setup", str(file))
    assert kept.code == ExitCode.REFUSED
    assert "at stake: up to 2 messages" in kept.stdout
    assert channel.queue_declare("q", passive=True).message_count == 3

    assert attune_infra("setup", str(file), "--allow-destructive", "--yes").code == ExitCode.DONE
    assert (
        eventually(lambda: channel.queue_declare("q", passive=True).message_count, lambda found: found == 1) == 1
    )
