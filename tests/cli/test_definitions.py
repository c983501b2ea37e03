"""`attune-infra export` and `attune-infra import`, as a user runs them, on a real broker."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from secrets import token_hex
from typing import Any

import amqp
import pytest

from attune_infra.broker.http.management import Management
from attune_infra.broker.rabbitmq import RabbitMQ
from attune_infra.errors import RequestRefused
from attune_infra.topology.diff import Create, diff, undeclared
from attune_infra.topology.document.definitions.virtual_host import (
    parse_definitions,
    read_definitions,
    write_definitions,
)
from attune_infra.topology.document.export import as_definitions
from attune_infra.topology.document.parse import parse
from attune_infra.topology.document.problems import InvalidDocument
from attune_infra.topology.document.text import make_portable
from attune_infra.topology.model import Binding, Exchange, Policy, Queue, Topology, Version
from support.as_a_user import Command, clean_environment
from support.definitions import load
from support.folders import DEFINITIONS as FOLDER
from support.strategies import NASTY_NAMES
from support.under_test import BrokerUnderTest
from support.virtual_host import VirtualHost, create_virtual_host

FILES = sorted(FOLDER.glob("*.json"))
NEED_PLUGINS = {"consistent_hash_part", "delayed_messages_3_13", "quorum_and_federation_3_9"}
OF_A_PLUGIN = "mqtt_with_a_loose_binding"
"""Its queues belong to a plugin, so an export leaves them out."""

SECTIONS = {"exchanges", "queues", "bindings", "policies"}

RICH = Topology.of([
    Exchange(name="events", type="topic", arguments={"alternate-exchange": "lost"}),
    Exchange(name="lost", type="fanout", internal=True),
    Exchange(name="passing", type="headers", durable=False, auto_delete=True),
    Queue(name="jobs", type="quorum", arguments={"x-delivery-limit": 3, "x-dead-letter-exchange": ""}),
    Queue(name="log", type="stream", arguments={"x-max-age": "7D"}),
    Queue(name="plain", type="classic", arguments={"x-message-ttl": 60_000, "x-note": [1, "a", {"b": True}]}),
    Queue(name="leaving", type="classic", auto_delete=True),
    Binding(source="events", destination="lost", destination_type="exchange", routing_key="#"),
    Binding(source="events", destination="amq.fanout", destination_type="exchange"),
    Binding(source="events", destination="jobs", routing_key="job.*"),
    Binding(source="passing", destination="plain", arguments={"x-match": "any", "n": 1, "f": 1.5, "s": "1"}),
    Binding(source="amq.topic", destination="log", routing_key="a.#"),
    Policy(name="short", pattern="^pl", definition={"max-length": 5}, apply_to="queues", priority=2),
])  # fmt: skip

ODD_NAMES = [name for name in NASTY_NAMES if len(name) < 200]
ODD = Topology.of(
    item
    for name in ODD_NAMES
    for item in (
        Exchange(name=name),
        Queue(name=name, type="classic"),
        Binding(source=name, destination=name, routing_key=name, arguments={name or "empty": name}),
    )
)


@pytest.fixture
def elsewhere(vhost: VirtualHost) -> Iterator[VirtualHost]:
    """Another virtual host of the same broker."""
    with create_virtual_host(vhost, f"other {token_hex(4)}") as made:
        yield made


def make(broker: RabbitMQ, topology: Topology) -> None:
    outcomes = list(broker.apply(Create(item) for item in topology.objects()))
    assert [outcome.reason for outcome in outcomes if outcome.reason] == []


def contents(vhost: VirtualHost) -> Topology:
    with RabbitMQ(vhost.settings()) as broker:
        return broker.read()


def assert_same(have: Topology, want: Topology) -> None:
    assert diff(have, want) == ()
    assert undeclared(have, want) == ()


@pytest.mark.parametrize("topology", [RICH, ODD], ids=["rich", "odd names"])
def test_an_export_makes_the_same_elsewhere(
    attune_infra: Command, broker: RabbitMQ, elsewhere: VirtualHost, tmp_path: Path, topology: Topology
) -> None:
    make(broker, topology)
    file = tmp_path / "export.yaml"

    exported = attune_infra("export", "--to", str(file))
    made = Command(elsewhere.environment)("setup", "--topology", str(file))

    assert (exported.code, exported.stdout, exported.stderr) == (0, "", f"{file}: written\n")
    assert (made.code, made.stderr) == (0, "")
    assert_same(contents(elsewhere), broker.read())
    assert Command(elsewhere.environment)("diff", "--topology", str(file)).code == 0
    assert attune_infra("diff", "--topology", str(file)).code == 0
    assert attune_infra("export").stdout == file.read_text(encoding="utf-8")


@pytest.mark.parametrize("topology", [RICH, ODD], ids=["rich", "odd names"])
def test_rabbitmq_itself_loads_exported_definitions(
    attune_infra: Command, broker: RabbitMQ, management: Management, elsewhere: VirtualHost, topology: Topology
) -> None:
    make(broker, topology)

    exported = attune_infra("export", "--format", "definitions")
    load(management, elsewhere, exported.stdout)

    assert (exported.code, exported.stderr) == (0, "")
    assert_same(contents(elsewhere), broker.read())


def test_a_type_that_the_virtual_host_would_not_choose_is_exported(
    management: Management, vhost: VirtualHost, elsewhere: VirtualHost, under_test: BrokerUnderTest, tmp_path: Path
) -> None:
    if under_test.release < (3, 11):
        pytest.skip("virtual hosts of this RabbitMQ give queues no type")
    management.put("vhosts", vhost.name, body={"default_queue_type": "quorum"})
    for name, kind in (("named", "classic"), ("unnamed", None)):
        body = {"durable": True, "arguments": {"x-queue-type": kind} if kind else {}}
        management.put("queues", vhost.name, name, body=body)
    file = tmp_path / "export.yaml"

    exported = Command(vhost.environment)("export", "--to", str(file))
    made = Command(elsewhere.environment)("setup", "--topology", str(file))

    assert (exported.code, made.code) == (0, 0)
    assert file.read_text() == (
        f"topology: {vhost.name}\n\nqueues:\n  named: {{type: classic}}\n  unnamed: {{type: quorum}}\n"
    )
    assert_same(contents(elsewhere), contents(vhost))


def test_what_cannot_be_exported_is_named(
    attune_infra: Command, channel: amqp.Channel, management: Management, vhost: VirtualHost
) -> None:
    channel.queue_declare("reply", exclusive=True)
    channel.queue_bind("reply", "amq.topic")
    channel.queue_declare("..", durable=True, auto_delete=False)
    management.put("operator-policies", vhost.name, "cap", body={"pattern": "", "definition": {"max-length": 1}})

    result = attune_infra("export")

    assert (result.code, result.stdout) == (0, f"topology: {vhost.name}\n")
    assert result.stderr.splitlines() == [
        "left out: operator policies cap: `export --all` writes them",
        "left out: queues ..: the name is '..', which no HTTP client can address",
    ]
    data = attune_infra("export", "-o", "json").own_json
    assert data.pop("target")["virtual_host"] == vhost.name
    assert data == {
        "schema": "attune-infra/export/1",
        "exit_code": 0,
        "document": {"topology": vhost.name},
        "text": f"topology: {vhost.name}\n",
        "left_out": [
            {
                "kind": "operator policies",
                "names": ["cap"],
                "why": "`export --all` writes them",
            },
            {"kind": "queues", "names": [".."], "why": "the name is '..', which no HTTP client can address"},
        ],
    }


def with_named_types(topology: Topology) -> Topology:
    """Return a topology as a broker exports it: each durable queue that names no type is classic by name."""
    queues = {name: replace(queue, type=queue.type or "classic") for name, queue in topology.queues.items()}
    return make_portable(replace(topology, queues=queues))


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_rabbitmq_loads_a_file_as_it_is_read_here(
    management: Management, vhost: VirtualHost, under_test: BrokerUnderTest, file: Path
) -> None:
    ours = topology_of(file, under_test.release)
    try:
        load(management, vhost, text_for(file, ours))
    except RequestRefused:
        if under_test.release == (3, 10):
            assert ours is None or file.stem in NEED_PLUGINS
        return

    have = contents(vhost)
    assert ours is not None
    if not under_test.denies_transient_queues:
        assert_same(have, ours)
        if file.stem == OF_A_PLUGIN:
            return
        again, left_out = parse_definitions(as_definitions(have).text, source="export")
        assert (replace(again, name=ours.name), left_out) == (with_named_types(ours), ())


def test_rabbitmqs_own_exports_are_read(
    management: Management,
    broker: RabbitMQ,
    vhost: VirtualHost,
    channel: amqp.Channel,
    under_test: BrokerUnderTest,
) -> None:
    make(broker, RICH if under_test.release < (4, 3) else without_internal_exchanges(RICH))
    channel.queue_declare("reply", exclusive=True)
    channel.queue_bind("reply", "amq.topic")

    for place in (("definitions", vhost.name), ("definitions",)):
        topology, _ = parse_definitions(json.dumps(management.get(*place)), source="export", vhost=vhost.name)

        assert_same(broker.read(), topology)


def without_internal_exchanges(topology: Topology) -> Topology:
    """Return what RabbitMQ 4.3 exports in full."""
    internal = {exchange.name for exchange in topology.exchanges.values() if exchange.internal}
    return Topology.of(
        item
        for item in topology.objects()
        if not (isinstance(item, Exchange) and item.internal)
        and not (isinstance(item, Binding) and item.destination in internal)
    )


def topology_of(file: Path, release: Version) -> Topology | None:
    """Return the topology of the virtual host with the most in a file, or None if the release refuses it."""
    text = file.read_text(encoding="utf-8")
    try:
        reading = read_definitions(text, source=file.name, vhost="farm" if '"farm"' in text else None)
        reading.refuse_problems(release)
    except InvalidDocument:
        return None
    return reading.topology


def text_for(file: Path, ours: Topology | None) -> str:
    """Return a file's text with nothing in it of other virtual hosts, which RabbitMQ would load into one too."""
    text = file.read_text(encoding="utf-8")
    try:
        whole: dict[str, Any] = json.loads(text)
    except ValueError:
        return text
    whole.pop("parameters", None)
    if ours is not None:
        for name in SECTIONS & whole.keys():
            whole[name] = [each for each in whole[name] if each["vhost"] == ours.name]
    return json.dumps(whole)


