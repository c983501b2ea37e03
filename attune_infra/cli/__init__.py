"""The command line: one file per command. This is the table of contents, and main().

Modules in here import no client library at the top: what a command does not use, it does not load.
"""

from __future__ import annotations

import os
import sys
from typing import Annotated, NoReturn

import typer

from attune_infra import __version__
from attune_infra.cli import diff, export, import_, metrics, registry, sandbox, setup, topology, verify, worker
from attune_infra.errors import AttuneError, ExitCode

_INTERRUPTED = 130
"""What a shell makes of SIGINT."""

app = typer.Typer(
    name="attune-infra",
    help="Make, check and repair the RabbitMQ topology of Attune.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command("setup")(setup.setup)
app.command("diff")(diff.diff)
app.command("verify")(verify.verify)
app.command("export")(export.export)
app.command("import")(import_.import_)
app.command("metrics")(metrics.metrics)
app.add_typer(topology.app, name="topology")
app.add_typer(worker.app, name="worker")
app.add_typer(registry.app, name="registry")
app.add_typer(sandbox.app, name="sandbox")


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
        case typer.TyperException():  # its sentence is empty where the help was printed, for want of a command
            sentence, code = error.format_message(), ExitCode.WRONG_USAGE
            hint = "`attune-infra --help`, or `--help` after a command, lists what there is" if sentence else None
        case _:
            sentence, hint, code = "interrupted", None, _INTERRUPTED
    complain(sentence, hint)
    return code
