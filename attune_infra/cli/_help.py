"""Help pages: as wide as the terminal, with each option explained in words. Loaded only to show one.

The options of the panel `Connection`, which most commands have, stand in full on one page: `help connection`.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Iterator
from typing import Any, Final

from attune_infra.errors import WrongUsage

CONNECTION_PANEL: Final = "Connection"
_MIN_WIDTH: Final = 60
_MAX_WIDTH: Final = 110
_WIDE: Final = 100
_NO_BREAK: Final = "\N{NON-BREAKING HYPHEN}"
"""A hyphen at which typer breaks no line, so that `--max-deletes` stays whole."""
_CONNECTION_LINE: Final = "Connection options{}: see `attune-infra help connection`"
_FACTS: Final = re.compile(r"^(?P<text>.*?)(?:^|  )\[(?P<facts>[^\[\]]+)\]$", re.DOTALL)
"""A help text as typer writes it, with the default and the limits of a value behind it."""
_REQUIRED: Final = "  [required]"
"""The mark of a required value; for an argument, the usage says so."""
_LIMITS: Final = re.compile(r"(?:(?P<first>[-.0-9]+)<=)?x(?:(?P<sign><=|>=)(?P<last>[-.0-9]+))?")


def write_page(ctx: Any, write: Callable[[Any], None]) -> str:
    """Return the page that a function writes; its lines fit the terminal, and break at spaces only."""
    ctx.terminal_width = max(_MIN_WIDTH, min(shutil.get_terminal_size().columns, _MAX_WIDTH))
    formatter = ctx.make_formatter()
    text, table = formatter.write_text, formatter.write_dl
    formatter.write_text = lambda given: text(given.replace("-", _NO_BREAK))
    formatter.write_dl = lambda rows, **given: table(
        [(name, about.replace("-", _NO_BREAK)) for name, about in rows], **given
    )
    write(formatter)
    return str(formatter.getvalue()).replace(_NO_BREAK, "-").rstrip("\n")


def context_of(root: Any, words: list[str]) -> Any:
    """Return the context in which a command would run; raise `WrongUsage` if there is none of that name."""
    context = root
    for number, word in enumerate(words):
        if not hasattr(context.command, "commands"):
            hint = f"`attune-infra help {' '.join(words[:number])}` is about it"
            raise WrongUsage(f"`{context.command_path}` has no commands, so none named '{word}'", hint=hint)
        name, command, _ = context.command.resolve_command(context, [word])
        context = type(context)(command, info_name=name, parent=context)
    return context


def contexts_below(context: Any) -> Iterator[Any]:
    """Yield the contexts of a command and of all below it."""
    yield context
    for name in getattr(context.command, "commands", ()):
        _, command, _ = context.command.resolve_command(context, [name])
        yield from contexts_below(type(context)(command, info_name=name, parent=context))


def write_parameters(ctx: Any, formatter: Any) -> None:
    """Write each parameter of a command into its section, in the order of declaration."""
    sections = explain_parameters(ctx)
    connection = sections.pop(CONNECTION_PANEL, None)
    for title, records in sections.items():
        with formatter.section(title):
            write_table(formatter, records)
    if connection:
        formatter.write(f"\n{_CONNECTION_LINE.format(_servers(connection))}\n")


def _servers(connection: list[tuple[str, str]]) -> str:
    """Return the servers that connection options are about, in words."""
    options = {name.partition(" ")[0] for name, _ in connection}
    match "--amqp-url" in options, "--database-url" in options:
        case True, True:
            return " of broker and registry"
        case True, False:
            return " of the broker"
        case False, True:
            return " of the registry"
        case _:
            return ""


def write_table(formatter: Any, records: list[tuple[str, str]]) -> None:
    """Write names and explanations in two columns; a wide page has a wide first column."""
    formatter.write_dl(records, col_max=34 if formatter.width >= _WIDE else 30)


def explain_parameters(ctx: Any) -> dict[str, list[tuple[str, str]]]:
    """Return the parameters of a command by section, each as it is typed and with its explanation in words."""
    sections: dict[str, list[tuple[str, str]]] = {}
    for parameter in ctx.command.get_params(ctx):
        if record := parameter.get_help_record(ctx):
            name, text = record
            is_argument = parameter.param_type_name == "argument"
            text = in_words(text.replace(_REQUIRED, "") if is_argument else text)
            sections.setdefault(_section(parameter), []).append((_name_in_words(name, text), text))
    return sections


def _section(parameter: Any) -> str:
    return parameter.rich_help_panel or f"{parameter.param_type_name}s".capitalize()


def _name_in_words(name: str, text: str) -> str:
    """Return an option with the name of its value; typer names a value by its type, as `<int range>`."""
    option, _, kind = name.removesuffix(">").partition(" <")
    match kind.removesuffix(" range"):
        case "":
            return name
        case "int" | "float":
            return f"{option} {'SECONDS' if text.startswith('Seconds') else 'NUMBER'}"
        case "str":
            return f"{option} {option.rpartition('-')[2].upper()}"
        case choices:
            return f"{option} {choices}"


def in_words(text: str) -> str:
    """Return the help text of an option with its default and limits in words: `(default: 10, at least 0.1)`."""
    if not (found := _FACTS.match(text)):
        return text
    words = [_fact_in_words(fact) for fact in found["facts"].split("; ")]
    before = found["text"]
    end = "." if before.endswith(".") else ""
    return f"{before.removesuffix('.')} ({', '.join(words)}){end}".lstrip()


def _fact_in_words(fact: str) -> str:
    if _LIMITS.fullmatch(fact):
        return limits_in_words(fact)
    return re.sub(r"\.0\b", "", fact)


def limits_in_words(text: str) -> str:
    """Return the limits of a number in words; typer writes them as `1<=x<=9` or `x>=1`."""
    found = _LIMITS.fullmatch(text)
    if found is None:
        return text
    if found["first"] is not None:
        return f"{found['first']} to {found['last']}"
    return f"at {'least' if found['sign'] == '>=' else 'most'} {found['last']}"
