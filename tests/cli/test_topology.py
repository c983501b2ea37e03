"""`attune-infra topology ...` and `--topology`, as a user runs them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from attune_infra.broker.rabbitmq import RabbitMQ
from attune_infra.links import code_url
from attune_infra.settings import TOPOLOGY
from attune_infra.topology.builtin import text_of
from attune_infra.topology.document.schema.document import schema_text
from support.as_a_user import Command

MINE = """
topology: mine
exchanges: {mine: {type: fanout}}
queues: {mine.queue: {bindings: [{exchange: mine}]}}
policies: {p: {pattern: '^mine', definition: {max-length: 5}}}
workers: {queues: {'mine.{worker_id}': {bindings: [{exchange: mine}]}}}
"""
BROKEN = "queues:\n  a: {typ: quorum}\n  b: {arguments: {x-expires: 0}}\n"
EXCHANGE = {"name": "e", "vhost": "elsewhere", "type": "topic", "durable": True}
DEFINITIONS = {
    "vhosts": [{"name": "elsewhere"}],
    "users": [{"name": "guest"}],
    "exchanges": [EXCHANGE],
    "queues": [],
    "bindings": [],
    "policies": [],
}


@pytest.fixture
def mine(tmp_path: Path) -> str:
    return written(tmp_path / "mine.yaml", MINE)


def written(path: Path, text: str) -> str:
    path.write_text(text, encoding="utf-8")
    return str(path)


def test_check_says_how_much_a_document_holds(attune_infra_alone: Command, mine: str, tmp_path: Path) -> None:
    empty = written(tmp_path / "empty.yaml", "{}")

    result = attune_infra_alone("topology", "check", mine, empty)

    assert (result.code, result.stderr) == (0, "")
    assert result.lines == [
        f"{mine}: ok, 1 exchange, 1 queue, 1 binding, 1 policy, 1 queue per worker",
        f"{empty}: ok, nothing",
    ]


def test_check_runs_the_routes_of_a_document(attune_infra_alone: Command, tmp_path: Path) -> None:
    route = "routes: [{publish: {exchange: mine}, reaches: []}]"
    broken = written(tmp_path / "broken.yaml", f"{MINE}{route}\n")

    result = attune_infra_alone("topology", "check", broken)

    assert (result.code, result.stdout) == (1, "")
    assert result.stderr == (
        f"{broken}:7:10: route of mine also reaches queue mine.queue: binding mine -> mine.queue matches:"
        " a fanout exchange matches every message\n"
    )
    assert attune_infra_alone("trace", "mine", "--topology", broken).code == 0


def test_check_names_every_problem_of_every_file(attune_infra_alone: Command, mine: str, tmp_path: Path) -> None:
    broken, missing = written(tmp_path / "broken.yaml", BROKEN), str(tmp_path / "missing.yaml")

    result = attune_infra_alone("topology", "check", broken, missing, mine)

    assert result.code == 1
    assert len(result.lines) == 1
    assert result.stderr.splitlines() == [
        f"{broken}:2:7: unknown key 'typ' in queue 'a'; did you mean 'type'?",
        f"{broken}:3:30: x-expires expects an integer from 1 to 315360000000, got the integer 0",
        f"cannot read {missing}: No such file or directory",
        "hint:  give a file, or - for standard input",
    ]


def test_check_gives_problems_as_data(attune_infra_alone: Command, mine: str, tmp_path: Path) -> None:
    broken, missing = written(tmp_path / "broken.yaml", BROKEN), str(tmp_path / "missing.yaml")

    result = attune_infra_alone("topology", "check", "--output", "json", broken, missing, mine)

    assert (result.code, result.stderr) == (1, "")
    first, second, third = result.json["documents"]
    invalid = {"code": "invalid-document", "url": code_url("invalid-document")}
    what = "x-expires expects an integer from 1 to 315360000000, got the integer 0"
    assert (first["file"], first["problems"][1:]) == (broken, [{**invalid, "line": 3, "column": 30, "what": what}])
    unread = {
        "code": "invalid-input",
        "url": code_url("invalid-input"),
        "what": f"cannot read {missing}: No such file or directory",
        "hint": "give a file, or - for standard input",
    }
    assert second == {"file": missing, "problems": [unread]}
    assert third == {
        "file": mine,
        "problems": [],
        "topology": "mine",
        "exchanges": 1,
        "queues": 1,
        "bindings": 1,
        "policies": 1,
        "operator_policies": 0,
        "users": 0,
        "limits": 0,
        "permissions": 0,
        "topic_permissions": 0,
        "federation_upstreams": 0,
        "federation_upstream_sets": 0,
        "shovels": 0,
        "parameters": 0,
        "global_parameters": 0,
        "queues_per_worker": 1,
        "routes": 0,
    }


def test_check_reads_definitions_too(attune_infra_alone: Command, tmp_path: Path) -> None:
    file = written(tmp_path / "definitions.json", json.dumps(DEFINITIONS))

    assert attune_infra_alone("topology", "check", file).lines == [f"{file}: ok, 1 exchange"]
    refused = attune_infra_alone("topology", "check", "--vhost", "nowhere", file)
    assert (refused.code, refused.stderr) == (
        1,
        f"{file} holds no virtual host 'nowhere'\nhint:  it holds 'elsewhere'\n",
    )


def test_what_a_file_holds_cannot_act_on_a_terminal(attune_infra_alone: Command, tmp_path: Path) -> None:
    file = written(tmp_path / "odd.yaml", '"\\e[31m": {}')

    assert "\x1b" not in attune_infra_alone("topology", "check", file).stderr


def test_show_prints_a_document_to_start_from(attune_infra_alone: Command) -> None:
    assert attune_infra_alone("topology", "show").stdout == text_of("attune")
    assert attune_infra_alone("topology", "show", "--topology", "attune").stdout == text_of("attune")

    unknown = attune_infra_alone("topology", "show", "--topology", "atune")
    assert (unknown.code, unknown.stdout) == (64, "")
    assert (
        "there is no topology 'atune'; did you mean 'attune'?\nhint:  built in: attune; or give" in unknown.stderr
    )


def test_schema_prints_the_schema(attune_infra_alone: Command) -> None:
    result = attune_infra_alone("topology", "schema")

    assert (result.code, result.stdout) == (0, schema_text())


def test_every_command_takes_the_topology_it_is_told(attune_infra: Command, broker: RabbitMQ, mine: str) -> None:
    told = ("--topology", mine)

    assert attune_infra("setup", *told).lines[-1] == "4 objects: 4 created"
    assert attune_infra("diff", *told).code == 0
    assert attune_infra("worker", "provision", "--id", "1-2", *told).code == 0
    assert attune_infra("diff", "--worker", "1-2", *told).code == 0
    assert attune_infra("verify", "--worker", "1", "--strict", *told).code == 0
    assert set(broker.read().queues) == {"mine.queue", "mine.1", "mine.2"}
    assert attune_infra("diff").code == 2


def test_it_comes_from_the_environment_and_the_file_too(attune_infra: Command, mine: str, tmp_path: Path) -> None:
    config = written(tmp_path / "attune.yaml", f"message_queue: {{topology: {mine}}}")
    objects = "4 to create"

    by_variable = attune_infra("diff", environment={TOPOLOGY.variable: mine})
    by_file = attune_infra("diff", "--config", config, environment={TOPOLOGY.variable: ""})
    by_flag = attune_infra("diff", "--topology", "attune", environment={TOPOLOGY.variable: mine})

    assert objects in by_variable.stdout
    assert objects in by_file.stdout
    assert "13 to create" in by_flag.stdout


def test_a_name_that_is_built_in_wins_over_a_file(attune_infra: Command, tmp_path: Path) -> None:
    written(tmp_path / "attune", MINE)

    assert "13 to create" in attune_infra("diff", "--topology", "attune", folder=tmp_path).stdout
    assert "4 to create" in attune_infra("diff", "--topology", "./attune", folder=tmp_path).stdout


def test_definitions_of_one_virtual_host_fit_any(attune_infra: Command, broker: RabbitMQ, tmp_path: Path) -> None:
    file = written(tmp_path / "definitions.json", json.dumps(DEFINITIONS))

    result = attune_infra("setup", "--topology", file)

    assert (result.code, result.lines[-1]) == (0, "1 object: 1 created")
    assert "left out: users guest: they belong to the whole broker; `import --all` reads them\n" in result.stderr
    assert set(broker.read().exchanges) == {"e"}


def test_definitions_of_several_virtual_hosts_must_hold_this_one(
    attune_infra: Command, broker: RabbitMQ, tmp_path: Path
) -> None:
    here = {**EXCHANGE, "vhost": broker.settings.virtual_host, "name": "here"}
    there = {**EXCHANGE, "vhost": "/"}
    both = written(tmp_path / "both.json", json.dumps({**DEFINITIONS, "exchanges": [here, there]}))
    neither = written(tmp_path / "neither.json", json.dumps({**DEFINITIONS, "exchanges": [EXCHANGE, there]}))

    assert attune_infra("setup", "--topology", both).code == 0
    assert set(broker.read().exchanges) == {"here"}
    refused = attune_infra("setup", "--topology", neither)
    assert refused.code == 1
    assert "holds several virtual hosts: '/', 'elsewhere'\nhint:  choose one with --vhost NAME;" in refused.stderr


@pytest.mark.parametrize(
    ("name", "code", "complaint"),
    [
        (
            "atune",
            64,
            "error: --topology: there is no topology 'atune'; did you mean 'attune'?\nhint:  built in: attune; ",
        ),
        ("nope.yaml", 1, "error: cannot read nope.yaml: No such file or directory\nhint:  "),
        ("./nope", 1, "error: cannot read ./nope: No such file or directory\nhint:  "),
        ("./docs", 1, "error: ./docs is a folder without a document\nhint:  "),
    ],
)
def test_a_topology_that_cannot_be_had_is_named_and_nothing_is_asked(
    attune_infra_alone: Command, name: str, code: int, complaint: str
) -> None:
    for command in (("setup",), ("diff",), ("verify",), ("worker", "provision", "--id", "1")):
        result = attune_infra_alone(*command, "--topology", name)
        assert (result.code, result.stdout) == (code, "")
        assert result.stderr.startswith(complaint)


def test_a_topology_with_problems_changes_nothing(attune_infra: Command, broker: RabbitMQ, tmp_path: Path) -> None:
    before = broker.read()

    result = attune_infra("setup", "--topology", written(tmp_path / "broken.yaml", MINE + BROKEN))

    assert (result.code, result.stdout) == (1, "")
    assert "duplicate key 'queues' in the document" in result.stderr
    assert result.stderr.endswith("hint:  nothing was changed; fix the document and try again\n")
    assert broker.read() == before


def test_provision_needs_a_worker_family(attune_infra: Command, tmp_path: Path) -> None:
    result = attune_infra("worker", "provision", "--id", "1", "--topology", written(tmp_path / "a.yaml", "{}"))

    assert result.code == 1
    assert "has no workers section" in result.stderr
