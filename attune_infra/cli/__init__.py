"""The command line: one file per command. This is the table of contents, and main().

Modules in here import no client library at the top: what a command does not use, it does not load.
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
"""What a shell makes of SIGINT."""

COMMANDS = {
    "setup": "Make the topology: what is missing is made, what differs is named, what is deleted must be allowed.",
    "diff": "Show what `setup` would do, attribute by attribute. Exit code 2 on drift, or a queue that is down.",
    "verify": "Check that all is as wanted. Exit code 2 if it is not, 1 if that could not be found out.",
    "lint": "Find what is legal in a topology and unwise. Exit code 2 if anything is as bad as --fail-on.",
    "graph": "Draw a topology: exchanges, queues, bindings, the ways of dead letters, and what lint found.",
    "trace": "Follow a message from an exchange to its queues, and on as a dead letter, to where it ends.",
    "export": "Write down what the virtual host holds; what cannot be written down is named on standard error.",
    "import": "Turn RabbitMQ's definitions JSON into a topology document; what has no place in it is named.",
    "topology": "Check, show and describe topology documents; nothing here needs a broker.",
    "worker": "Register workers, give each its queue, and see how they are.",
    "metrics": "Print the state of all workers as Prometheus text, for a textfile collector, or serve it.",
    "registry": "Make the table of workers in PostgreSQL.",
    "sandbox": "Run a private RabbitMQ and PostgreSQL on free local ports, for trying things out and for tests.",
}
"""Every command by name, in the order of their use; each has its file here."""

app = App(
    name="attune-infra",
    help="Make, check and repair the RabbitMQ topology of Attune.",
    cls=contents(__name__, COMMANDS),
    add_completion=True,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(*, asked: bool) -> None:
    if asked:
        typer.echo(f"attune-infra {__version__}")
        raise typer.Exit


@app.callback()
def _attune_infra(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and leave.")
    ] = False,
) -> None:
    pass


def main() -> NoReturn:
    """Run the command line and leave with its exit code."""
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
    """Print what went wrong and return the exit code that says so."""
    from attune_infra.cli._output import complain

    match error:
        case AttuneError():
            sentence, hint, code = error.sentence, error.hint, int(error.exit_code)
        case typer.TyperException():
            sentence, code = error.format_message(), ExitCode.WRONG_USAGE
            hint = "`attune-infra --help`, or `--help` after a command, lists what there is"
        case _:
            sentence, hint, code = "interrupted", None, _INTERRUPTED
    complain(sentence, hint)
    return code
