"""Names are held by one at a time, and what the dead leave is removed."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import pytest

from attune_infra.errors import SandboxError
from attune_infra.sandbox import folders
from attune_infra.sandbox.folders import Claim


@pytest.fixture(autouse=True)
def own_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setattr(folders, "_base", lambda: tmp_path)
    return folders.home()


def test_a_name_is_held_by_one(own_home: Path) -> None:
    claim = Claim.take("demo")
    assert claim is not None
    claim.sign([])

    assert Claim.take("demo") is None
    assert folders.is_held("demo")
    assert folders.holder("demo") == os.getpid()
    assert list(folders.names()) == ["demo"]

    claim.release()

    assert not folders.is_held("demo")
    assert folders.holder("demo") is None
    assert list(own_home.iterdir()) == []


def test_what_a_dead_holder_left_is_swept(own_home: Path, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    claim = Claim.take("demo")
    assert claim is not None
    claim.sign([folders.folder_of("demo"), elsewhere])
    for folder in (folders.folder_of("demo"), elsewhere):
        folder.mkdir()
        (folder / "data").touch()
    os.close(claim.descriptor)

    folders.sweep()

    assert list(own_home.iterdir()) == []
    assert not elsewhere.exists()


def test_a_new_holder_does_not_pass_for_the_dead_one(tmp_path: Path) -> None:
    dead = Claim.take("demo")
    assert dead is not None
    dead.sign([tmp_path / "elsewhere"])
    os.close(dead.descriptor)

    claim = Claim.take("demo")

    assert claim is not None
    assert folders.is_held("demo")
    assert folders.holder("demo") is None
    claim.release()


def test_what_is_held_is_not_swept() -> None:
    claim = Claim.take("demo")
    assert claim is not None
    claim.sign([])
    folders.folder_of("demo").mkdir()

    folders.sweep()

    assert folders.folder_of("demo").is_dir()
    claim.release()


def test_a_home_of_somebody_else_is_refused(own_home: Path, tmp_path: Path) -> None:
    own_home.rmdir()
    own_home.symlink_to(tmp_path)

    with pytest.raises(SandboxError, match="belongs to another user"):
        folders.home()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root has to let another user in")
def test_root_chooses_a_home_that_others_can_reach(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    tmp_path.chmod(0o700)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))

    assert not folders.home().is_relative_to(tmp_path)
