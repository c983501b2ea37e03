"""attune-infra sandbox up, down, status, env, run."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from attune_infra.cli._app import App
from attune_infra.cli._options import OutputOption
from attune_infra.cli._output import Output, show, tell
from attune_infra.interfaces import SandboxStates, SandboxVariables

if TYPE_CHECKING:
    from attune_infra.sandbox import Sandbox

app = App()

_Name = Annotated[str, typer.Option("--name", help="Several can run side by side, each under a name.")]
_Root = Annotated[
    Path | None,
    typer.Option("--rabbitmq-root", metavar="DIR", help="Take RabbitMQ from another root file system."),
]
_NoPostgres = Annotated[bool, typer.Option("--no-postgres", help="Start no PostgreSQL.")]
_Command = Annotated[list[str], typer.Argument(metavar="-- COMMAND", help="The command and its arguments.")]


@app.command()
def up(
    name: _Name = "default",
    rabbitmq_root: _Root = None,
    no_postgres: _NoPostgres = False,
    output: OutputOption = Output.TEXT,
) -> None:
    """Start a sandbox, or find the one that runs already; it lives until `down`."""
    from attune_infra import sandbox

    started = sandbox.up(name, postgres=not no_postgres, rabbitmq_root=rabbitmq_root, say=tell)
    show("sandbox-up", _states(started), 0, output)


@app.command()
def down(name: _Name = "default", output: OutputOption = Output.TEXT) -> None:
    """Stop a sandbox and remove its data."""
    from attune_infra import sandbox

    sandbox.down(name, say=tell)
    show("sandbox-down", _states(), 0, output)


@app.command()
def status(output: OutputOption = Output.TEXT) -> None:
    """Show what runs. Exit code 1 if something of it does not, or if nothing does."""
    from attune_infra import sandbox

    found = sandbox.running()
    well = bool(found) and all(one.status is sandbox.Status.RUNNING for one in found)
    show("sandbox-status", _states(*found), int(not well), output)
    raise typer.Exit(int(not well))


@app.command()
def env(name: _Name = "default", output: OutputOption = Output.TEXT) -> None:
    """Print a sandbox's addresses for a shell: eval "$(attune-infra sandbox env)"."""
    from attune_infra import sandbox
    from attune_infra.errors import SandboxError

    found = sandbox.find(name)
    if found is None:
        raise SandboxError(
            f"no sandbox '{name}' is running", hint=f"start it: attune-infra sandbox up --name {name}"
        )
    show("sandbox-env", SandboxVariables(found.environment()), 0, output)


@app.command()
def run(command: _Command, rabbitmq_root: _Root = None, no_postgres: _NoPostgres = False) -> None:
    """Run a command in a sandbox of its own, and leave with the command's exit code."""
    from attune_infra import sandbox
    from attune_infra.sandbox.command import run_inside

    with sandbox.bound(postgres=not no_postgres, rabbitmq_root=rabbitmq_root, say=tell) as started:
        code = run_inside(started, command)
    raise typer.Exit(code)


def _states(*sandboxes: Sandbox) -> SandboxStates:
    return SandboxStates(tuple(one.describe() for one in sandboxes))
