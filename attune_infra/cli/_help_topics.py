"""Pages of `attune-infra help` that are about no single command: the connection, the environment, and the like."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from attune_infra.cli._help import CONNECTION_PANEL, context_of, explain_parameters, write_table
from attune_infra.errors import ExitCode
from attune_infra.settings import CONFIG_VARIABLE, all_settings

EXIT_CODES: Final[Mapping[ExitCode, str]] = {
    ExitCode.DONE: "done, or nothing to do, or no drift",
    ExitCode.FAILED: (
        "failed: could not connect, the broker refused, or the input is wrong; or all changes failed"
    ),
    ExitCode.DRIFT: (
        "drift: `diff`, `verify` or `worker verify` found a difference or a queue whose node is down; "
        "`lint` has a finding; `trace` or `worker dispatch` found no queue"
    ),
    ExitCode.PARTLY_DONE: "partly done: some changes were made, others failed",
    ExitCode.REFUSED: (
        "refused: the command would destroy something, such as messages in a queue, "
        "or act on another broker than meant, and no flag allowed it"
    ),
    ExitCode.WRONG_USAGE: "wrong usage of the command line",
    ExitCode.INTERRUPTED: "interrupted by the user",
}
_OTHER_VARIABLES: Final = (
    (CONFIG_VARIABLE, "Configuration file, as --config."),
    ("COLUMNS", "Width of help pages; by default, that of the terminal."),
    ("NO_COLOR", "If it is not empty, no colour is used."),
    ("FORCE_COLOR, CLICOLOR_FORCE", "Unless it is 0, colour is used without a terminal too."),
    ("XDG_CONFIG_HOME", "Folder of attune-infra/config.yaml; default: ~/.config."),
    ("XDG_STATE_HOME", "Folder of attune-infra/undo, where undo files are kept; default: ~/.local/state."),
    ("TMPDIR", "Folder in which sandboxes keep their data."),
)
_SIGNS: Final = (
    ("+", "An object is created, or would be."),
    ("~", "An object is updated in place, or would be."),
    ("!", "An object differs and cannot be changed in place, or something failed."),
    ("-", "An object is deleted, or would be."),
)
_EXAMPLES_OF_CONNECTIONS: Final = (
    ("attune-infra verify --amqp-url amqp://ops@rabbit.example.com/attune", "Name the broker by a URL"),
    ("attune-infra verify --amqp-url amqp://ops@rabbit1,rabbit2:5673/attune", "Name the nodes of a cluster"),
    ("attune-infra verify --connection staging", "Name the broker by a connection of the configuration file"),
)


def connection_options(root: Any) -> dict[str, list[tuple[str, str]]]:
    """Return the options of the panel Connection, explained, by the servers that they are about."""
    broker, registry = (
        explain_parameters(context_of(root, command.split()))[CONNECTION_PANEL]
        for command in ("setup", "worker register")
    )
    return {
        "Broker": [each for each in broker if each not in registry],
        "Registry": [each for each in registry if each not in broker],
        "Broker and registry": [each for each in broker if each in registry],
    }


def variables() -> Iterator[tuple[str, str]]:
    """Yield the environment variables that the program reads, explained."""
    for setting in all_settings():
        password = f"Password ({'.'.join(setting.path)})."
        yield setting.variable, f"The same as {setting.flag}." if setting.flag else password
    yield from _OTHER_VARIABLES


def _connection(formatter: Any, root: Any) -> None:
    """Write the options of all commands that name a server, each once."""
    formatter.write_text(
        "Options that name the broker and the registry, for each command that uses them. A flag overrides the "
        "environment, the environment overrides the file given by --config, and the file overrides the default."
    )
    for title, records in connection_options(root).items():
        with formatter.section(title):
            write_table(formatter, records)
    _write_examples(formatter, _EXAMPLES_OF_CONNECTIONS)


def _write_examples(formatter: Any, examples: tuple[tuple[str, str], ...]) -> None:
    with formatter.section("Examples"):
        for line, purpose in examples:
            formatter.write(f"  # {purpose}\n  {line}\n")


def _environment(formatter: Any, _: Any) -> None:
    formatter.write_text(
        "Environment variables that the program reads. A variable for a URL or a password may end in _FILE, "
        "and then names a file whose first line is the value."
    )
    with formatter.section("Variables"):
        formatter.write_dl(list(variables()), col_max=44)


def _exit_codes(formatter: Any, _: Any) -> None:
    formatter.write_text("Exit codes of all commands. A signal ends a command with 128 and its number.")
    with formatter.section("Codes"):
        formatter.write_dl([(str(int(code)), f"{about}.") for code, about in EXIT_CODES.items()])


_RESULTS: Final = (
    "Results go to standard output; progress, warnings and errors go to standard error. Text is for people and "
    "changes; --output json is for programs: it names its schema (`attune-infra schemas` lists all), its items "
    "are sorted, and a failed command prints its error with a code instead of a result. --to FILE writes the "
    "result to a file. For CI, lint, topology check, verify and diff also write annotations, SARIF, JUnit's XML "
    "and Markdown: --output github|sarif|junit|markdown, or --report FORMAT=FILE. -q prints problems only, -v "
    "lists all objects, -vv each request too."
)


def _output(formatter: Any, _: Any) -> None:
    formatter.write_text(_RESULTS)
    with formatter.section("Signs in text"):
        formatter.write_dl(_SIGNS)
    formatter.write_paragraph()
    formatter.write_text(
        "Colour repeats what the signs say. --color chooses it; else NO_COLOR, FORCE_COLOR and CLICOLOR_FORCE do, "
        "or a terminal. An error is two lines: `error:` says what happened, `hint:` what to do."
    )


TOPICS: Final[Mapping[str, Callable[[Any, Any], None]]] = {
    "connection": _connection,
    "environment": _environment,
    "exit-codes": _exit_codes,
    "output": _output,
}
"""The topics, each with the function that writes its page, given the context of the program."""
