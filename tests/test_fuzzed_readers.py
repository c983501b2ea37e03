"""Each reader of what others have written, with inputs that are nearly right: a value, or a sentence.

Inputs that once ended otherwise are kept in `tests/corpus`, in a folder for each reader.
"""

from __future__ import annotations

import resource
from collections.abc import Callable, Iterable
from hashlib import sha256
from itertools import islice
from pathlib import Path
from random import Random
from typing import Final

import pytest

from support.folders import CORPUS
from support.fuzz.mutants import Hang, complaint, mutants, no_hang
from support.fuzz.readers import READERS, Reader

pytestmark = pytest.mark.any_broker
MAX_GROWTH: Final = 600 << 10
"""Kilobytes by which the memory of this process may grow at most."""


@pytest.mark.parametrize("name", READERS)
def test_nearly_right_inputs(
    name: str,
    tmp_path: Path,
    pytestconfig: pytest.Config,
    record_property: Callable[[str, object], None],
) -> None:
    reader, seed = READERS[name], pytestconfig.getoption("--seed")
    number, before = pytestconfig.getoption("--fuzz"), _peak()
    inputs = islice(mutants(reader.seeds(), Random(f"{seed} {name}")), number)  # noqa: S311 - it chooses tests

    found = wrong_among(reader, inputs, tmp_path)

    record_property("inputs", number)
    print(f"{name}: {number} inputs, seed {seed}, {len(found)} wrong")  # noqa: T201 - `pytest -s` shows it
    assert not found, "\n".join(f"{why}\n    {data[:400]!r}" for why, data in found.items())
    assert _peak() - before < MAX_GROWTH


@pytest.mark.parametrize("name", READERS)
def test_inputs_that_once_failed(name: str, tmp_path: Path) -> None:
    reader = READERS[name]
    folder = CORPUS / name.replace(" ", "-")
    inputs = [file.read_bytes() for file in sorted(folder.glob("*"))]

    assert wrong_among(reader, [*inputs, *reader.seeds()], tmp_path) == {}


def wrong_among(reader: Reader, inputs: Iterable[bytes], folder: Path) -> dict[str, bytes]:
    """Return what is wrong, each with the shortest input that shows it; keep these inputs in a folder."""
    read, found = reader.make(folder), dict[str, bytes]()
    for data in inputs:
        why = complaint(read, reader.errors, data)
        if why and (why not in found or len(data) < len(found[why])):
            found[why] = data
    for data in found.values():
        (folder / sha256(data).hexdigest()[:12]).write_bytes(data)
    return found


def test_a_hang_and_a_wrong_error_are_seen() -> None:
    def hang(_: bytes) -> object:
        while True:
            pass

    with pytest.raises(Hang), no_hang(1):
        hang(b"")
    assert complaint(lambda data: data[7], (ValueError,), b"") == "IndexError: index out of range"
    assert complaint(int, (ValueError,), b"x") == ""


def _peak() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
