"""The table of commands: it has every command, and docs/permissions.md is made from it."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import typer

from attune_infra.cli import COMMANDS, app
from attune_infra.cli._app import Group
from attune_infra.topology.permissions.commands import ASKING_NOTHING, TELLING_WHAT_LACKS, USAGES
from support.folders import ROOT

PAGE = ROOT / "docs/permissions.md"


def commands() -> Iterator[str]:
    """Yield the names of all commands, such as `worker list`, as the command line resolves them."""
    group: Any = typer.main.get_command(app)
    for name in COMMANDS:
        _, loaded, _ = group.resolve_command(typer.Context(group), [name])
        below = loaded.list_commands(typer.Context(loaded)) if isinstance(loaded, Group) else ()
        yield from (f"{name} {each}" for each in below)
        if not below:
            yield name


def test_every_command_is_in_the_table_or_asks_nothing() -> None:
    known = {usage.command.partition(" --")[0] for usage in USAGES} | {*ASKING_NOTHING, *TELLING_WHAT_LACKS}

    assert {re.sub("^sandbox .*", "sandbox", each) for each in commands()} == known


def test_the_page_is_what_the_table_says() -> None:
    """Mend it: .venv/bin/python .ci/permissions-page >docs/permissions.md."""
    script = [sys.executable, str(ROOT / ".ci/permissions-page")]

    printed = subprocess.run(script, cwd=ROOT, capture_output=True, text=True, check=True).stdout

    assert PAGE.read_text(encoding="utf-8") == printed
