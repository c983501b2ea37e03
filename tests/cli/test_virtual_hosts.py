"""Definitions of one virtual host or of several, as a user gives them to each command."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from attune_infra.broker.rabbitmq import RabbitMQ
from support.as_a_user import Command

Write = Callable[..., str]

READING = (
    "topology check FILE",
    "import FILE",
    "lint FILE --fail-on error",
    "trace --topology FILE amq.direct from-a",
    "graph FILE",
)
APPLYING = ("diff FILE", "setup --dry-run FILE", "verify --topology FILE")


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def write(*vhosts: str) -> str:
        """Write definitions with a bound queue `from-VHOST` in each virtual host."""
        queue = {"durable": True, "auto_delete": False, "arguments": {}}
        binding = {"source": "amq.direct", "destination_type": "queue", "arguments": {}}
        names = [(vhost, f"from-{vhost}") for vhost in vhosts]
        file = tmp_path / "definitions.json"
        file.write_text(
            json.dumps(
                {
                    "queues": [{**queue, "vhost": vhost, "name": name} for vhost, name in names],
                    "bindings": [
                        {**binding, "vhost": vhost, "destination": name, "routing_key": name}
                        for vhost, name in names
                    ],
                }
            )
        )
        return str(file)

    return write


def words(command: str, file: str) -> list[str]:
    return [file if word == "FILE" else word for word in command.split()]


@pytest.mark.parametrize("command", READING + APPLYING)
def test_each_command_gives_the_same_answer_to_several(
    attune_infra_alone: Command, write: Write, command: str
) -> None:
    file = write("b", "a")

    refused = attune_infra_alone(*words(command, file))

    assert (refused.code, refused.stdout) == (1, "")
    assert refused.stderr.removeprefix("error: ").splitlines() == [
        f"{file} holds several virtual hosts: 'a', 'b'",
        "hint:  choose one with --vhost NAME; `attune-infra import --all` makes a document of all",
    ]


@pytest.mark.parametrize("command", READING + APPLYING)
def test_each_command_names_those_that_can_be_chosen(
    attune_infra_alone: Command, write: Write, command: str
) -> None:
    file = write("b", "a")

    refused = attune_infra_alone(*words(command, file), "--vhost", "c")

    assert (refused.code, refused.stdout) == (1, "")
    assert refused.stderr.removeprefix("error: ").splitlines() == [
        f"{file} holds no virtual host 'c'",
        "hint:  it holds 'a', 'b'",
    ]


@pytest.mark.parametrize("command", READING)
def test_the_chosen_one_is_read(attune_infra_alone: Command, write: Write, command: str) -> None:
    only_a = attune_infra_alone(*words(command, write("a")))
    file = write("a", "b")

    chosen = attune_infra_alone(*words(command, file), "--vhost", "a")

    assert only_a.code == 0
    assert (chosen.code, chosen.stdout) == (0, only_a.stdout)
    assert "warning" not in chosen.stderr


@pytest.mark.parametrize("command", APPLYING)
@pytest.mark.parametrize("chosen", [False, True])
def test_a_warning_says_that_another_virtual_host_is_described(
    attune_infra: Command, broker: RabbitMQ, write: Write, command: str, chosen: bool
) -> None:
    file = write("b", "a") if chosen else write("a")
    options = ["--vhost", "a"] if chosen else []

    result = attune_infra(*words(command, file), *options)

    assert "from-a" in result.stdout
    assert "from-b" not in result.stdout
    warning = (
        f"warning: {file} describes the virtual host 'a'; "
        f"the command uses '{broker.settings.virtual_host}', which the AMQP URL names\n"
    )
    assert result.stderr.count(warning) == 1


@pytest.mark.parametrize("command", APPLYING)
def test_nothing_is_said_of_the_virtual_host_that_the_command_uses(
    attune_infra: Command, broker: RabbitMQ, write: Write, tmp_path: Path, command: str
) -> None:
    document = tmp_path / "document.yaml"
    document.write_text("topology: elsewhere\nqueues: {q: {}}\n")

    for file in (write("a", broker.settings.virtual_host), str(document)):
        assert "warning" not in attune_infra(*words(command, file)).stderr


def test_setup_makes_what_was_chosen(attune_infra: Command, broker: RabbitMQ, write: Write) -> None:
    file = write("a", "b")

    assert attune_infra("setup", file, "--vhost", "b").code == 0

    assert set(broker.read().queues) == {"from-b"}
    assert attune_infra("diff", file, "--vhost", "b").code == 0
    assert attune_infra("diff", file, "--vhost", "a").code == 2


@pytest.mark.parametrize("command", [*APPLYING, *READING[2:]])
def test_a_document_holds_no_choice(attune_infra_alone: Command, tmp_path: Path, command: str) -> None:
    document = tmp_path / "document.yaml"
    document.write_text("queues: {from-a: {}}\n")

    refused = attune_infra_alone(*words(command, str(document)), "--vhost", "a")

    assert (refused.code, refused.stdout) == (64, "")
    assert refused.stderr.endswith("hint:  leave out --vhost; --amqp-url names the virtual host of the broker\n")