@pytest.mark.transient_queues
def test_import_export_import_is_a_fixed_point(attune_infra: Command, tmp_path: Path) -> None:
    imported = attune_infra("import", str(FOLDER / "alternate_exchange_3_7.json"))
    document, definitions = tmp_path / "imported.yaml", tmp_path / "exported.json"
    document.write_text(imported.stdout, encoding="utf-8")

    made = attune_infra("setup", "--topology", str(document))
    exported = attune_infra("export", "--format", "definitions", "--to", str(definitions))
    again = attune_infra("import", str(definitions))

    assert [result.code for result in (imported, made, exported, again)] == [0] * 4
    assert (exported.stderr, again.stderr) == (f"{definitions}: written\n", "")
    assert [line for line in again.lines[1:] if line != "    type: classic"] == imported.lines[1:]


def test_an_import_names_what_it_leaves_out_and_needs_no_broker(attune_infra_alone: Command) -> None:
    result = attune_infra_alone("import", str(FOLDER / "export_3_7_two_vhosts.json"), "--vhost", "farm")

    assert result.code == 0
    assert result.lines[0] == "topology: farm"
    assert (
        "left out: limits max-connections: an administrator sets them; `import --all` reads them" in result.stderr
    )
    assert all(line.startswith("left out: ") for line in result.stderr.splitlines())


