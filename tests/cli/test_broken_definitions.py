"""Definitions with a fault: `setup` refuses those that the broker refuses, and other commands read the rest."""

from __future__ import annotations

import json
from pathlib import Path
from secrets import token_hex
from typing import Any

import pytest

from attune_infra.broker.http.management import Management
from attune_infra.errors import BrokerError, ExitCode
from support.as_a_user import Command
from support.definitions import binding, exchange, load, policy, queue, without
from support.under_test import BrokerUnderTest
from support.virtual_host import VirtualHost, create_virtual_host

EVERY_RELEASE = (9, 0)


def text(**changes: list[Any]) -> str:
    sound = {"exchanges": [exchange()], "queues": [queue()], "bindings": [binding()], "policies": []}
    return json.dumps(sound | changes)


REFUSED_BEFORE = {
    "the default exchange": (text(exchanges=[exchange(), exchange(name="", type="direct")]), None),
    "an exchange without internal and arguments": (text(exchanges=[without("internal", exchange())]), None),
    "an exchange without durable": (text(exchanges=[without("durable", exchange())]), (4, 3)),
    "a queue without durable": (text(queues=[without("durable", queue())]), (4, 0)),
    "a queue without auto_delete": (text(queues=[without("auto_delete", queue())]), (4, 0)),
    "a queue without arguments": (text(queues=[without("arguments", queue())]), None),
    "a queue with a type beside its arguments": (text(queues=[queue(type="quorum")]), None),
    "a queue that repeats": (text(queues=[queue(), queue()]), None),
    "an old x-ha-policy": (text(queues=[queue(arguments={"x-ha-policy": "all"})]), None),
    "arguments that are null": (text(queues=[queue(arguments=None)]), EVERY_RELEASE),
    "an argument of a wrong type": (text(queues=[queue(arguments={"x-max-length": "5"})]), EVERY_RELEASE),
    "an argument that is null": (text(queues=[queue(arguments={"x-note": None})]), EVERY_RELEASE),
    "durable as a string": (text(queues=[queue(durable="true")]), EVERY_RELEASE),
    "a binding without arguments": (text(bindings=[without("arguments", binding())]), None),
    "a binding without destination_type": (text(bindings=[without("destination_type", binding())]), EVERY_RELEASE),
    "a policy with a value of a wrong type": (text(policies=[policy(definition={"expires": "5"})]), EVERY_RELEASE),
    "a policy without apply-to and priority": (text(policies=[policy()]), None),
}
"""Kinds of files by the first release that takes them: None if all do."""

REFUSED_SINCE = {
    "a binding to no queue": (text(bindings=[binding(), binding(destination="gone")]), (4, 0)),
    "a binding from no exchange": (text(bindings=[binding(), binding(source="gone")]), (4, 0)),
    "a comma after the last object": (text().replace('}], "policies', '},], "policies'), (4, 0)),
    "a comma after the last key": (text().replace('}], "policies', ',}], "policies'), (4, 0)),
    "a comment": (text().replace("{", "{ // made by hand\n", 1), (4, 0)),
    "half of a surrogate pair": (text(queues=[queue(), queue(name="\ud83d")]), (4, 0)),
}
"""Kinds of files by the first release that refuses them."""

KINDS = {name: (content, first or (0, 0), EVERY_RELEASE) for name, (content, first) in REFUSED_BEFORE.items()} | {
    name: (content, (0, 0), first) for name, (content, first) in REFUSED_SINCE.items()
}
"""Kinds of files: one of them, the first release that takes it, and the first after that which refuses it."""


def is_loaded(content: str, management: Management, beside: VirtualHost) -> bool:
    """Return whether RabbitMQ itself loads definitions into an empty virtual host."""
    with create_virtual_host(beside, f"loading {token_hex(4)}") as empty:
        try:
            load(management, empty, content)
        except BrokerError:
            return False
        return True


@pytest.mark.parametrize(("content", "since", "until"), KINDS.values(), ids=KINDS)
def test_setup_takes_what_the_broker_takes(
    *,
    attune_infra: Command,
    management: Management,
    vhost: VirtualHost,
    under_test: BrokerUnderTest,
    tmp_path: Path,
    content: str,
    since: tuple[int, int],
    until: tuple[int, int],
) -> None:
    file = tmp_path / "definitions.json"
    file.write_text(content)
    is_taken = since <= under_test.release < until

    done = attune_infra("setup", str(file))

    assert is_loaded(content, management, vhost) is is_taken
    assert done.code == (ExitCode.DONE if is_taken else ExitCode.FAILED), done.stderr
    if is_taken:
        assert attune_infra("diff", str(file)).code == ExitCode.DONE
    else:
        assert f"{file}:" in done.stderr
        assert management.get("queues", vhost.name) == []


@pytest.mark.parametrize("content", [content for content, *_ in KINDS.values()], ids=KINDS)
def test_every_command_reads_the_rest(attune_infra_alone: Command, tmp_path: Path, content: str) -> None:
    file = tmp_path / "definitions.json"
    file.write_text(content)

    assert attune_infra_alone("lint", str(file)).code in {ExitCode.DONE, ExitCode.DRIFT}
    assert attune_infra_alone("graph", str(file)).code == ExitCode.DONE
    assert attune_infra_alone("trace", "--topology", str(file), "e", "k").code in {ExitCode.DONE, ExitCode.DRIFT}


def test_lint_names_each_fault_and_its_severity_on_a_release(attune_infra_alone: Command, tmp_path: Path) -> None:
    file = tmp_path / "definitions.json"
    file.write_text(text(queues=[queue(), {"name": "r", "durable": True}]))
    fault = "queue 'r' has no auto_delete; RabbitMQ 3.10 refuses that, 4.x assumes false"

    old = attune_infra_alone("lint", str(file), "--broker-version", "3.10", "--fail-on", "error")
    new = attune_infra_alone("lint", str(file), "--broker-version", "4.3", "--fail-on", "error")
    data = json.loads(attune_infra_alone("lint", str(file), "--output", "json").stdout)

    assert (old.code, new.code) == (ExitCode.DRIFT, ExitCode.DONE)
    assert old.stdout.splitlines()[0].endswith(f": error {fault}")
    assert new.stdout.splitlines()[0].endswith(f": warning {fault}")
    assert [(each["severity"], each["what"]) for each in data["problems"]] == [("warning", fault)]


def test_a_fault_that_no_release_loads_stops_an_import(attune_infra_alone: Command, tmp_path: Path) -> None:
    file = tmp_path / "definitions.json"
    file.write_text(text(queues=[queue(), {"name": "r"}], bindings=[binding(arguments=None)]))

    done = attune_infra_alone("import", str(file))

    assert (done.code, done.stdout) == (ExitCode.FAILED, "")
    assert "'arguments' expects an object, got null" in done.stderr
    assert "has no durable" not in done.stderr
