"""Modules that a command loads: none that it does not use."""

from __future__ import annotations

import re
import subprocess
import sys
from importlib.resources import files
from pkgutil import iter_modules
from shlex import quote, split

import amqp
import pytest

from attune_infra.cli import COMMANDS, worker
from attune_infra.errors import ExitCode
from attune_infra.render import pages, reports
from support.as_a_user import Command, clean_environment
from support.virtual_host import VirtualHost

pytestmark = pytest.mark.any_broker
LIBRARIES = frozenset(
    {"amqp", "pcre2", "psycopg", "rabbitmq_admin", "requests", "rich", "textual", "typer", "yaml"}
)
"""Libraries that take about as long to load as Python takes to start, or longer."""


ROOMS = frozenset({"broker", "contract", "interfaces", "operations", "registry", "sandbox", "worker"})
FEATURES = (
    ROOMS
    | {f"render.pages.{page}" for _, page, _ in iter_modules(pages.__path__)}
    | {f"render.reports.{module}" for _, module, _ in iter_modules(reports.__path__)}
    | {f"topology.{name}" for name in ("explain", "graph", "lint", "probe", "verify")}
    | {"topology.lint.examples"}
    | {f"topology.document.{name}" for name in ("definitions", "export", "write")}
    | {f"topology.routing.{name}" for name in ("route", "routes", "trace")}
    | {f"fleet.{name}" for name in ("enlist", "health", "leftovers")}
)
"""Modules of this program that not every command uses."""


def loaded(vhost: VirtualHost, *arguments: str) -> frozenset[str]:
    """Return which modules a command has loaded when it ends."""
    command = [sys.executable, "-v", "-m", "attune_infra", *arguments]
    environment = clean_environment() | dict(vhost.environment)
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    assert done.returncode in {ExitCode.DONE, ExitCode.DRIFT}
    return frozenset(re.findall(r"^import '(.+?)'", done.stderr, re.MULTILINE))


HTTP, AMQP = {"rabbitmq_admin", "requests"}, {"amqp"}


@pytest.mark.parametrize(
    ("arguments", "libraries"),
    [
        ("--help", set()),
        ("setup --help", set()),
        ("worker provision --help", set()),
        ("topology show", set()),
        ("topology schema", set()),
        ("setup --dry-run", {"yaml"} | HTTP),
        ("setup", {"yaml"} | HTTP | AMQP),
        ("setup --via http", {"yaml"} | HTTP),
        ("diff", {"yaml"} | HTTP),
        ("verify", {"yaml"} | HTTP | AMQP),
        ("queues", HTTP),
        ("tap amq.fanout --for 0.1", HTTP | AMQP),
        ("export", {"yaml"} | HTTP),
        ("metrics", {"yaml"} | HTTP),
        ("metrics --rules", {"yaml"}),
        ("worker provision --id 1 --via http", {"yaml"} | HTTP),
    ],
)
def test_a_command_loads_only_the_libraries_that_it_uses(
    vhost: VirtualHost, arguments: str, libraries: set[str]
) -> None:
    assert loaded(vhost, *arguments.split()) & LIBRARIES == libraries | {"typer"}


SETTING_UP, ROUTING = {"broker", "operations"}, {"topology.routing.routes", "topology.routing.route"}
LINTING = {"topology.lint", "topology.routing.route"}
REVIEWING = {"topology.lint.examples", *(f"render.reports.{name}" for name in ("formats", "lint", "review"))}
ATTUNE = quote(str(files("attune_infra.topology.builtin") / "attune.yaml"))


@pytest.mark.parametrize(
    ("arguments", "features"),
    [
        ("--help", set()),
        ("setup --help", set()),
        ("setup", SETTING_UP | {"render.pages.report"}),
        ("setup --dry-run", SETTING_UP | {"render.pages.plan"}),
        ("diff", SETTING_UP | {"render.pages.plan"}),
        ("diff --explain", SETTING_UP | {"topology.explain", "render.pages.explain", "render.pages.plan"}),
        ("verify", {"broker", "operations", "topology.verify", "render.pages.verify"} | ROUTING),
        ("lint", LINTING | {"render.pages.lint"}),
        ("lint --output github", LINTING | REVIEWING | {"render.pages.lint", "render.reports.github"}),
        ("lint --explain AI001", LINTING | {"topology.lint.examples", "render.pages.lint_explain"}),
        ("graph --format text", LINTING | {"topology.graph", "render.pages.graph"}),
        (
            "trace attune.events any",
            {"topology.routing.trace", "render.pages.trace", "render.pages.trace_tree"} | ROUTING,
        ),
        (
            "queues",
            {"broker", "operations", "render.pages.queues", "topology.verify"} | ROUTING,
        ),
        (
            "tap amq.fanout --for 0.1",
            {"broker", "operations", "worker", "render.pages.tap", "topology.routing.route"},
        ),
        (
            "export",
            {
                "broker",
                "topology.document.export",
                "topology.document.definitions",
                "topology.document.write",
                "render.pages.document",
            },
        ),
        ("topology show", {"render.pages.document"}),
        ("metrics --rules", {"topology.verify", "render.pages.alerts"} | ROUTING),
        ("metrics --dashboard", {"topology.verify", "render.pages.dashboard"} | ROUTING),
        (f"topology check {ATTUNE}", {"render.pages.check"} | ROUTING),
        ("worker provision --id 1", SETTING_UP | {"worker", "render.pages.provision", "render.pages.report"}),
        ("sandbox down --name nobody", {"interfaces", "sandbox", "render.pages.sandbox"}),
    ],
)
def test_a_command_loads_only_the_features_that_it_uses(
    vhost: VirtualHost, arguments: str, features: set[str]
) -> None:
    ours = {name.removeprefix("attune_infra.") for name in loaded(vhost, *split(arguments))}

    assert ours & FEATURES == features