def test_an_import_as_data_is_the_same_import(attune_infra_alone: Command) -> None:
    file = str(FOLDER / "export_3_7_two_vhosts.json")
    text, data = attune_infra_alone("import", file), attune_infra_alone("import", file, "-o", "json").json

    assert data["schema"] == "attune-infra/import/1"
    assert data["text"] == text.stdout
    assert parse(json.dumps(data["document"]), source="x.json") == parse(text.stdout, source="x.yaml")
    assert {each["kind"] for each in data["left_out"]} > {"limits", "users"}


def test_definitions_come_from_standard_input_too() -> None:
    text = "\ufeff" + write_definitions(Topology.of([Queue(name="größe 🐰")], name="v"))
    command = [sys.executable, "-m", "attune_infra", "import", "-"]

    done = subprocess.run(command, input=text.encode(), capture_output=True, env=clean_environment(), check=False)

    said = b"warning: -:1:1: the file begins with a byte order mark; RabbitMQ 4.0 refuses the file\n"
    assert (done.returncode, done.stderr) == (0, said)
    assert done.stdout.decode() == "topology: v\n\nqueues:\n  'größe 🐰': {}\n"


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (b'{"queues": [{"name": "q"}\n', ["FILE:2:1: invalid JSON: Expecting ','"]),
        (b'{"queues": [{"durable": true, "auto_delete": true}]}', ["FILE:1:13: a queue has no name"]),
        (b"topology: x\n", ["FILE has none of the forms that `import` reads"]),
        (b'{"name": "left-pad"}', ["FILE:1:1: the file holds no definitions"]),
        (b'{"users": "\xff"}', ["FILE is not UTF-8 at byte 11"]),
        (None, ["cannot read FILE: No such file or directory"]),
        (
            b'{"queues": [\n 1,\n 2]}',
            [f"FILE:{n}:2: a queue: expected an object, got the integer {n - 1}" for n in (2, 3)],
        ),
    ],
)
def test_a_broken_file_is_refused(
    attune_infra_alone: Command, tmp_path: Path, content: bytes | None, complaint: list[str]
) -> None:
    file = tmp_path / "definitions.json"
    if content is not None:
        file.write_bytes(content)

    result = attune_infra_alone("import", str(file))

    assert (result.code, result.stdout) == (1, "")
    said = [line.replace(str(file), "FILE") for line in result.stderr.splitlines()]
    assert [line.removeprefix("error: ").strip() for line in said[:-1]] == complaint
    assert said[-1].startswith("hint:  ")


def test_several_virtual_hosts_want_a_choice(attune_infra_alone: Command, tmp_path: Path) -> None:
    file = tmp_path / "definitions.json"
    file.write_text('{"queues": [], "vhosts": [{"name": "a"}, {"name": "b"}]}')

    result = attune_infra_alone("import", str(file))

    assert (result.code, result.stdout) == (1, "")
    assert result.stderr.splitlines() == [
        f"error: {file} holds several virtual hosts: 'a', 'b'",
        "hint:  choose one with --vhost NAME; `attune-infra import --all` makes a document of all",
    ]


def test_an_export_that_cannot_be_written_is_refused(attune_infra: Command) -> None:
    result = attune_infra("export", "--to", os.devnull)

    assert (result.code, result.stdout) == (1, "")
    assert result.stderr.splitlines()[0] == f"error: cannot write {os.devnull}: it is not a file"
