"""A source distribution and a wheel: their files, their metadata, and the README that a package index shows."""

from __future__ import annotations

import email
import re
import shutil
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from email.message import Message
from pathlib import Path

import pytest

from support.folders import ROOT

needs_git = pytest.mark.skipif(
    not (ROOT / ".git").exists() or shutil.which("git") is None, reason="only git knows the files of a checkout"
)
PROJECT = "https://github.com/attune-platform/attune-infra"
PICTURES = "https://raw.githubusercontent.com/attune-platform/attune-infra"
PYTHONS = ["3.11", "3.12", "3.13", "3.14"]


@pytest.fixture(scope="module")
def sdist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build("sdist", tmp_path_factory.mktemp("sdist"))


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build("wheel", tmp_path_factory.mktemp("wheel"))


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


def metadata_of(wheel: Path) -> Message:
    """Return the metadata as a message: its headers, and the README as its payload."""
    with zipfile.ZipFile(wheel) as archive:
        [name] = [name for name in archive.namelist() if name.endswith(".dist-info/METADATA")]
        return email.message_from_bytes(archive.read(name))


def readme_of(wheel: Path) -> str:
    payload = metadata_of(wheel).get_payload(decode=True)
    assert isinstance(payload, bytes)
    return payload.decode()


@needs_git
def test_a_source_distribution_holds_the_whole_checkout(sdist: Path) -> None:
    with tarfile.open(sdist) as archive:
        modes = {member.name.partition("/")[2]: member.mode for member in archive.getmembers()}

    assert modes.keys() - {"PKG-INFO"} == checkout_files()
    assert {name for name in modes if name.startswith(".ci/") and not modes[name] & 0o100} == set()


@needs_git
def test_a_wheel_holds_the_whole_package_and_says_that_it_is_typed(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        held = {name for name in archive.namelist() if name.startswith("attune_infra/")}

    assert held == {name for name in checkout_files() if name.startswith("attune_infra/")}
    assert "attune_infra/py.typed" in held


def test_an_index_would_take_both(sdist: Path, wheel: Path) -> None:
    """Twine renders the README too."""
    command = [sys.executable, "-m", "twine", "check", "--strict", str(sdist), str(wheel)]

    checked = subprocess.run(command, check=False, capture_output=True, text=True)

    assert checked.returncode == 0, checked.stdout
    assert checked.stdout.count("PASSED") == 2


def test_the_wheel_has_no_file_that_is_out_of_place(wheel: Path) -> None:
    checked = subprocess.run(
        [sys.executable, "-m", "check_wheel_contents", str(wheel)], check=False, capture_output=True, text=True
    )

    assert checked.returncode == 0, checked.stdout


def test_every_link_of_the_long_description_is_absolute_and_leads_to_a_file(wheel: Path) -> None:
    version = metadata_of(wheel)["Version"]
    pictures, pages = f"{PICTURES}/v{version}/", f"{PROJECT}/blob/v{version}/"
    text = re.sub(r"^```.*?^```", "", readme_of(wheel), flags=re.DOTALL | re.MULTILINE)

    links = [link for link in re.findall(r"\]\(([^)\s]+)\)", text) if not link.startswith("#")]

    assert [link for link in links if "://" not in link] == []
    ours = [link for link in links if link.startswith((pictures, pages))]
    assert len(ours) > 10
    assert any(link.startswith(pictures) for link in ours)
    for link in ours:
        path = link.removeprefix(pictures).removeprefix(pages).partition("#")[0]
        assert (ROOT / path).exists(), link


def test_the_metadata_is_complete(wheel: Path) -> None:
    metadata = metadata_of(wheel)
    urls = dict(url.split(", ") for url in metadata.get_all("Project-URL", []))

    assert list(urls) == ["Homepage", "Documentation", "Changelog", "Issues", "Source"]
    assert all(url.startswith(PROJECT) for url in urls.values())
    assert metadata["License-Expression"] == "MIT"
    assert metadata["Description-Content-Type"] == "text/markdown"


def test_the_pythons_of_the_metadata_are_those_that_are_tested(wheel: Path) -> None:
    script = (ROOT / ".ci/test-pythons").read_text(encoding="utf-8")

    classified = re.findall(
        r"Python :: (3\.\d+)$", "\n".join(metadata_of(wheel).get_all("Classifier", [])), re.MULTILINE
    )

    assert classified == PYTHONS
    assert f"legs=({' '.join(PYTHONS)} lowest)" in script
    assert metadata_of(wheel)["Requires-Python"] == f">={PYTHONS[0]}"


def test_every_library_has_a_lower_bound() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]

    assert [each for each in project["dependencies"] if not re.search(r"(>=|==)\d", each)] == []
