"""Wrong usage: exit code 64, a sentence that names what was wrong, and the likely right one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from support.as_a_user import Command
from support.commands import COMMANDS, LEAVES

pytestmark = pytest.mark.any_broker
WRONG = {
    "ID": "x",
    "CODE[,CODE...]": "AI999",
    "RELEASE": "2.0",
    "K=V": "x",
    "N|N%": "many",
    "[KIND:NAME]": "queue:",
    "DIGEST": "x",
    "HOST:PORT": "x",
    "URL": "x",
    "DURATION": "x",
    "DURATION|off": "x",
    "JSON": "{",
    "KEY=VALUE": "x",
    "'EXCHANGE ROUTING_KEY'": "e " + 300 * "x",
    "NAME|FILE": "atune",
    "NAME=VALUE": "x",
    "ROUTING_KEY": 300 * "x",
    "KEY": 300 * "x",
    "SHELL": "csh",
}
"""A wrong value by the name of a value; an empty one is wrong for all others, such as files."""
REQUIRED = {
    "QUEUE": "jobs",
    "FILE.jsonl": "x.jsonl",
    "QUEUE...": "jobs",
    "FROM": "a",
    "TO": "b",
    "EXCHANGE": "attune.events",
    "FILE": "x.json",
    "SHELL": "bash",
    "-- COMMAND": "true",
}
TAKES_ANY = {"EXCHANGE", "-- COMMAND"}
OWN = {"worker run --exec": "no-such-program", "doctor COMMAND": "stup", "help COMMAND|TOPIC": "stup"}
OWN |= {"trace --expect": ""}
OWN |= {f"sandbox {each} --name": "a/b" for each in ("up", "down", "env", "status", "run")}


def wrong_value(path: str, parameter: Any) -> str:
    name = parameter.opts[0] if parameter.param_type_name == "option" else parameter.human_readable_name
    if f"{path} {name}" in OWN:
        return OWN[f"{path} {name}"]
    if getattr(parameter.type, "choices", None) or parameter.type.name in {"int", "float", "int range"}:
        return "x"
    return WRONG.get(parameter.metavar, "")


def command_line(path: str, wrong: Any, value: str) -> list[str]:
    """Return a call of a command with all that it requires, and with one wrong value."""
    line = path.split()
    options, arguments = [], []
    for parameter in COMMANDS[path].command.params:
        if parameter.param_type_name == "option":
            if parameter is wrong:
                options.append(f"{parameter.opts[0]}={value}")
            elif parameter.required:
                options.append(f"{parameter.opts[0]}=1")
        elif parameter is wrong or parameter.required:
            given = value if parameter is wrong else REQUIRED[parameter.human_readable_name]
            arguments.append(given)
    return [*line, *options, "--", *arguments] if arguments else [*line, *options]


def takes_value(parameter: Any) -> bool:
    is_flag = getattr(parameter, "is_flag", False) or getattr(parameter, "count", False)
    return not is_flag and parameter.human_readable_name not in TAKES_ANY


@pytest.mark.parametrize("path", LEAVES)
def test_each_wrong_value_is_wrong_usage_and_its_option_is_named(
    attune_infra_alone: Command, tmp_path: Path, path: str
) -> None:
    checked = 0
    for parameter in filter(takes_value, COMMANDS[path].command.params):
        line = command_line(path, parameter, wrong_value(path, parameter))
        result = attune_infra_alone(*line, folder=tmp_path)
        names = parameter.opts if parameter.param_type_name == "option" else [parameter.human_readable_name, "'"]

        assert (result.code, result.stdout) == (64, ""), (line, result)
        assert result.stderr.startswith("error: "), (line, result)
        assert "Traceback" not in result.stderr
        assert any(name.removeprefix("--") in result.stderr for name in names), (line, result)
        checked += 1
    assert checked >= 1


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ("veryfi", "there is no command 'veryfi'; did you mean 'verify'?"),
        ("worker lst", "there is no command 'lst'; did you mean 'list'?"),
        ("zzzz", "there is no command 'zzzz'"),
        ("setup --dry-rn", "there is no option '--dry-rn'; did you mean '--dry-run'?"),
        ("setup -x", "there is no option '-x'"),
        ("setup --via htp", "--via takes amqp or http, not 'htp'; did you mean 'http'?"),
        ("lint --fail-on eror", "--fail-on takes error, warning or info, not 'eror'; did you mean 'error'?"),
        ("worker run --prefetch 0", "--prefetch takes a number, 1 to 65535; 0 is not"),
        ("worker run --prefetch few", "--prefetch takes an integer, not 'few'"),
        ("setup --via", "--via needs a value"),
        ("setup --yes=no", "--yes takes no value"),
        ("setup a.yaml b.yaml", "there is an argument too many: b.yaml"),
        ("trace", "EXCHANGE is missing"),
        ("worker dispatch", "--worker or --id is missing"),
        ("worker provision --id x", "--worker or --id: 'x' is not a worker id"),
        ("setup --topology atune", "--topology: there is no topology 'atune'; did you mean 'attune'?"),
        ("lint --select AI01", "--select: there is no rule 'AI01'; did you mean 'AI0"),
        (
            "lint --broker-version 4.11",
            "--broker-version: RabbitMQ 4.11 is not a known release; did you mean '4.1'?",
        ),
        (
            "setup --allow-destructive=queu:a",
            "--allow-destructive: there is no kind 'queu'; did you mean 'queue'?",
        ),
        ("doctor stup", "'stup' is not a command that asks a server; did you mean 'setup'?"),
        ("setup --config=", "--config is empty"),
        ("completion csh", "SHELL takes bash, zsh or fish, not 'csh'"),
    ],
)
def test_the_sentence_says_what_was_wrong_and_what_was_likely_meant(
    attune_infra_alone: Command, line: str, sentence: str
) -> None:
    result = attune_infra_alone(*line.split(" "))

    said, hint = result.stderr.splitlines()
    assert (result.code, result.stdout) == (64, "")
    assert said.removeprefix("error: ").startswith(sentence)
    assert hint.startswith("hint:  ")


def test_a_file_that_is_missing_is_wrong_input_and_no_wrong_usage(attune_infra_alone: Command) -> None:
    assert attune_infra_alone("lint", "missing.yaml").code == 1
    assert attune_infra_alone("diff", "--config", "missing.yaml").code == 1


def test_a_wrong_value_from_elsewhere_is_wrong_input(attune_infra_alone: Command) -> None:
    environment = {"ATTUNE__MESSAGE_QUEUE__URL": "http://wrong"}

    assert attune_infra_alone("diff", environment=environment).code == 1


def test_several_values_are_all_checked(attune_infra_alone: Command) -> None:
    result = attune_infra_alone("worker", "verify", "--id", "1", "--worker", "2-x")

    assert (result.code, "'2-x' is not a worker id" in result.stderr) == (64, True)


def test_options_behind_two_dashes_are_arguments(attune_infra_alone: Command) -> None:
    result = attune_infra_alone(
        "sandbox", "run", "--no-postgres", "--rabbitmq-root", "/none", "--", "true", "--id=x"
    )

    assert result.code == 1
    assert "/none" in result.stderr
