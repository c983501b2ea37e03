"""Sentences about wrong usage: the error of the command line parser becomes one of ours, with a likely name."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any, Final

import typer

from attune_infra.errors import WrongUsage
from attune_infra.topology.words import either, guess

_NOT: Final = re.compile(r"'(.*)' is not (?:one of|a valid) .*\.", re.DOTALL)
_OUTSIDE: Final = re.compile(r"(.+) is not in the range (.+)\.")
_SENTENCES: Final = (
    (re.compile(r"Got unexpected extra argument\(s\) \((.*)\)", re.DOTALL), "there is an argument too many: {}"),
    (re.compile(r"Option '(.*)' does not take a value\."), "{} takes no value"),
    (re.compile(r"Option '(.*)' requires an argument\."), "{} needs a value"),
)


def unknown_command(name: str, known: Iterable[str], path: str) -> WrongUsage:
    """Return the error for a command that a group does not have; `path` calls the group."""
    return WrongUsage(f"there is no command '{name}'{guess(name, known)}", hint=f"`{path} --help` lists them")


def as_wrong_usage(error: typer.TyperException) -> WrongUsage:
    """Return an error of the command line parser in the words of this program."""
    ctx = getattr(error, "ctx", None)
    sentence = _sentence(error, ctx, error.format_message())
    if ctx is None:
        return WrongUsage(sentence, hint="`attune-infra COMMAND --help` lists the options of a command")
    kind = "commands" if hasattr(ctx.command, "commands") else "arguments and options"
    return WrongUsage(sentence, hint=f"`{ctx.command_path} --help` lists its {kind}")


def _sentence(error: Any, ctx: Any, message: str) -> str:
    from attune_infra.cli._checks import parameter_names

    if hasattr(error, "possibilities"):
        return _unknown_option(error.option_name, ctx)
    for pattern, sentence in _SENTENCES:
        if found := pattern.fullmatch(message):
            return sentence.format(found[1])
    if (parameter := getattr(error, "param", None)) is None:
        return message.removesuffix(".")
    name = either(parameter_names(parameter))
    if message.startswith("Missing "):
        return f"{name} is missing"
    return f"{name}{_about_value(parameter.type, error.message)}"


def _unknown_option(name: str, ctx: Any) -> str:
    options = [option for each in ctx.command.get_params(ctx) for option in each.opts if option.startswith("--")]
    likely = guess(name.lstrip("-"), [option.lstrip("-") for option in options]).replace("'", "'--", 1)
    return f"there is no option '{name}'{likely}"


def _about_value(kind: Any, message: str) -> str:
    """Return a sentence about a wrong value, to stand behind the name of its option."""
    from attune_infra.cli._help import limits_in_words

    if found := _OUTSIDE.fullmatch(message):
        return f" takes a number, {limits_in_words(found[2])}; {found[1]} is not"
    if not (found := _NOT.fullmatch(message)):
        return f": {message.removesuffix('.')}"
    if choices := getattr(kind, "choices", None):
        names = tuple(str(getattr(choice, "value", choice)) for choice in choices)
        return f" takes {either(names)}, not '{found[1]}'{guess(found[1], names, likeness=0.5)}"
    number = "an integer" if kind.name.startswith("int") else "a number"
    return f" takes {number}, not '{found[1]}'"
