"""Bodies that are JSON, and those that are not, whatever their size and depth."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from attune_infra.worker.body import MAX_DEPTH, NotJson, check

VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=2), inner, max_size=3),
    max_leaves=12,
)
PIECES = st.lists(st.sampled_from([*'[]{}:,"\\ \n0123.eE+-aunfr', "true", "null", '"a"', "é", "\x00"]), max_size=8)


def fault(body: bytes) -> str | None:
    try:
        list(check(body))
    except NotJson as error:
        return str(error)
    return None


def is_strict_json(text: str) -> bool:
    """Ask Python's parser, which takes three words that are not JSON."""

    def refuse(word: str) -> None:
        raise ValueError(word)

    try:
        json.loads(text, parse_constant=refuse)
    except ValueError:
        return False
    return True


def test_small_and_large_arrays_and_objects() -> None:
    for inner in (0, [], {}, [1], {"a": 1}, [[2]], {"a": {"b": [3]}}):
        for size in (1, 99, 100, 101, 1500):
            assert fault(json.dumps(size * [inner]).encode()) is None
            assert fault(json.dumps([{str(number): inner for number in range(size)}], indent=1).encode()) is None


@given(VALUES, st.sampled_from([None, 1]), st.booleans())
def test_all_json_is_json(value: object, indent: int | None, ascii_only: bool) -> None:
    assert fault(json.dumps(value, indent=indent, ensure_ascii=ascii_only).encode()) is None


@given(PIECES)
def test_it_agrees_with_pythons_parser(pieces: list[str]) -> None:
    text = "".join(pieces)

    assert (fault(text.encode()) is None) == is_strict_json(text)


@given(VALUES, st.data())
def test_it_agrees_about_broken_json_too(value: object, data: st.DataObject) -> None:
    text = json.dumps(value, ensure_ascii=False)
    at = data.draw(st.integers(0, len(text)))
    broken = text[:at] + data.draw(st.sampled_from(["", ",", "]", "}", '"', "0"])) + text[at + 1 :]

    assert (fault(broken.encode()) is None) == is_strict_json(broken)


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "it is not JSON: it ends too early, at byte 0"),
        (b"no json", "it is not JSON: byte 0 is wrong"),
        (b'{"a": 1,}', "it is not JSON: byte 8 is wrong"),
        (b'{"a": NaN}', "it is not JSON: byte 6 is wrong"),
        (b'{"a": "\xff"}', "it is not UTF-8 at byte 7"),
        (b'"' + 3_000_000 * b"x" + b'\xc3"', "it is not UTF-8 at byte 3000001"),
        (b'"' + (2**20 - 2) * b"x" + b"\xc3", "it is not UTF-8 at byte 1048575"),
        ("{}".encode("utf-16"), "it is not UTF-8 at byte 0"),
        (100_000 * b"[", f"it is nested more than {MAX_DEPTH} levels deep at byte {MAX_DEPTH}"),
        (100_000 * b'{"a":', f"it is nested more than {MAX_DEPTH} levels deep at byte {5 * MAX_DEPTH}"),
    ],
    ids=lambda value: f"{len(value)}-{value[:8]!r}" if isinstance(value, bytes) else "",
)
def test_the_reason_names_the_place(body: bytes, reason: str) -> None:
    assert fault(body) == reason


def test_as_deep_as_it_may_be() -> None:
    assert fault(MAX_DEPTH * b"[" + MAX_DEPTH * b"]") is None
    assert fault(b"\xef\xbb\xbf{}") is None


def test_a_large_body_takes_no_more_memory_than_itself() -> None:
    """For this body, `json.loads` takes dozens of times its size."""
    script = Path(__file__).parent / "check_large.py"

    grown = int(subprocess.check_output([sys.executable, str(script)], text=True))

    assert grown < 4  # MiB
