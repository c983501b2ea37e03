"""The command line: one file per command. This is the table of contents, and main().

Modules in here import no client library at the top, so a command loads only the libraries it uses.
"""

from __future__ import annotations

import os
import sys
from typing import Annotated, NoReturn

import typer

from attune_infra import __version__
from attune_infra.cli._app import App, contents
from attune_infra.errors import AttuneError, ExitCode

_INTERRUPTED = 130
"""Exit code of a process that SIGINT ended, as shells report it."""

COMMANDS = {
    "doctor": "Find what would fail later, with the fix, before the first change. Exit code 2 for a problem.",
    "setup": "Create missing objects and report drift. Nothing is deleted unless you allow it.",
    "diff": "Show the changes of `setup`, attribute by attribute. Exit code 2 on drift or if a queue is down.",
    "verify": "Check that the broker matches the topology. Exit code 2 on drift, 1 if a check was not possible.",
    "lint": "Find legal but unwise parts of a topology. Exit code 2 for a finding as severe as --fail-on.",
    "graph": "Draw a topology: exchanges, queues, bindings, dead letter paths, and findings of lint.",
    "trace": "Follow a message from an exchange to its queues, and on as a dead letter.",
    "export": "Write the virtual host as a document. Objects left out are named on standard error.",
    "import": "Convert RabbitMQ definitions to a topology document. Objects left out are named on standard error.",
    "topology": "Check, print and describe topology documents, without a broker.",
    "worker": "Register workers, provision their queues, and check their health.",
    "metrics": "Print the state of all workers as Prometheus metrics, or serve it with --listen.",
    "connections": "List the named connections of the configuration file, and say which of them answers.",
    "registry": "Create the table of workers in PostgreSQL.",
    "sandbox": "Run a private RabbitMQ and PostgreSQL on free local ports, for trials and tests.",
}
"""Every command with its help, in the order of use. Each has a file here."""

app = App(
    name="attune-infra",
    help="Make, check and repair the RabbitMQ topology of Attune.",
    cls=contents(__name__, COMMANDS),
    add_completion=True,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _print_version(*, asked: bool) -> None:
    if asked:
        typer.echo(f"attune-infra {__version__}")
        raise typer.Exit


@app.callback()
def _attune_infra(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    pass


def main() -> NoReturn:
    """Run the command line and exit with its exit code."""
    try:
        code = app(standalone_mode=False) or ExitCode.DONE
        sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = ExitCode.FAILED
    except (AttuneError, typer.TyperException, typer.Abort, KeyboardInterrupt) as error:
        code = _complain(error)
    sys.exit(code)


def _complain(error: BaseException) -> int:
    """Print the failure and return its exit code."""
    from attune_infra.cli._output import complain

    match error:
        case AttuneError():
            sentence, hint, code = error.sentence, error.hint, int(error.exit_code)
        case typer.TyperException():
            sentence, code = error.format_message(), ExitCode.WRONG_USAGE
            hint = "`attune-infra --help` lists the commands, `attune-infra COMMAND --help` their options"
        case _:
            sentence, hint, code = "interrupted", None, _INTERRUPTED
    complain(sentence, hint)
    return code