@pytest.mark.parametrize(("command", "more"), [("peek", set()), ("purge", {"topology.verify"} | ROUTING)])
def test_a_command_about_messages_loads_only_what_it_uses(
    vhost: VirtualHost, channel: amqp.Channel, command: str, more: set[str]
) -> None:
    channel.queue_declare("jobs", durable=True, auto_delete=False)

    found = loaded(vhost, "queue", command, "jobs")

    assert found & LIBRARIES == HTTP | AMQP | {"typer"}
    ours = {name.removeprefix("attune_infra.") for name in found} & FEATURES
    assert ours == {"broker", "operations", f"render.pages.{command}"} | more


@pytest.mark.parametrize(
    ("arguments", "features"),
    [
        ("list", {"render.pages.dlq_list", "topology.verify"} | ROUTING),
        ("show dead", {"render.pages.dlq_show", "render.pages.dlq_list", "render.pages.peek"}),
        ("replay dead --dry-run", {"render.pages.dlq_replay", "topology.routing.trace"} | ROUTING),
    ],
)
def test_a_command_about_dead_letters_loads_only_what_it_uses(
    vhost: VirtualHost, channel: amqp.Channel, arguments: str, features: set[str]
) -> None:
    channel.queue_declare("dead", durable=True, auto_delete=False)

    found = loaded(vhost, "dlq", *split(arguments))

    assert found & LIBRARIES == HTTP | AMQP | {"typer"}
    ours = {name.removeprefix("attune_infra.") for name in found} & FEATURES
    assert ours == {"broker", "operations"} | features


def test_what_is_not_changed_needs_no_amqp(attune_infra: Command, vhost: VirtualHost) -> None:
    assert attune_infra("setup").code == 0

    assert "amqp" not in loaded(vhost, "setup")


@pytest.mark.parametrize("command", ["diff", "verify"])
def test_no_encoding_is_guessed_and_no_web_page_is_read(vhost: VirtualHost, command: str) -> None:
    assert not loaded(vhost, command) & {"charset_normalizer", "chardet", "html"}


def test_another_program_still_finds_the_libraries_that_guess_encodings() -> None:
    script = (
        "from attune_infra.cli._requests import load_requests as load; load(); import charset_normalizer, requests"
    )

    subprocess.run([sys.executable, "-W", "error", "-c", script], check=True)


@pytest.mark.parametrize("arguments", ["--help", "setup --help", "worker provision --help"])
def test_help_loads_no_topology(vhost: VirtualHost, arguments: str) -> None:
    found = loaded(vhost, *arguments.split())

    assert not [name for name in found if name.startswith("attune_infra.topology")]


@pytest.mark.parametrize("arguments", ["lint", "topology show", "trace attune.events any", "graph --format text"])
def test_a_command_that_only_reads_loads_no_openssl(vhost: VirtualHost, arguments: str) -> None:
    assert not loaded(vhost, *arguments.split()) & {"_hashlib", "secrets", "ssl"}


def test_the_pages_of_help_are_loaded_only_to_be_shown(vhost: VirtualHost) -> None:
    assert "attune_infra.cli._help" not in loaded(vhost, "topology", "show", "attune")


def test_the_version_needs_nothing(vhost: VirtualHost) -> None:
    assert not loaded(vhost, "--version") & (LIBRARIES | {f"attune_infra.{name}" for name in FEATURES})


@pytest.mark.parametrize(
    ("group", "name", "about"),
    [
        *(((), name, about) for name, about in COMMANDS.items()),
        *((("worker",), name, about) for name, about in worker.COMMANDS.items()),
    ],
)
def test_the_list_of_commands_says_what_each_says_of_itself(
    attune_infra_alone: Command, group: tuple[str, ...], name: str, about: str
) -> None:
    listed, asked = attune_infra_alone(*group, "--help"), attune_infra_alone(*group, name, "--help")

    assert about in " ".join(listed.stdout.split())
    assert about in " ".join(asked.stdout.split())
