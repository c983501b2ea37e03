"""Files that a command writes: whole or not at all."""

from __future__ import annotations

import os
import resource
from pathlib import Path

import pytest

from attune_infra.cli._files import write_whole
from attune_infra.errors import InvalidInput


def test_a_file_that_is_there_keeps_its_mode_and_a_link_stays_one(tmp_path: Path) -> None:
    file, link = tmp_path / "file", tmp_path / "link"
    file.write_text("old")
    file.chmod(0o640)
    link.symlink_to(file)

    write_whole(link, "new 🐰\n")

    assert link.is_symlink()
    assert file.read_text(encoding="utf-8") == "new 🐰\n"
    assert file.stat().st_mode & 0o777 == 0o640
    assert sorted(tmp_path.iterdir()) == [file, link]


def test_links_in_a_circle_are_no_file(tmp_path: Path) -> None:
    here, there = tmp_path / "here", tmp_path / "there"
    here.symlink_to(there)
    there.symlink_to(here)

    with pytest.raises(InvalidInput, match="it is not a file"):
        write_whole(here, "new")

    assert sorted(tmp_path.iterdir()) == [here, there]
    assert here.is_symlink()


def test_a_new_file_has_the_mode_that_new_files_have(tmp_path: Path) -> None:
    mask = os.umask(0o027)
    try:
        write_whole(tmp_path / "file", "new")
    finally:
        os.umask(mask)

    assert (tmp_path / "file").stat().st_mode & 0o777 == 0o640


@pytest.mark.parametrize("place", ["", "not there/file", "x" * 300])
def test_what_cannot_be_written_leaves_nothing_behind(tmp_path: Path, place: str) -> None:
    with pytest.raises(InvalidInput, match="cannot write "):
        write_whole(tmp_path / place, "text")

    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_leaves_the_old_file_as_it_was(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("old")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, hard))
    try:
        with pytest.raises(InvalidInput, match="File too large"):
            write_whole(file, "new" * 1000)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))

    assert file.read_text() == "old"
    assert list(tmp_path.iterdir()) == [file]
