"""Man pages of all commands, from the same texts as their help; building a wheel writes them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any, Final

from attune_infra import __version__
from attune_infra.cli._app import Group, path_of
from attune_infra.cli._examples import EXAMPLES
from attune_infra.cli._help import CONNECTION_PANEL, contexts_below, explain_parameters
from attune_infra.cli._help_topics import EXIT_CODES, connection_options, variables

PROGRAM: Final = "attune-infra"
_SPECIAL: Final = {"\\": r"\(rs", "-": r"\-", "'": r"\(aq", "`": r"\(ga", "^": r"\(ha", "~": r"\(ti"}
"""Characters that roff would take for a command or for another character."""
_COMMAND: Final = re.compile(r"`([^`]+)`")


def man_pages(root: Any) -> Iterator[tuple[str, str]]:
    """Yield the name and the text of each page, that of the program first."""
    for each in contexts_below(root.make_context(PROGRAM, ["help"], resilient_parsing=True)):
        yield f"{_page_name(each)}.1", "\n".join(_page(each)) + "\n"


def _page_name(context: Any) -> str:
    return "-".join([PROGRAM, *path_of(context).split()])


def _page(context: Any) -> Iterator[str]:
    name = _page_name(context)
    short, _, rest = (context.command.help or "").partition("\n")
    yield f'.TH "{_escape(name.upper())}" 1 "" "{_escape(f"{PROGRAM} {__version__}")}" "Attune"'
    yield from (".nh", ".ad l")  # no name is broken, and nothing is stretched
    purpose = short.partition(". ")[0].removesuffix(".")
    yield from (".SH NAME", f"{_escape(name)} \\- {_text(purpose)}")
    usage = _escape(" ".join(context.command.collect_usage_pieces(context)))
    yield from (".SH SYNOPSIS", f".B {_escape(context.command_path)}", usage)
    yield from (".SH DESCRIPTION", *_paragraphs(f"{short}\n{rest}"))
    yield from _options(context)
    yield from _commands(context)
    yield from _examples(EXAMPLES.get(path_of(context), ()))
    yield from _end(context)


def _options(context: Any) -> Iterator[str]:
    """Yield the arguments and options by section; those of the connection are on the page of the program."""
    sections = explain_parameters(context)
    connection = sections.pop(CONNECTION_PANEL, None)
    for title, records in sections.items():
        yield from (f".SH {_escape(title.upper())}", *_list(records))
    if connection:
        options = ", ".join(name.partition(" ")[0] for name, _ in connection)
        yield from (".SH CONNECTION", _text(f"The options {options} are explained in {PROGRAM}(1)."))


def _commands(context: Any) -> Iterator[str]:
    if isinstance(context.command, Group):
        commands = context.command.commands.items()
        yield from (".SH COMMANDS", *_list((name, each.get_short_help_str()) for name, each in commands))


def _examples(examples: Iterable[tuple[str, str]]) -> Iterator[str]:
    lines = [line for typed, about in examples for line in (f"# {about}", typed)]
    if lines:
        yield from (".SH EXAMPLES", ".nf", *(_text(line, bold=False) for line in lines), ".fi")


def _end(context: Any) -> Iterator[str]:
    """Yield the sections about all commands on the page of the program, and references to it on the others."""
    if context.parent is not None:
        yield from (".SH SEE ALSO", rf".BR {_escape(PROGRAM)} (1)")
        return
    for title, records in connection_options(context).items():
        yield from (f".SH {title.upper()} OPTIONS", *_list(records))
    yield from (".SH EXIT STATUS", *_list((str(int(code)), f"{about}.") for code, about in EXIT_CODES.items()))
    yield from (".SH ENVIRONMENT", *_list(variables()))
    pages = [_page_name(each) for each in contexts_below(context)][1:]
    yield from (".SH SEE ALSO", *(rf".BR {_escape(page)} (1)," for page in pages[:-1]))
    yield rf".BR {_escape(pages[-1])} (1)"


def _list(records: Iterable[tuple[str, str]]) -> Iterator[str]:
    for name, about in records:
        yield from (".TP", f".B {_escape(name)}", _text(about))


def _paragraphs(text: str) -> Iterator[str]:
    paragraphs = [" ".join(part.split()) for part in text.split("\n\n")]
    yield "\n.PP\n".join(_text(part) for part in paragraphs if part)


def _text(text: str, *, bold: bool = True) -> str:
    """Return a line of text as roff; what stands in backticks becomes bold."""
    if not bold:
        return _escape(text)
    parts = _COMMAND.split(text)
    return "".join(f"\\fB{_escape(part)}\\fR" if odd % 2 else _escape(part) for odd, part in enumerate(parts))


def _escape(text: str) -> str:
    """Return text as roff; a point at the beginning is no command."""
    escaped = "".join(_SPECIAL.get(each, each if each.isascii() else f"\\[u{ord(each):04X}]") for each in text)
    return f"\\&{escaped}" if escaped.startswith((".", "\\(aq")) else escaped
