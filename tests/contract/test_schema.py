"""The schemas are valid, closed and described, and equal to the files and the page made from them."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from attune_infra.contract.schema import file_name, schema_name, schema_of
from attune_infra.contract.table import TYPES
from support.contract import faults
from support.folders import ROOT


def objects(schema: Any) -> Iterator[Mapping[str, Any]]:
    """Yield each schema of an object with keys."""
    if isinstance(schema, dict):
        if schema.get("type") == "object" and "properties" in schema:  # a key may have that name too
            yield schema
        for each in schema.values():
            yield from objects(each)
    elif isinstance(schema, list):
        for each in schema:
            yield from objects(each)


@pytest.mark.parametrize("command", TYPES)
def test_a_schema_is_valid_closed_and_described(command: str) -> None:
    schema = schema_of(command)

    Draft202012Validator.check_schema(schema)
    assert schema["title"] == schema_name(command)
    for each in objects(schema):
        assert each["additionalProperties"] is False
        assert each["description"].endswith((".", ")."))
        assert {key for key, shape in each["properties"].items() if not shape.get("description")} == set()
        assert set(each["required"]) <= set(each["properties"])


def test_files_and_page_are_made_from_the_types(tmp_path: Path) -> None:
    """Mend it: .venv/bin/python .ci/schemas."""
    tmp_path.joinpath("docs").mkdir()
    subprocess.run([sys.executable, str(ROOT / ".ci/schemas"), str(tmp_path)], check=True)

    assert {each.name for each in ROOT.glob("schemas/*")} == {file_name(command) for command in TYPES}
    for made in [*tmp_path.glob("schemas/*.json"), tmp_path / "docs/json.md"]:
        assert ROOT.joinpath(made.relative_to(tmp_path)).read_text() == made.read_text(), made.name


def result(**more: object) -> dict[str, object]:
    tool = {"name": "attune-infra", "version": "1.0.0"}
    time = "2026-11-29T00:00:00Z"
    return {"schema": "attune-infra/worker-deregister/1", "exit_code": 0, "tool": tool, "time": time, **more}


def test_a_fault_is_noticed() -> None:
    good = result(workers=[{"id": 1, "name": "first"}])

    assert faults(good) == []
    assert "'odd' was unexpected" in faults({**good, "odd": 1})[0]
    assert "'name' is a required property" in faults(result(workers=[{"id": 1}]))[0]
    assert "is not of type 'integer'" in faults(result(workers=[{"id": "1", "name": "first"}]))[0]
    assert faults({"schema": "attune-infra/nothing/1"}) != []
