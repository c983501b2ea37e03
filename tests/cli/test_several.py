"""Several documents that make one topology: `--topology` repeats, and takes folders."""

from __future__ import annotations

import json
import shlex
from pathlib import Path

import pytest

from attune_infra.errors import ExitCode
from attune_infra.settings import TOPOLOGY
from support.as_a_user import Command
from support.folders import EXAMPLES

pytestmark = pytest.mark.any_broker

TEAMS = EXAMPLES / "teams"
ORDERS, BILLING = (str(TEAMS / name) for name in ("orders.yaml", "billing.yaml"))
BOTH = ("--topology", ORDERS, "--topology", BILLING)
PRUNE = ("--prune", "--allow-destructive", "--yes")


def test_the_documents_of_two_teams_are_valid_alone_and_together(attune_infra_alone: Command) -> None:
    assert attune_infra_alone("topology", "check", str(TEAMS), "--topology", str(TEAMS)).lines == [
        f"{BILLING}: ok, 1 exchange, 1 queue, 2 bindings, 1 route",
        f"{ORDERS}: ok, 2 exchanges, 2 queues, 2 bindings, 1 route",
        f"{TEAMS}: ok, 2 exchanges, 3 queues, 4 bindings, 2 routes",
    ]


def test_two_teams_apply_alone_or_together_without_fighting(attune_infra: Command) -> None:
    assert attune_infra("setup", "--topology", str(TEAMS)).lines[-1] == "9 objects: 9 created"
    for document, count in ((ORDERS, 6), (BILLING, 4)):
        assert attune_infra("setup", document, *PRUNE).lines[-1] == f"{count} objects: {count} unchanged"
    assert attune_infra("setup", *BOTH, *PRUNE).lines[-1] == "9 objects: 9 unchanged"
    assert attune_infra("verify", *BOTH).code == ExitCode.DONE


def test_each_team_prunes_its_own(attune_infra: Command, tmp_path: Path) -> None:
    later = tmp_path / "orders.yaml"
    later.write_text("topology: orders\nmanages: ['^orders\\.']\nexchanges: {orders.events: {type: topic}}\n")
    attune_infra("setup", str(TEAMS))

    pruned = attune_infra("setup", str(later), *PRUNE)

    assert pruned.lines[-1].startswith("6 objects: 5 deleted, 1 unchanged")
    assert attune_infra("diff", BILLING).code == ExitCode.DONE


def test_a_saved_plan_holds_all_documents_and_their_values(attune_infra: Command, tmp_path: Path) -> None:
    plan = tmp_path / "plan.json"
    values = ("--set", "limit=7")
    assert attune_infra("diff", *BOTH, *values, "--out", str(plan)).code == ExitCode.DRIFT

    assert json.loads(plan.read_text())["source"] == [ORDERS, BILLING]
    assert attune_infra("setup", str(plan), "--yes").code == ExitCode.DONE
    assert attune_infra("diff", *BOTH, *values).code == ExitCode.DONE
    differs = attune_infra("diff", *BOTH)
    hint = f"attune-infra migrate billing.invoices --topology {ORDERS} --topology {BILLING}"
    assert hint in differs.stdout


def test_a_hint_quotes_each_name(attune_infra: Command, tmp_path: Path) -> None:
    folder = tmp_path / "two teams"
    folder.mkdir()
    (folder / ".hidden.yaml").write_text("no: document")
    for file in TEAMS.iterdir():
        (folder / file.name).write_text(file.read_text(encoding="utf-8"), encoding="utf-8")
    attune_infra("setup", "--topology", str(folder), "--set", "limit=7")

    assert f"--topology {shlex.quote(str(folder))}" in attune_infra("diff", str(folder)).stdout


def test_the_environment_and_the_file_name_several(attune_infra_alone: Command, tmp_path: Path) -> None:
    config = tmp_path / "config.yaml"
    config.write_text(f"message_queue: {{topology: [{ORDERS}, {BILLING}]}}\n")
    variable = {TOPOLOGY.variable: f"{ORDERS}:{BILLING}"}

    shown = attune_infra_alone("graph", *BOTH).stdout

    assert attune_infra_alone("graph", "--config", str(config)).stdout == shown
    assert attune_infra_alone("graph", environment=variable).stdout == shown


