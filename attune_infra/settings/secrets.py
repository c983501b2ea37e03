"""Read secrets from where they are kept: the environment, a file, or a command that prints one.

No message holds a secret, nor the name of a file or the words of a command, since a secret may stand there by
mistake. Each secret that is read is masked in every message from then on.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Final

from attune_infra.errors import InvalidInput
from attune_infra.files import read_text
from attune_infra.masking import remember_password

_COMMAND_TIMEOUT: Final = 60.0
"""Seconds in which a command has to end; a person may have to unlock its store."""


def read_secret(kind: str, words: Sequence[str], whose: str, environment: Mapping[str, str] = os.environ) -> str:
    """Return the secret of an environment variable, of a file or of a command: `env`, `file` or `command`.

    It is the whole value of a variable, and the first line of a file or of an output. Raise `InvalidInput` if it
    is missing or empty; `whose` names it, as in `the password of user 'a'`.
    """
    match kind:
        case "env":
            found = _variable(words[0], whose, environment)
        case "file":
            found = line_of(at_home(words[0]), whose)
        case _:
            found = output_of(tuple(words), f"the command of {whose}")
    remember_password(found)
    try:
        found.encode()
    except UnicodeEncodeError:
        raise InvalidInput(f"{whose} is not UTF-8 text", hint="give a secret of text") from None
    return found


def _variable(name: str, whose: str, environment: Mapping[str, str]) -> str:
    if found := environment.get(name):
        return found
    what = "is empty" if name in environment else "is not set"
    raise InvalidInput(f"{whose}: environment variable {name} {what}", hint=f"set {name}, and try again")


def at_home(name: str) -> Path:
    """Return a path with `~` and `~USER` replaced; it stays as it is if there is no such user."""
    with suppress(RuntimeError):
        return Path(name).expanduser()
    return Path(name)


def line_of(path: Path, origin: str) -> str:
    """Return the first line of a file; raise `InvalidInput` if there is none."""
    hint = "give a file that holds the value in its first line, and that this user may read"
    try:
        text = read_text(path)
    except OSError as error:
        raise InvalidInput(f"the file of {origin} cannot be read: {error.strerror}", hint=hint) from error
    except ValueError as error:
        reason = "it is not UTF-8 text" if isinstance(error, UnicodeDecodeError) else "no file has such a name"
        raise InvalidInput(f"the file of {origin} cannot be read: {reason}", hint=hint) from error
    if not (line := _first_line(text)):
        raise InvalidInput(f"the file of {origin} has an empty first line", hint=hint)
    return line


@cache
def output_of(command: str | tuple[str, ...], origin: str) -> str:
    """Return the first line that a command prints; its errors go to the terminal, for it may ask there.

    It runs once, without a shell; a text is split into words as a shell would. Raise `InvalidInput` if it fails.
    """
    import subprocess
    from shlex import split

    hint = "run it by hand: it must print the value in its first line, and exit with 0; it runs without a shell"
    try:
        words = split(command) if isinstance(command, str) else command
        done = subprocess.run(words, stdout=subprocess.PIPE, timeout=_COMMAND_TIMEOUT, check=False)
    except (OSError, ValueError, IndexError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise InvalidInput(f"{origin} cannot be run: {reason}", hint=hint) from error
    except subprocess.TimeoutExpired as error:
        raise InvalidInput(f"{origin} did not end within {_COMMAND_TIMEOUT:.0f} seconds", hint=hint) from error
    if done.returncode:
        raise InvalidInput(f"{origin} ended with exit code {done.returncode}", hint=hint)
    if not (first := _first_line(os.fsdecode(done.stdout))):
        raise InvalidInput(f"{origin} printed no first line", hint=hint)
    return first


def _first_line(text: str) -> str:
    return text.partition("\n")[0].removesuffix("\r")
