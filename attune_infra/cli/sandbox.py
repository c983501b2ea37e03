"""attune-infra sandbox up, down, status, env, run."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from attune_infra.cli._app import App
from attune_infra.cli._options import OutputOption
from attune_infra.cli._output import Output, finish, tell

app = App()

_Name = Annotated[str, typer.Option("--name", help="Name of the sandbox; several can run side by side.")]
_Root = Annotated[
    Path | None,
    typer.Option("--rabbitmq-root", metavar="DIR", help="Root file system to take RabbitMQ from."),
]
_NoPostgres = Annotated[bool, typer.Option("--no-postgres", help="Do not start PostgreSQL.")]
_Command = Annotated[list[str], typer.Argument(metavar="-- COMMAND", help="Command to run, and its arguments.")]


@app.command()
def up(
    name: _Name = "default",
    rabbitmq_root: _Root = None,
    no_postgres: _NoPostgres = False,
    output: OutputOption = Output.TEXT,
) -> None:
    """Start a sandbox, or find the running one of that name. It runs until `sandbox down`."""
    from attune_infra import sandbox
    from attune_infra.render.pages import sandbox as page

    started = sandbox.up(name, postgres=not no_postgres, rabbitmq_root=rabbitmq_root, say=tell)
    finish("sandbox-up", page, sandbox.Sandboxes((started,)), output)


@app.command()
def down(name: _Name = "default", output: OutputOption = Output.TEXT) -> None:
    """Stop a sandbox and remove its data."""
    from attune_infra import sandbox
    from attune_infra.render.pages import sandbox as page

    sandbox.down(name, say=tell)
    finish("sandbox-down", page, sandbox.Sandboxes(), output)


@app.command()
def status(output: OutputOption = Output.TEXT) -> None:
    """Show the sandboxes. Exit code 1 if there is none, or if a part of one is not running."""
    from attune_infra import sandbox
    from attune_infra.render.pages import sandbox as page

    finish("sandbox-status", page, sandbox.Sandboxes(tuple(sandbox.running()), must_run=True), output)


@app.command()
def env(name: _Name = "default", output: OutputOption = Output.TEXT) -> None:
    """Print the environment variables of a sandbox: eval "$(attune-infra sandbox env)"."""
    from attune_infra import sandbox
    from attune_infra.errors import SandboxError
    from attune_infra.render.pages import sandbox_env as page

    found = sandbox.find(name)
    if found is None:
        hint = f"start it: attune-infra sandbox up --name {name}"
        raise SandboxError(f"no sandbox '{name}' is running", hint=hint)
    finish("sandbox-env", page, sandbox.Variables(found.environment()), output)


@app.command()
def run(command: _Command, rabbitmq_root: _Root = None, no_postgres: _NoPostgres = False) -> None:
    """Run a command in a temporary sandbox, and exit with the command's exit code."""
    from attune_infra import sandbox
    from attune_infra.sandbox.command import run_inside

    with sandbox.bound(postgres=not no_postgres, rabbitmq_root=rabbitmq_root, say=tell) as started:
        code = run_inside(started, command)
    raise typer.Exit(code)
