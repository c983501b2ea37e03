"""attune-infra sandbox up, down, status, env, run."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from attune_infra.cli._app import App
from attune_infra.cli._display import Display
from attune_infra.cli._output import finish, tell
from attune_infra.cli._shared import displayed

app = App()

DEFAULT_NAME = "default"

_Name = Annotated[str, typer.Option("--name", help="Name of the sandbox; several can run side by side.")]
_OneName = Annotated[
    str | None, typer.Option("--name", help="Name of the sandbox; default: any.", show_default=False)
]
_Root = Annotated[
    Path | None,
    typer.Option("--rabbitmq-root", metavar="DIR", help="Root file system to take RabbitMQ from."),
]
_Nodes = Annotated[
    int | None,
    typer.Option(
        "--nodes",
        metavar="N",
        min=1,
        max=5,
        help="Nodes of RabbitMQ, in one cluster; default: 1. The URLs name all of them.",
        show_default=False,
    ),
]
_NoPostgres = Annotated[bool, typer.Option("--no-postgres", help="Do not start PostgreSQL.")]
_Command = Annotated[list[str], typer.Argument(metavar="-- COMMAND", help="Command to run, and its arguments.")]


@app.command()
@displayed
def up(
    display: Display,
    *,
    name: _Name = DEFAULT_NAME,
    nodes: _Nodes = None,
    rabbitmq_root: _Root = None,
    no_postgres: _NoPostgres = False,
) -> None:
    """Start a sandbox, or find the running one of that name. It runs until `sandbox down`."""
    from attune_infra import sandbox
    from attune_infra.render.pages import sandbox as page

    started = sandbox.up(name, postgres=not no_postgres, nodes=nodes, rabbitmq_root=rabbitmq_root, say=tell)
    finish("sandbox-up", page, sandbox.Sandboxes((started,)), display)


@app.command()
@displayed
def down(display: Display, *, name: _Name = DEFAULT_NAME) -> None:
    """Stop a sandbox and remove its data."""
    from attune_infra import sandbox
    from attune_infra.render.pages import sandbox as page

    sandbox.down(name, say=tell)
    finish("sandbox-down", page, sandbox.Sandboxes(), display)


@app.command()
@displayed
def status(display: Display, *, name: _OneName = None) -> None:
    """Show all sandboxes, or one. Exit code 1 if there is none, or if a part of one is not running."""
    from attune_infra import sandbox
    from attune_infra.render.pages import sandbox as page

    found = (each for each in sandbox.running() if name in (None, each.name))
    finish("sandbox-status", page, sandbox.Sandboxes(tuple(found), must_run=True), display)


@app.command()
@displayed
def env(display: Display, *, name: _Name = DEFAULT_NAME) -> None:
    """Print the environment variables of a sandbox: eval "$(attune-infra sandbox env)"."""
    from attune_infra import sandbox
    from attune_infra.errors import SandboxError
    from attune_infra.render.pages import sandbox_env as page
    from attune_infra.topology.words import guess

    found = sandbox.find(name)
    if found is None:
        likely = guess(name, [each.name for each in sandbox.running()])
        hint = f"start it: attune-infra sandbox up --name {name}"
        raise SandboxError(f"no sandbox '{name}' is running{likely}", hint=hint)
    finish("sandbox-env", page, sandbox.Variables(found.environment()), display)


@app.command()
def run(
    command: _Command,
    *,
    name: _OneName = None,
    nodes: _Nodes = None,
    rabbitmq_root: _Root = None,
    no_postgres: _NoPostgres = False,
) -> None:
    """Run a command in a temporary sandbox, and exit with the command's exit code."""
    from attune_infra import sandbox
    from attune_infra.sandbox.command import run_inside

    with sandbox.bound(
        name, postgres=not no_postgres, nodes=nodes or 1, rabbitmq_root=rabbitmq_root, say=tell
    ) as started:
        code = run_inside(started, command)
    raise typer.Exit(code)