def test_a_conflict_is_named_in_the_text_and_in_each_report(attune_infra_alone: Command, tmp_path: Path) -> None:
    other = tmp_path / "other.yaml"
    other.write_text("exchanges:\n  orders.late: {type: fanout}\n")
    given = ("--topology", ORDERS, "--topology", str(other))
    sentence = f"exchange 'orders.late' is also declared in {ORDERS}:13:3"

    failed = attune_infra_alone("graph", *given, "--output", "json")
    checked = attune_infra_alone("topology", "check", *given)
    linted = attune_infra_alone("lint", *given, "--output", "github")

    assert (failed.code, checked.code, linted.code) == (1, 1, 1)
    assert f"{other}:2:3: {sentence}" in checked.stderr
    assert "line=2,col=3" in linted.stdout
    assert f"file={other}" in linted.stdout
    assert sentence in failed.stderr


def test_a_finding_is_placed_in_its_document(attune_infra_alone: Command, tmp_path: Path) -> None:
    other = tmp_path / "other.yaml"
    other.write_text("queues:\n  lonely: {}\n")
    given = ("lint", "--topology", BILLING, "--topology", str(other), "--select", "AI033")

    found = json.loads(attune_infra_alone(*given, "--output", "json").stdout)["findings"]
    text = attune_infra_alone(*given)

    assert [(each["file"], each["document"], each["line"]) for each in found] == [(str(other), str(other), 2)]
    assert f"{other}:2:3: info AI033 queue lonely" in text.stdout


def test_a_difference_is_placed_in_its_document(attune_infra: Command) -> None:
    attune_infra("setup", *BOTH)

    changes = json.loads(attune_infra("diff", *BOTH, "--set", "limit=7", "--output", "json").stdout)["changes"]

    assert [(each["file"], each["line"]) for each in changes] == [(BILLING, 13)]


@pytest.mark.parametrize("command", ["graph", "lint", "setup"])
def test_definitions_stand_alone(attune_infra_alone: Command, tmp_path: Path, command: str) -> None:
    file = tmp_path / "definitions.json"
    file.write_text('{"rabbit_version": "3.10.8", "vhosts": [{"name": "/"}], "queues": []}')

    result = attune_infra_alone(command, "--topology", str(file), "--topology", ORDERS)

    assert result.code == ExitCode.WRONG_USAGE
    assert f"{file} holds RabbitMQ's definitions, and another topology is given too" in result.stderr


def test_a_folder_without_a_document_and_a_missing_file_are_named(
    attune_infra_alone: Command, tmp_path: Path
) -> None:
    empty = attune_infra_alone("graph", "--topology", ORDERS, "--topology", str(tmp_path))
    missing = attune_infra_alone("graph", "--topology", ORDERS, "--topology", "./missing.yaml")

    assert (empty.code, missing.code) == (1, 1)
    assert f"{tmp_path} is a folder without a document" in empty.stderr
    assert "cannot read ./missing.yaml" in missing.stderr


def test_a_document_counts_once_and_a_built_in_one_can_be_among_them(attune_infra_alone: Command) -> None:
    twice = attune_infra_alone("graph", *BOTH, "--topology", ORDERS)
    with_ours = attune_infra_alone("graph", *BOTH, "--topology", "attune")

    assert twice.stdout == attune_infra_alone("graph", *BOTH).stdout
    assert with_ours.code == ExitCode.DONE
    assert "attune.events" in with_ours.stdout


def test_an_argument_and_an_option_are_two_topologies(attune_infra_alone: Command) -> None:
    assert attune_infra_alone("diff", ORDERS, "--topology", BILLING).code == ExitCode.WRONG_USAGE
    assert attune_infra_alone("topology", "show", "--resolved", ORDERS, *BOTH).code == ExitCode.WRONG_USAGE
