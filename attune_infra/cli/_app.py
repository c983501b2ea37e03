"""The frame of commands: each stands in a file with an `app`, which is loaded when the command is called.

Help is plain text: easy to search, and quick to load, which is done only to show it.
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


def path_of(ctx: Any) -> str:
    """Return the words that call a command, without the program: `worker provision`."""
    names: list[str] = []
    while ctx.parent is not None:
        names.insert(0, ctx.info_name)
        ctx = ctx.parent
    return " ".join(names)


class Page:
    """The help page of a command or of a group, as a second parent of their classes."""

    def get_help(self, ctx: Any) -> str:
        """Return the page; its lines fit the terminal, or COLUMNS."""
        from attune_infra.cli._help import write_page

        return write_page(ctx, lambda formatter: ctx.command.format_help(ctx, formatter))

    def collect_usage_pieces(self, ctx: Any) -> list[str]:
        """Return the words of the usage line; a required argument stands without brackets."""
        pieces: list[str] = super().collect_usage_pieces(ctx)  # type: ignore[misc] # the other parent has it
        return [piece.strip("{}") for piece in pieces]

    def format_epilog(self, ctx: Any, formatter: Any) -> None:
        """Write the examples of the command."""
        from attune_infra.cli._examples import EXAMPLES

        if examples := EXAMPLES.get(path_of(ctx)):
            with formatter.section("Examples"):
                for line, purpose in examples:
                    formatter.write(f"  # {purpose}\n  {line}\n")


class Command(Page, TyperCommand):
    """A command whose help has a section for each panel of options."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Parse arguments, in which some options may stand without a value, and check what was typed."""
        words = list(_with_values(args))
        rest = super().parse_args(ctx, [*words])
        if words and not ctx.resilient_parsing:
            from attune_infra.cli._checks import check_typed

            typed, *_ = self.make_parser(ctx).parse_args([*words])
            check_typed(path_of(ctx), self, typed)
        return rest

    def get_short_help_str(self, limit: int = 0) -> str:  # noqa: ARG002 - as typer calls it
        """Return the first line of the help, however long; lists wrap it."""
        return (self.help or "").partition("\n")[0]

    def format_options(self, ctx: Any, formatter: Any) -> None:
        """Write each parameter into its section."""
        from attune_infra.cli._help import write_parameters

        write_parameters(ctx, formatter)


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


class Group(Page, TyperGroup):
    """A group of commands. Called without a command, it lists them on standard error."""

    def format_options(self, ctx: Any, formatter: Any) -> None:
        """Write the options, then the commands."""
        from attune_infra.cli._help import write_parameters

        write_parameters(ctx, formatter)
        self.format_commands(ctx, formatter)

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Print the help if no command is given, before anything else is checked."""
        if not args and not ctx.resilient_parsing:
            typer.echo(ctx.get_help(), err=True)
            raise typer.Exit(ExitCode.WRONG_USAGE)
        return super().parse_args(ctx, args)

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Return the command of the first word, and the words after it; raise `WrongUsage` if there is none."""
        name = args[0]
        if name not in self.commands and not name.startswith("-") and not ctx.resilient_parsing:
            from attune_infra.cli._usage import unknown_command

            raise unknown_command(name, self.commands, ctx.command_path)
        return super().resolve_command(ctx, args)


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
