"""The frame of commands: each stands in a file with an `app`, which is loaded when the command is called.

Help is plain text: quick to load, and easy to search.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from importlib import import_module
from keyword import iskeyword
from typing import Any, Final, TypeVar

import typer
from typer.core import TyperCommand, TyperGroup

from attune_infra.errors import ExitCode

ALLOW_DESTRUCTIVE: Final = "--allow-destructive"
_SELECTOR: Final = re.compile(r"(exchange|queue|binding|policy|\*):")
_Function = TypeVar("_Function", bound=Callable[..., Any])


class Command(TyperCommand):
    """A command whose help has a section for each panel of options."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Parse arguments, in which some options may stand without a value."""
        return super().parse_args(ctx, list(_with_values(args)))

    def get_short_help_str(self, limit: int = 0) -> str:  # noqa: ARG002 - as typer calls it
        """Return the first line of the help, however long; lists wrap it."""
        return (self.help or "").partition("\n")[0]

    def format_options(self, ctx: Any, formatter: Any) -> None:
        """Write each parameter into its section, in the order of declaration."""
        sections: dict[str, list[tuple[str, str]]] = {}
        for parameter in self.get_params(ctx):
            if record := parameter.get_help_record(ctx):
                sections.setdefault(_section(parameter), []).append(record)
        for title, records in sections.items():
            with formatter.section(title):
                formatter.write_dl(records)


def _with_values(args: Sequence[str]) -> Iterator[str]:
    """Give `--allow-destructive` the value `*` if no KIND:NAME follows, so that a file behind it stays one."""
    words = iter(args)
    for word in words:
        if word == "--":
            yield word
            yield from words
        elif word == ALLOW_DESTRUCTIVE:
            following = next(words, None)
            is_selector = following is not None and _SELECTOR.match(following)
            yield f"{word}={following if is_selector else '*'}"
            if following is not None and not is_selector:
                yield from _with_values([following, *words])
        else:
            yield word


def _section(parameter: Any) -> str:
    return parameter.rich_help_panel or f"{parameter.param_type_name}s".capitalize()


class Group(TyperGroup):
    """A group of commands. Called without a command, it lists them on standard error."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Print the help if no command is given, before anything else is checked."""
        if not args and not ctx.resilient_parsing:
            typer.echo(ctx.get_help(), err=True)
            raise typer.Exit(ExitCode.WRONG_USAGE)
        return super().parse_args(ctx, args)


class App(typer.Typer):
    """An application of one command, or of a group."""

    def __init__(self, **given: Any) -> None:
        plain = {"rich_markup_mode": None, "pretty_exceptions_enable": False, "add_completion": False}
        super().__init__(**{"cls": Group, **plain, **given})

    def command(self, name: str | None = None, **given: Any) -> Callable[[_Function], _Function]:
        """Add a `Command`."""
        return super().command(name, **{"cls": Command, **given})


def contents(package: str, commands: Mapping[str, str]) -> type[Group]:
    """Return a group that lists commands with their help, and loads only the one that is called.

    A command stands in the file of the package that has its name.
    """

    class Contents(Group):
        def __init__(self, **given: Any) -> None:
            stubs = [Command(name=name, help=about, rich_markup_mode=None) for name, about in commands.items()]
            super().__init__(**{**given, "commands": stubs})

        def resolve_command(self, ctx: Any, args: list[str]) -> Any:
            name, stub, rest = super().resolve_command(ctx, args)
            if name is None:
                return None, None, rest
            return name, _load(stub, package, name), rest

    return Contents


def _load(stub: Any, package: str, file: str) -> Any:
    """Return the command from its file; a file named like a keyword of Python has a `_` behind its name."""
    loaded = typer.main.get_command(import_module(f"{package}.{file}{'_' if iskeyword(file) else ''}").app)
    command = loaded.commands.get(stub.name, loaded) if isinstance(loaded, Group) else loaded
    command.help = command.help or stub.help
    return command
