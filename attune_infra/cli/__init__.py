"""The command line: one file per command. This is the table of contents, and main().

Modules in here import no client library at the top, so a command loads only the libraries it uses.
"""

from __future__ import annotations

import os
import sys
from types import TracebackType
from typing import Annotated, NoReturn

import typer

from attune_infra import __version__
from attune_infra.cli import _streams
from attune_infra.cli._app import App, contents
from attune_infra.errors import AttuneError, ExitCode, Interrupted
from attune_infra.masking import masked, remember_command_line

SHELL_VARIABLE = "_ATTUNE_INFRA_COMPLETE"
"""The environment variable by which the script of a shell asks for completion."""

COMMANDS = {
    "doctor": "Find what would fail later, with the fix, before the first change. Exit code 2 for a problem.",
    "setup": "Create missing objects and report drift. Nothing is deleted unless you allow it.",
    "diff": "Show the changes of `setup`, attribute by attribute. Exit code 2 on drift or if a queue is down.",
    "verify": "Check that the broker matches the topology. Exit code 2 on drift, 1 if a check was not possible.",
    "lint": "Find legal but unwise parts of a topology. Exit code 2 for a finding as severe as --fail-on.",
    "graph": "Draw a topology: exchanges, queues, bindings, dead letter paths, and findings of lint.",
    "trace": "Follow a message from an exchange to its queues, and on as a dead letter.",
    "queues": "List the queues of the virtual host once, each with a verdict. Exit code 2 if one is down.",
    "migrate": "Bring queues to what the document wants, or to another name, and lose no message.",
    "queue": "Look into single queues, and deal with their messages: peek, load, purge.",
    "dlq": "Look into dead letter queues, and send their messages back: list, show, replay.",
    "watch": "Show queues and workers live, on the whole terminal: findings, rates, details, a message's way.",
    "tap": "See live what passes an exchange, through a private queue that is gone when the command ends.",
    "export": "Write virtual hosts, or with --topology a document, in one of several forms. Names omissions.",
    "import": "Convert definitions, or resources of Kubernetes or Terraform, to a document. Names omissions.",
    "topology": "Check, print and describe topology documents, without a broker.",
    "worker": "Register workers, provision their queues, and check their health.",
    "metrics": "Print metrics of the broker and of all workers for Prometheus, or serve them with --listen.",
    "connections": "List the named connections of the configuration file, and say which of them answers.",
    "registry": "Create the table of workers in PostgreSQL.",
    "schemas": "List the JSON Schemas of all --output json, or print one of them.",
    "completion": "Print the completion of commands, options and values for a shell: bash, zsh or fish.",
    "help": "Show the help of a command, or of a topic: connection, environment, exit-codes, output.",
    "sandbox": "Run a private RabbitMQ and PostgreSQL on free local ports, for trials and tests.",
}
"""Every command with its help, in the order of use. Each has a file here."""

app = App(
    name="attune-infra",
    help="Make, check and repair the RabbitMQ topology of Attune.",
    cls=contents(__name__, COMMANDS),
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _print_version(*, asked: bool) -> None:
    if asked:
        typer.echo(f"attune-infra {__version__}")
        raise typer.Exit


@app.callback()
def _attune_infra(
    version: Annotated[
        bool,
        typer.Option(
            "--version", "-V", callback=_print_version, is_eager=True, help="Print the version and exit."
        ),
    ] = False,
) -> None:
    pass


def main() -> NoReturn:
    """Run the command line and exit with its exit code; answer a shell that completes a line."""
    _streams.open_closed()
    _streams.spare_errors()
    _keep_secrets()
    if shell := os.environ.get(SHELL_VARIABLE):
        _complete(shell)
    try:
        code = app(standalone_mode=False, prog_name=app.info.name) or ExitCode.DONE
        sys.stdout.flush()
        if code == ExitCode.INTERRUPTED:  # typer turns SIGINT into this code
            _tell_interruption()
    except (OSError, AttuneError, typer.TyperException, typer.Abort, KeyboardInterrupt) as error:
        code = _complain(error)
    sys.exit(code)


def _keep_secrets() -> None:
    """Mask what the command line gives away, also in the traceback of a bug."""
    remember_command_line(sys.argv[1:])
    sys.excepthook = _print_masked


def _print_masked(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """Print the traceback of a bug; a message in it may hold a URL."""
    from traceback import format_exception

    sys.stderr.write(masked("".join(format_exception(kind, error, trace))))


def _complete(shell: str) -> NoReturn:
    from attune_infra.cli._completion import answer

    typer.echo(answer(shell, typer.main.get_command(app), os.environ))
    sys.exit()


def _tell_interruption() -> None:
    """Print the interruption as JSON if that is the output; a person needs no sentence."""
    from attune_infra.cli._failure import print_json

    print_json(Interrupted("interrupted"), sys.argv[1:])


def _complain(error: BaseException) -> int:
    """Print the failure, also as JSON if that is the output, and return its exit code."""
    from attune_infra.cli._failure import failure_of, print_failure

    if isinstance(error, BrokenPipeError):
        _streams.drop_output()
        return ExitCode.FAILED
    failure = failure_of(error)
    print_failure(failure, sys.argv[1:])
    return failure.exit_code
