"""Documents that extend a file, or a built-in topology."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from attune_infra.errors import ExitCode
from support.as_a_user import Command

pytestmark = pytest.mark.any_broker

BASE = """
variables: {environment: dev, limit: {type: integer, default: 10}}
queues:
  ${environment}.paid: {arguments: {x-max-length: "${limit}"}}
  ${environment}.audit: {}
"""
OVER = """
extends: ../base/shop.yaml
variables: {environment: prod}
queues:
  ${environment}.paid: {type: quorum}
  ${environment}.audit: null
"""


@pytest.fixture
def overlay(tmp_path: Path) -> str:
    for folder, name, text in (("base", "shop.yaml", "\ufeff" + BASE), ("production", "shop.yaml", OVER)):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / name).write_text(text, encoding="utf-8")
    return str(tmp_path / "production" / "shop.yaml")


def test_an_overlay_is_set_up_and_matches_whatever_the_folder(
    attune_infra: Command, overlay: str, tmp_path: Path
) -> None:
    plan = str(tmp_path / "plan.json")
    assert attune_infra("diff", overlay, "--set", "limit=7", "--out", plan).code == ExitCode.DRIFT
    assert attune_infra("setup", plan, "--yes").lines[-1] == "1 object: 1 created"

    assert attune_infra("verify", overlay, "--set", "limit=7").code == ExitCode.DONE
    changes = json.loads(attune_infra("diff", overlay, "--output", "json").stdout)["changes"]
    base = str(tmp_path / "base" / "shop.yaml")
    assert [(each["file"], each["line"]) for each in changes] == [(base, 4)]


def test_the_resolved_document_begins_with_the_changes(
    attune_infra_alone: Command, overlay: str, tmp_path: Path
) -> None:
    shown = attune_infra_alone("topology", "show", "--resolved", overlay, "--set", "limit=7")

    assert shown.lines == [
        f"# {overlay} extends {tmp_path}/base/shop.yaml:",
        "#   changed variables / environment: dev -> prod",
        "#   added queues / ${environment}.paid / type",
        "#   removed queues / ${environment}.audit",
        "queues:",
        "  prod.paid:",
        "    arguments: {x-max-length: 7}",
        "    type: quorum",
    ]


def test_a_built_in_topology_can_be_extended(attune_infra_alone: Command, tmp_path: Path) -> None:
    file = tmp_path / "ours.yaml"
    file.write_text("extends: attune\nqueues: {ours: {}}\n")

    assert "queue ours" in attune_infra_alone("graph", "--topology", str(file)).stdout
    assert attune_infra_alone("topology", "check", str(file)).code == ExitCode.DONE


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("missing.yaml", "No such file or directory"),
        (".", "Is a directory"),
        ("pipe", "nothing was written into the pipe"),
        ("latin", "is not UTF-8 at byte 2"),
        ("ours.yaml", "extend each other in a circle"),
        ("-", "cannot extend -: "),
    ],
)
def test_a_base_that_cannot_be_read_is_named_at_the_place_that_names_it(
    attune_infra_alone: Command, tmp_path: Path, name: str, words: str
) -> None:
    file = tmp_path / "ours.yaml"
    file.write_text(f"extends: '{name}'\n")
    (tmp_path / "latin").write_bytes(b"# \xe9\xff")
    os.mkfifo(tmp_path / "pipe")

    checked = attune_infra_alone("topology", "check", str(file))

    assert checked.code == ExitCode.FAILED
    assert checked.stderr.startswith(f"{file}:1:10: ")
    assert words in checked.stderr
