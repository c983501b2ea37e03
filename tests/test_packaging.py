"""The files in a source distribution and in a wheel, held against those of the checkout."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

from support.folders import ROOT

pytestmark = pytest.mark.skipif(
    not (ROOT / ".git").exists() or shutil.which("git") is None, reason="only git knows the files of a checkout"
)


def build(target: str, folder: Path) -> Path:
    """Build a distribution as `pip` and `build` do, without an environment of its own."""
    command = [sys.executable, "-m", "hatchling", "build", "-t", target, "-d", str(folder)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    [built] = folder.iterdir()
    return built


def checkout_files() -> set[str]:
    """Return all files that git knows or would add."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    return {name for name in listed.split("\0") if name and (ROOT / name).exists()}


def test_a_source_distribution_holds_the_whole_checkout(tmp_path: Path) -> None:
    with tarfile.open(build("sdist", tmp_path)) as archive:
        modes = {member.name.partition("/")[2]: member.mode for member in archive.getmembers()}

    assert modes.keys() - {"PKG-INFO"} == checkout_files()
    assert {name for name in modes if name.startswith(".ci/") and not modes[name] & 0o100} == set()


def test_a_wheel_holds_the_whole_package_and_says_that_it_is_typed(tmp_path: Path) -> None:
    with zipfile.ZipFile(build("wheel", tmp_path)) as archive:
        held = {name for name in archive.namelist() if name.startswith("attune_infra/")}

    assert held == {name for name in checkout_files() if name.startswith("attune_infra/")}
    assert "attune_infra/py.typed" in held
