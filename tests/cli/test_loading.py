"""What a command loads: nothing that it does not use."""

from __future__ import annotations

import subprocess
import sys

import pytest

from as_a_user import Command, clean_environment
from attune_infra.cli import COMMANDS
from attune_infra.errors import ExitCode
from virtual_host import VirtualHost

LIBRARIES = frozenset({"amqp", "psycopg", "rabbitmq_admin", "requests", "rich", "typer", "yaml"})
"""What takes longer to load than Python takes to start, or near it."""


def loaded(vhost: VirtualHost, *arguments: str) -> frozenset[str]:
    """Return which of the libraries a command has loaded when it ends."""
    command = [sys.executable, "-X", "importtime", "-m", "attune_infra", *arguments]
    environment = clean_environment() | dict(vhost.environment)
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    assert done.returncode in {ExitCode.DONE, ExitCode.DRIFT}
    return LIBRARIES & {line.rpartition("|")[2].strip() for line in done.stderr.splitlines()}


HTTP, AMQP = {"rabbitmq_admin", "requests"}, {"amqp"}


@pytest.mark.parametrize(
    ("arguments", "libraries"),
    [
        ("--help", set()),
        ("setup --help", set()),
        ("worker provision --help", set()),
        ("topology show", set()),
        ("topology schema", {"yaml"}),
        ("setup --dry-run", {"yaml"} | HTTP),
        ("setup", {"yaml"} | HTTP | AMQP),
        ("setup --via http", {"yaml"} | HTTP),
        ("diff", {"yaml"} | HTTP),
        ("verify", {"yaml"} | HTTP | AMQP),
        ("export", {"yaml"} | HTTP),
        ("worker provision --id 1 --via http", {"yaml"} | HTTP),
    ],
)
def test_a_command_loads_only_what_it_uses(vhost: VirtualHost, arguments: str, libraries: set[str]) -> None:
    assert loaded(vhost, *arguments.split()) == libraries | {"typer"}


def test_what_is_not_changed_needs_no_amqp(attune_infra: Command, vhost: VirtualHost) -> None:
    assert attune_infra("setup").code == 0

    assert "amqp" not in loaded(vhost, "setup")


def test_the_version_needs_nothing(vhost: VirtualHost) -> None:
    assert loaded(vhost, "--version") == set()


@pytest.mark.parametrize("name", COMMANDS)
def test_the_list_of_commands_says_what_each_says_of_itself(attune_infra_alone: Command, name: str) -> None:
    listed, asked = attune_infra_alone("--help"), attune_infra_alone(name, "--help")

    about = " ".join(COMMANDS[name].split())
    assert about in " ".join(listed.stdout.split())
    assert about in " ".join(asked.stdout.split())
