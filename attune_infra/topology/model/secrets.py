"""Secrets by reference: a variable of the environment, a file or a command, and never the secret itself."""

from __future__ import annotations

from dataclasses import field, replace
from enum import StrEnum
from typing import Self

from attune_infra.dataclass import dataclass
from attune_infra.errors import InvalidInput
from attune_infra.masking import MASK


class SecretKind(StrEnum):
    """The kind of place that a secret is read from."""

    ENV = "env"
    FILE = "file"
    COMMAND = "command"


class Secret:
    """A secret text. Only `reveal` returns it; printing, formatting and `repr` show a mask."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        """Return the secret itself."""
        return self._text

    def __repr__(self) -> str:
        return MASK

    def __reduce__(self) -> str:
        raise TypeError("a secret is never written")


@dataclass(frozen=True, slots=True)
class SecretReference:
    """A place that a secret is read from: the name of a variable, of a file, or the words of a command.

    The `secret` is there only after the place was read, which is the business of the commands that need it. Two
    references are equal if they name the same place.
    """

    kind: SecretKind
    words: tuple[str, ...]
    secret: Secret | None = field(default=None, compare=False, repr=False)

    def with_secret(self, text: str) -> Self:
        """Return the reference with the secret that was read from its place."""
        return replace(self, secret=Secret(text))

    def reveal(self, whose: str) -> str:
        """Return the secret; raise `InvalidInput` if its place was not read. `whose` begins the sentence."""
        if self.secret is None:
            raise InvalidInput(
                f"{whose} was not read from {self}", hint="in a script, use Broker.plan(want), which reads it"
            )
        return self.secret.reveal()

    def __str__(self) -> str:
        """Return words for the place; those of a command are left out but for its program."""
        match self.kind:
            case SecretKind.ENV:
                return f"environment variable {self.words[0]}"
            case SecretKind.FILE:
                return f"file {self.words[0]}"
            case SecretKind.COMMAND:
                return f"the output of {self.words[0]}"
