"""Help pages: on every command the same, as wide as the terminal, with examples; and the topics of `help`."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest

from attune_infra import __version__, settings
from attune_infra.cli import _examples
from attune_infra.cli._help import CONNECTION_PANEL, explain_parameters, in_words
from attune_infra.cli._help_topics import EXIT_CODES, TOPICS
from support.as_a_user import Command
from support.commands import COMMANDS, LEAVES, PATHS
from support.folders import ROOT

pytestmark = pytest.mark.any_broker
GROUPS = [path for path in PATHS if path not in LEAVES]


@pytest.mark.parametrize("path", PATHS)
def test_help_is_the_same_in_three_ways(attune_infra_alone: Command, path: str) -> None:
    asked = attune_infra_alone("help", *path.split())
    long, short = attune_infra_alone(*path.split(), "--help"), attune_infra_alone(*path.split(), "-h")

    assert (asked.code, asked.stderr) == (0, "")
    assert asked.stdout == long.stdout == short.stdout
    assert asked.stdout.startswith(f"Usage: attune-infra {path}".rstrip())


@pytest.mark.parametrize("path", PATHS)
def test_each_page_ends_with_its_examples(attune_infra_alone: Command, path: str) -> None:
    examples = _examples.EXAMPLES[path]
    page = attune_infra_alone(*path.split(), "--help").stdout

    lines = [line for typed, purpose in examples for line in (f"  # {purpose}", f"  {typed}")]
    assert page.splitlines()[-len(lines) - 1 :] == ["Examples:", *lines]
    assert all(path in typed for typed, _ in examples)


def test_the_table_of_examples_names_no_other_command() -> None:
    assert set(_examples.EXAMPLES) == set(PATHS)


@pytest.mark.parametrize(("columns", "width"), [("40", 60), ("79", 79), ("100", 100), ("300", 110)])
def test_help_is_as_wide_as_the_terminal(attune_infra_alone: Command, columns: str, width: int) -> None:
    page = attune_infra_alone("worker", "verify", "--help", environment={"COLUMNS": columns}).stdout
    text = page.partition("Connection options")[0]

    assert width - 15 < max(len(line) for line in text.splitlines()) <= width


@pytest.mark.parametrize("path", PATHS)
def test_no_option_is_broken_at_its_hyphens(attune_infra_alone: Command, path: str) -> None:
    for columns in ("60", "80", "100"):
        page = attune_infra_alone(*path.split(), "--help", environment={"COLUMNS": columns}).stdout
        assert re.findall(r"\w-$", page, re.MULTILINE) == []


@pytest.mark.parametrize("path", PATHS)
def test_options_are_explained_in_words(attune_infra_alone: Command, path: str) -> None:
    page = attune_infra_alone(*path.split(), "--help").stdout

    assert re.findall(r"<=|>=|\[default|\[required|range>|<str>|<int|<float|\{[A-Z]", page) == []


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("Seconds.  [default: 10.0; x>=0.1]", "Seconds (default: 10, at least 0.1)."),
        ("Port.  [1<=x<=65535; required]", "Port (1 to 65535, required)."),
        ("A number (small)  [x<=5]", "A number (small) (at most 5)"),
        ("Codes CODE[,CODE...]", "Codes CODE[,CODE...]"),
        ("[default: text]", "(default: text)"),
    ],
)
def test_limits_and_defaults_in_words(given: str, said: str) -> None:
    assert in_words(given) == said


def test_connection_options_stand_on_one_page(attune_infra_alone: Command) -> None:
    topic = attune_infra_alone("help", "connection").stdout
    listed = re.findall(r"^  (--[\w-]+) [A-Z]", topic, re.MULTILINE)
    wanted = {
        name.partition(" ")[0]
        for context in COMMANDS.values()
        for name, _ in explain_parameters(context).get(CONNECTION_PANEL, ())
    }

    assert sorted(listed) == sorted(wanted)
    assert len(listed) == len(set(listed)) == 13


@pytest.mark.parametrize("path", LEAVES)
def test_other_pages_have_one_line_about_them(attune_infra_alone: Command, path: str) -> None:
    has_any = CONNECTION_PANEL in explain_parameters(COMMANDS[path])
    page = attune_infra_alone(*path.split(), "--help").stdout

    assert page.count("Connection options") == page.count("help connection`") == int(has_any)
    assert "\n  --amqp-url" not in page


def test_each_topic_has_a_page_and_help_names_it(attune_infra_alone: Command) -> None:
    about = attune_infra_alone("help", "help").stdout
    for topic in TOPICS:
        page = attune_infra_alone("help", topic)
        assert (page.code, page.stderr) == (0, "")
        assert topic in about
        assert max(len(line) for line in page.lines) <= 80


def test_the_codes_are_those_of_the_readme() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    table = dict(re.findall(r"^\| (\d+) \| (.+) \|$", readme, re.MULTILINE))

    assert {str(int(code)): about for code, about in EXIT_CODES.items()} == table


def test_the_environment_has_each_variable_of_a_setting(attune_infra_alone: Command) -> None:
    page = attune_infra_alone("help", "environment").stdout

    assert all(f"  {each.variable} " in page for each in settings.all_settings())


@pytest.mark.parametrize("option", ["-V", "--version"])
def test_the_version(attune_infra_alone: Command, option: str) -> None:
    alone = attune_infra_alone(option)
    module = subprocess.run(
        [sys.executable, "-m", "attune_infra", option], capture_output=True, text=True, check=True
    )

    assert alone.stdout == module.stdout == f"attune-infra {__version__}\n"


def test_help_about_nothing_known(attune_infra_alone: Command) -> None:
    conection, lst = attune_infra_alone("help", "conection"), attune_infra_alone("help", "worker", "lst")
    below = attune_infra_alone("help", "setup", "now")

    assert (conection.code, lst.code, below.code) == (64, 64, 64)
    assert conection.stderr.startswith("error: there is no command 'conection'; did you mean 'connection'?\n")
    assert lst.stderr.startswith("error: there is no command 'lst'; did you mean 'list'?\n")
    assert below.stderr.startswith("error: `attune-infra setup` has no commands, so none named 'now'\n")


@pytest.mark.parametrize("path", GROUPS)
def test_a_group_without_a_command_is_wrong_usage_and_shows_its_help(
    attune_infra_alone: Command, path: str
) -> None:
    asked, alone = attune_infra_alone(*path.split(), "--help"), attune_infra_alone(*path.split())

    assert (alone.code, alone.stdout, alone.stderr) == (64, "", asked.stdout)
