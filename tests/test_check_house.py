"""The checker of the house: each of its rules fails on a file made for it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest

from support.folders import ROOT

CHECKER = ROOT / ".ci/check-house"


class House:
    """A folder with the code of a made-up project."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def write(self, path: str, text: str = "") -> None:
        file = self.folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")

    def track(self) -> None:
        for command in (["git", "init", "--quiet"], ["git", "add", "."]):
            subprocess.run(command, cwd=self.folder, check=True)


class Checked(NamedTuple):
    """The end of the checker: its exit code and the lines it printed."""

    code: int
    lines: list[str]


def check(house: House) -> Checked:
    command = [sys.executable, str(CHECKER), str(house.folder)]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ended.stderr == ""
    return Checked(ended.returncode, ended.stdout.splitlines())


def findings(house: House) -> list[str]:
    """Return the findings without their remedies."""
    code, lines = check(house)
    assert code == 1
    return [line.partition("; ")[0] for line in lines]


def function(lines: int, *, docstring: bool = False) -> str:
    """Return a function of so many lines."""
    first = '"""Do it."""' if docstring else "pass"
    return "\n".join(["def f():", f"    {first}", *["    pass"] * (lines - 2)]) + "\n"


@pytest.fixture
def house(tmp_path: Path) -> House:
    return House(tmp_path)


def test_a_house_in_order_has_no_findings(house: House) -> None:
    house.write("attune_infra/a.py", '"""Values that show what, where and how."""\n' + function(40))
    house.write("tests/a.py", "pass\n" * 400)
    house.write("attune_infra/cli/a.py", function(16, docstring=True))

    assert check(house) == (0, [])


def test_a_finding_has_its_place_and_a_remedy(house: House) -> None:
    house.write("tests/a.py", '\n"""What it tests."""\n')

    line = "tests/a.py:2: the docstring begins with 'What'; begin it with a verb or a noun"
    assert check(house) == (1, [line])


@pytest.mark.parametrize("folder", ["attune_infra", "benchmarks/peers", "tests/topology"])
def test_a_long_file_is_found(house: House, folder: str) -> None:
    house.write(f"{folder}/a.py", "pass\n" * 401)

    assert findings(house) == [f"{folder}/a.py:1: the file has 401 lines, at most 400 are allowed"]


def test_a_long_function_is_found_with_the_functions_inside(house: House) -> None:
    house.write(
        "attune_infra/a.py", "\nclass A:\n    async def f():\n        def g():\n" + "            pass\n" * 39
    )

    assert findings(house) == ["attune_infra/a.py:3: function 'f' has 41 lines, at most 40 are allowed"]


def test_a_long_body_of_a_command_is_found(house: House) -> None:
    house.write("attune_infra/cli/worker/a.py", function(17, docstring=True))
    house.write("attune_infra/render/a.py", function(17, docstring=True))

    assert findings(house) == [
        "attune_infra/cli/worker/a.py:1: the body of 'f' has 15 lines, at most 14 are allowed"
    ]


@pytest.mark.parametrize(
    ("text", "finding"),
    [
        ('"""What it is."""', "1: the docstring begins with 'What'"),
        ('class A:\n    """Whom it serves."""', "2: the docstring begins with 'Whom'"),
        ('def f():\n    """How it does it."""', "2: the docstring begins with 'How'"),
        ('a = 1\n"""Where it is."""', "2: the docstring begins with 'Where'"),
        ('class A:\n    a: int = 1\n    """Which one."""', "3: the docstring begins with 'Which'"),
        ('Option(help="Whether it is so.")', "1: the help text begins with 'Whether'"),
        ('Option(\n    help=f"Who does {it}."\n)', "2: the help text begins with 'Who'"),
        ('COMMANDS: Final = {\n    "do": "what is done"}', "2: the help text begins with 'what'"),
        ('COMMANDS = {"do": "How it is done"}', "1: the help text begins with 'How'"),
    ],
)
def test_a_docstring_or_help_text_that_begins_like_a_question_is_found(
    house: House, text: str, finding: str
) -> None:
    house.write("attune_infra/a.py", text)

    assert findings(house) == [f"attune_infra/a.py:{finding}"]


def test_other_texts_may_begin_like_a_question(house: House) -> None:
    house.write("attune_infra/a.py", '"""However it is."""\na = "What is it?"\nOption(name="how")\n')

    assert check(house) == (0, [])


@pytest.mark.parametrize(("folder", "limit"), [("attune_infra/topology", 20), ("attune_infra/render", 10)])
def test_a_full_folder_is_found(house: House, folder: str, limit: int) -> None:
    house.write(f"{folder}/__pycache__/a.pyc")
    for number in range(limit):
        house.write(f"{folder}/room{number}/a.py")
    assert check(house) == (0, [])

    house.write(f"{folder}/a.py")

    assert findings(house) == [f"{folder}:1: the folder lists {limit + 1} entries, at most {limit} are allowed"]


def test_a_file_that_git_does_not_track_is_no_entry(house: House) -> None:
    for number in range(10):
        house.write(f"attune_infra/render/a{number}.py")
    house.track()
    house.write("attune_infra/render/notes.txt")

    assert check(house) == (0, [])
