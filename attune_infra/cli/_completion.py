"""The answer to a shell that completes a line: words that can follow, read by the scripts of `completion`.

An answer is quick and silent: nothing that goes wrong is shown, and no server is waited for longer than a moment.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from typing import Any, Final

from attune_infra.cli._app import Group
from attune_infra.cli._completion_scripts import BREAKS_VARIABLE, LINE_VARIABLE
from attune_infra.cli._completion_values import Words, values_of
from attune_infra.dataclass import dataclass
from attune_infra.topology.words import is_hidden

MAX_WORDS: Final = 1000
_PLAIN: Final = re.compile(r"[\w@%+=:,./^*-]")


@dataclass(frozen=True, slots=True)
class Typed:
    """A line up to the cursor: its whole words after the program, and the one to be completed."""

    words: tuple[str, ...]
    word: str
    quote: str = ""
    """The quotation mark that is still open in the word."""


def answer(shell: str, root: Any, environment: Mapping[str, str]) -> str:
    """Return the text for a shell; empty lines if nothing is known."""
    typed = split(environment.get(LINE_VARIABLE, ""))
    with suppress(Exception):  # a person is typing; an error is shown when the command runs
        found = complete(root, typed)
        more = " ".join(sorted(found.more))
        words = [each for each in found.words if not any(map(is_hidden, each[0]))][:MAX_WORDS]
        if shell == "bash":
            breaks = environment.get(BREAKS_VARIABLE, "")
            return "\n".join((more, *for_bash((word for word, _ in words), typed, breaks)))
        return "\n".join((more, *(f"{word}\t{about}" for word, about in words)))
    return ""


def split(line: str) -> Typed:
    """Split a line as a shell does; an open quotation mark, or a last backslash, is no fault."""
    whole = line.removesuffix("\\") if line.endswith("\\") and not line.endswith("\\\\") else line
    for quote in ("", "'", '"'):
        with suppress(ValueError):
            _, *words = shlex.split(whole + quote) or [""]
            break
    is_open = quote or line[-1:].strip() or line.endswith("\\ ")
    word = words.pop() if is_open and words else ""
    return Typed(tuple(words), word, quote)


def for_bash(words: Iterable[str], typed: Typed, breaks: str) -> Iterator[str]:
    """Yield words as bash wants them: quoted, and without what it takes for a word of its own before them."""
    begin = 0 if typed.quote else max((typed.word.rfind(each) + 1 for each in breaks), default=0)
    for word in words:
        if not typed.quote:
            yield "".join(each if _PLAIN.match(each) else f"\\{each}" for each in word[begin:])
        elif typed.quote not in word:
            yield word


def complete(root: Any, typed: Typed) -> Words:
    """Return the words that can stand at the cursor."""
    context, rest = _descend(root, list(typed.words))
    if context is None:
        return Words()
    word, is_option = typed.word, typed.word.startswith("-") and "--" not in rest
    if isinstance(context.command, Group) and not is_option:
        commands = ((name, each.get_short_help_str()) for name, each in context.command.commands.items())
        return _beginning(commands, word)
    before = None if "--" in rest else _option(context, rest[-1:])
    if before is None and is_option:
        return _complete_option(context, word)
    parameter = before or _argument(context)
    return _values(parameter, context, word)


def _complete_option(context: Any, word: str) -> Words:
    """Return the options that begin so, or the values of `--option=`."""
    name, equals, value = word.partition("=")
    if not equals:
        return _beginning(_options(context), word)
    found = _values(_option(context, [name]), context, value)
    return Words(tuple((f"{name}={each}", about) for each, about in found.words), found.more)


def _values(parameter: Any, context: Any, word: str) -> Words:
    if parameter is None:
        return Words()
    found = values_of(parameter, context, word)
    return _beginning(found.words, word, found.more)


def _beginning(words: Iterable[tuple[str, str]], word: str, more: frozenset[str] = frozenset()) -> Words:
    return Words(tuple(each for each in words if each[0].startswith(word)), more)


def _descend(root: Any, words: list[str]) -> tuple[Any, list[str]]:
    """Return the context of the last command that is named, and the words behind its name; None for no command."""
    context = root.make_context("attune-infra", ["help"], resilient_parsing=True)
    while words and isinstance(context.command, Group):
        word = words.pop(0)
        if word.startswith("-"):
            continue
        name, command, _ = context.command.resolve_command(context, [word])
        if command is None:
            return None, []
        if isinstance(command, Group):
            context = type(context)(command, info_name=name, parent=context, resilient_parsing=True)
        else:
            context = command.make_context(name, [*words], parent=context, resilient_parsing=True)
    return context, words


def _option(context: Any, names: list[str]) -> Any:
    """Return the option that a word names, if it takes a value."""
    for parameter in context.command.params:
        if names and names[0] in parameter.opts and not getattr(parameter, "is_flag", True):
            return parameter
    return None


def _options(context: Any) -> Iterator[tuple[str, str]]:
    """Yield the options of a command, without those that were given and cannot be repeated."""
    for parameter in context.command.get_params(context):
        source = context.get_parameter_source(parameter.name)
        is_given = source is not None and source.name == "COMMANDLINE" and not parameter.multiple
        if parameter.param_type_name == "option" and not is_given:
            about = (parameter.help or "").partition(" (environment:")[0]
            yield from ((name, about) for name in parameter.opts)


def _argument(context: Any) -> Any:
    """Return the argument that a word at the cursor would be."""
    for parameter in context.command.params:
        if parameter.param_type_name == "argument":
            source = context.get_parameter_source(parameter.name)
            if parameter.nargs == -1 or source is None or source.name != "COMMANDLINE":
                return parameter
    return None
