"""The man pages of a wheel: one for each command, without a fault for groff or mandoc, and readable."""

from __future__ import annotations

import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from support.commands import PATHS
from support.folders import ROOT

NAMES = ["-".join(["attune-infra", *path.split()]) for path in PATHS]
needs_groff = pytest.mark.skipif(shutil.which("groff") is None, reason="groff is not installed")
needs_mandoc = pytest.mark.skipif(shutil.which("mandoc") is None, reason="mandoc is not installed")
pytestmark = [
    pytest.mark.xdist_group("wheel"),
    pytest.mark.skipif(not (ROOT / ".git").exists(), reason="only a checkout is built"),
]


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The pages in a wheel, by their names."""
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    [wheel] = folder.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder)
    return {page.stem: page for page in folder.glob("*.data/data/share/man/man1/*.1")}


def rendered(page: Path) -> str:
    command = ["groff", "-man", "-ww", "-Tascii", "-rLL=78n", "-P-cbou", str(page)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stderr == ""
    return done.stdout


def test_each_command_has_a_page(pages: dict[str, Path]) -> None:
    assert sorted(pages) == sorted(NAMES)


@needs_groff
@pytest.mark.parametrize("name", NAMES)
def test_groff_has_no_warning_and_the_page_has_its_sections(pages: dict[str, Path], name: str) -> None:
    text = rendered(pages[name])

    assert f"{name} - " in text
    for title in ("NAME", "SYNOPSIS", "DESCRIPTION", "OPTIONS", "EXAMPLES", "SEE ALSO"):
        assert f"\n{title}\n" in text
    assert max(len(line) for line in text.splitlines()) <= 110


@needs_mandoc
@pytest.mark.parametrize("name", NAMES)
def test_mandoc_has_no_warning(pages: dict[str, Path], name: str) -> None:
    command = ["mandoc", "-T", "lint", "-W", "warning", str(pages[name])]
    done = subprocess.run(command, capture_output=True, text=True, check=False)

    assert [line for line in done.stdout.splitlines() if "missing date" not in line] == []


@needs_groff
def test_a_page_can_be_read(pages: dict[str, Path]) -> None:
    text = rendered(pages["attune-infra-worker-run"])

    assert "attune-infra worker run --prefetch 1 --exec 'sh -c \"sleep 1\"'" in text
    assert "--dead-letter-exchange EXCHANGE\n" in text
    assert "The options --connection, --amqp-url," in text


@needs_groff
def test_the_page_of_the_program_has_the_topics(pages: dict[str, Path]) -> None:
    text = rendered(pages["attune-infra"])

    assert "BROKER AND REGISTRY OPTIONS\n" in text
    assert "\n  64     wrong usage of the command line.\n".strip() in text
    assert "ATTUNE__MESSAGE_QUEUE__URL\n" in text
    assert "attune-infra-worker-run(1)" in text


def test_an_editable_installation_writes_none(tmp_path: Path) -> None:
    pytest.importorskip("editables")
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel:editable", "-d", str(tmp_path)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    [wheel] = tmp_path.glob("*.whl")

    assert [name for name in zipfile.ZipFile(wheel).namelist() if "share/man" in name] == []
