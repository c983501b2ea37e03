"""The schemas of JSON, as the program prints them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from attune_infra.contract.table import TYPES
from attune_infra.errors import ExitCode
from support.as_a_user import Command
from support.folders import ROOT


def test_all_schemas_are_listed(attune_infra_alone: Command) -> None:
    text, data = attune_infra_alone("schemas"), attune_infra_alone("schemas", "-o", "json")

    assert [line.split() for line in text.lines] == [[each, f"attune-infra/{each}/1"] for each in TYPES]
    assert [each["name"] for each in data.json["schemas"]] == [f"attune-infra/{each}/1" for each in TYPES]


@pytest.mark.parametrize("name", ["worker-list", "worker list", "attune-infra/worker-list/1"])
def test_one_schema_is_printed_as_its_file_has_it(attune_infra_alone: Command, name: str) -> None:
    assert attune_infra_alone("schemas", name).stdout == (ROOT / "schemas/worker-list-1.json").read_text()


def test_a_schema_can_be_kept(attune_infra_alone: Command, tmp_path: Path) -> None:
    file = tmp_path / "verify.json"

    assert attune_infra_alone("schemas", "verify", "--to", str(file)).code == 0
    assert json.loads(file.read_text())["title"] == "attune-infra/verify/1"


def test_an_unknown_schema_is_wrong_usage(attune_infra_alone: Command) -> None:
    result = attune_infra_alone("schemas", "verfy")

    assert result.code == ExitCode.WRONG_USAGE
    assert result.stderr.startswith("error: there is no schema 'verfy'; did you mean 'verify'?\n")
