"""Graphviz from the package pygraphviz, or else from the program `dot`; and what is said if there is neither."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

import pytest

from attune_infra.errors import InvalidInput
from attune_infra.render.graph.graphviz import place
from attune_infra.render.graph.layout import lay_out
from attune_infra.topology.builtin import attune
from attune_infra.topology.graph.build import graph
from attune_infra.topology.graph.group import GroupBy, group

needs_dot = pytest.mark.skipif(
    not shutil.which("dot"), reason="the program dot is not installed (Debian: graphviz)"
)

GRAPH = group(graph(attune()), GroupBy.PREFIX)


@pytest.fixture
def without_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pygraphviz", None)


@pytest.fixture
def programs(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """The only folder with programs, which is empty."""
    monkeypatch.setenv("PATH", str(tmp_path))
    return tmp_path


def write_program(path: Path, text: str) -> None:
    path.write_text(f"#!{sys.executable}\n{text}", encoding="utf-8")
    path.chmod(0o755)


@needs_dot
def test_the_program_places_all_that_the_package_places(monkeypatch: pytest.MonkeyPatch) -> None:
    """The places themselves depend on the release of Graphviz."""
    by_package = lay_out(GRAPH)
    monkeypatch.setitem(sys.modules, "pygraphviz", None)

    by_program = lay_out(GRAPH)

    assert [box.lines for box in by_program.boxes] == [box.lines for box in by_package.boxes]
    assert [frame.lines for frame in by_program.frames] == [frame.lines for frame in by_package.frames]
    assert len(by_program.curves) == len(by_package.curves) == len(GRAPH.edges)


@needs_dot
def test_the_program_helps_if_the_package_lacks_a_library(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    break_package(tmp_path, monkeypatch)

    assert lay_out(GRAPH).boxes


@pytest.mark.usefixtures("without_package", "programs")
def test_without_both_the_remedies_are_told() -> None:
    with pytest.raises(InvalidInput, match="neither the package pygraphviz nor a program `dot`") as error:
        lay_out(GRAPH)
    assert "pip install pygraphviz, or your system's package graphviz" in str(error.value.hint)


@pytest.mark.usefixtures("programs")
def test_a_library_that_the_package_lacks_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A wheel of pygraphviz takes some libraries from the system, which small systems do not have."""
    break_package(tmp_path, monkeypatch)

    with pytest.raises(InvalidInput, match=r"cannot be loaded \(libX11\.so\.6: cannot open") as error:
        lay_out(GRAPH)
    assert "libx11-6" in str(error.value.hint)


def break_package(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "pygraphviz.py").write_text("raise ImportError('libX11.so.6: cannot open shared object file')")
    monkeypatch.syspath_prepend(folder)
    monkeypatch.delitem(sys.modules, "pygraphviz", raising=False)


@pytest.mark.usefixtures("without_package")
@pytest.mark.parametrize(
    ("program", "sentence"),
    [
        (
            "import sys; sys.exit('Format: \"json0\" not recognized')",
            'cannot place the graph: Format: "json0" not',
        ),
        ("import sys; sys.exit(9)", "cannot place the graph: it ended with 9"),
        ("print('hello')", "did not write JSON; is it Graphviz?"),
    ],
)
def test_a_program_that_fails_is_named_with_its_reason(programs: Path, program: str, sentence: str) -> None:
    write_program(programs / "dot", program)

    with pytest.raises(InvalidInput, match=str(programs / "dot")) as error:
        place("digraph {}")
    assert sentence in error.value.sentence
    assert "pip install pygraphviz" in str(error.value.hint)


@pytest.mark.usefixtures("without_package")
def test_a_program_that_cannot_start_is_named(programs: Path) -> None:
    write_program(programs / "dot", "")
    (programs / "dot").write_text("#!/nowhere/at/all\n", encoding="utf-8")
    assert os.access(programs / "dot", os.X_OK)

    with pytest.raises(InvalidInput, match=r"cannot start .*dot: No such file"):
        place("digraph {}")
