"""The failure of a command: a sentence on standard error, and JSON on standard output if it is asked for.

The command line is searched for `--output json`, because it may be the very thing that is wrong.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

import typer

from attune_infra.cli._deadline import with_changes
from attune_infra.cli._output import complain, print_text
from attune_infra.cli._streams import drop_output, not_written
from attune_infra.cli._usage import as_wrong_usage
from attune_infra.errors import AttuneError, Interrupted

_OUTPUT: Final = re.compile(r"(--output|-[A-Za-z]*?o)(=?)(.*)", re.DOTALL)
"""The option, alone or with its value behind it; other short flags may stand before the `o`."""
_WRITING_LINES: Final = frozenset({"tap"})
"""Commands whose JSON is one object a line."""


def failure_of(error: BaseException) -> AttuneError:
    """Return what has ended a command as a failure with a sentence; raise it if nobody could foresee it."""
    match error:
        case AttuneError():
            return error
        case typer.TyperException():
            return as_wrong_usage(error)
        case OSError():
            return with_changes(not_written(error))
        case _:
            return Interrupted("interrupted")


def print_failure(error: AttuneError, words: Sequence[str]) -> None:
    """Print a failure for people, and as JSON if the command line asks for it; `words` are its words."""
    complain(error.text, error.hint)
    print_json(error, words)


def print_json(error: AttuneError, words: Sequence[str]) -> None:
    """Print a failure as JSON if the command line asks for it; nothing if standard output is closed or full."""
    if not wants_json(words):
        return
    from attune_infra.cli._target import Meeting
    from attune_infra.render.data import json_document
    from attune_infra.render.reports.failure import failure_data

    is_line = bool(words) and words[0] in _WRITING_LINES
    try:
        print_text(json_document("error", failure_data(error), error.exit_code, Meeting.latest, is_line=is_line))
    except OSError:
        drop_output()


def wants_json(words: Sequence[str]) -> bool:
    """Return whether a command line asks for JSON; the last format counts, and words behind `--` do not."""
    own = list(words[: words.index("--")] if "--" in words else words)
    chosen = ""
    for word, following in zip(own, [*own[1:], ""], strict=True):
        if found := _OUTPUT.fullmatch(word):
            name, sign, rest = found.groups()
            if not sign and not rest:
                chosen = following
            elif sign or name != "--output":
                chosen = rest
    return chosen == "json"
