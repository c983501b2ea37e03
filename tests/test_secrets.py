"""Secrets are read from the environment, from files and from commands, and never stand in a message."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from attune_infra.errors import InvalidInput
from attune_infra.masking import forget, masked
from attune_infra.settings import secrets
from attune_infra.settings.secrets import read_secret

WHOSE = "the password of user 'a'"


@pytest.fixture(autouse=True)
def forgotten() -> Iterator[None]:
    forget()
    yield
    forget()


def printing(program: str) -> tuple[str, ...]:
    return (sys.executable, "-c", program)


def test_a_variable_is_taken_as_it_is() -> None:
    assert read_secret("env", ["A"], WHOSE, {"A": "C4nary x\n"}) == "C4nary x\n"
    assert read_secret("env", ["A"], WHOSE, {"A": "C4nary"}) == "C4nary"
    assert "C4nary" not in masked("it is C4nary")


@pytest.mark.parametrize(
    ("content", "wanted"),
    [
        (b"C4nary", "C4nary"),
        (b"C4nary\n", "C4nary"),
        (b"C4nary \r\nnote: x\n", "C4nary "),
        ("é\u2028x".encode(), "é\u2028x"),
    ],
)
def test_of_a_file_and_of_an_output_the_first_line_counts(content: bytes, wanted: str, tmp_path: Path) -> None:
    (file := tmp_path / "secret").write_bytes(content)

    assert read_secret("file", [str(file)], WHOSE) == wanted
    print_it = printing(f"import sys; sys.stdout.buffer.write({content!r})")
    assert read_secret("command", print_it, WHOSE) == wanted


def test_a_command_runs_once_and_without_a_shell(tmp_path: Path) -> None:
    ran = tmp_path / "ran"
    command = printing(f"print('$HOME C4nary'); open({str(ran)!r}, 'a').write('x')")

    assert [read_secret("command", command, WHOSE) for _ in range(2)] == ["$HOME C4nary"] * 2
    assert ran.read_text() == "x"


@pytest.mark.parametrize(
    ("kind", "words", "sentence"),
    [
        ("env", ["C4NARY"], "the password of user 'a': environment variable C4NARY is not set"),
        ("env", ["EMPTY"], "environment variable EMPTY is empty"),
        ("env", ["ODD"], "the password of user 'a' is not UTF-8 text"),
        ("file", ["/no/C4nary"], "the file of the password of user 'a' cannot be read: No such file or directory"),
        ("file", ["/"], "cannot be read: Is a directory"),
        ("file", ["/dev/null"], "has an empty first line"),
        ("command", ["no-such-C4nary"], "the command of the password of user 'a' cannot be run: No such file"),
        ("command", ["false", "C4nary"], "ended with exit code 1"),
        ("command", ["true", "C4nary"], "printed no first line"),
        ("command", printing("import sys; sys.stdout.buffer.write(b'\\xff')"), "is not UTF-8 text"),
    ],
)
def test_a_secret_that_is_missing_is_a_wrong_input(kind: str, words: list[str], sentence: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        read_secret(kind, words, WHOSE, {"EMPTY": "", "ODD": "\udcff"})

    assert sentence in str(caught.value)
    assert "C4nary" not in f"{caught.value} {caught.value.hint}"


def test_a_command_that_does_not_end_is_a_wrong_input(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(secrets, "_COMMAND_TIMEOUT", 0.1)

    with pytest.raises(InvalidInput, match="did not end within 0 seconds"):
        read_secret("command", ["sleep", "60"], WHOSE)
