"""The options of `worker run` that say what becomes of a message, and whether they go together."""

from __future__ import annotations

import math
import shlex
import shutil
from enum import StrEnum
from typing import TYPE_CHECKING, Final, Self

from attune_infra.dataclass import dataclass
from attune_infra.errors import WrongUsage

if TYPE_CHECKING:
    from attune_infra.worker.attempts import Rules
    from attune_infra.worker.handler import Handler

_PREFETCH: Final = 10


class OnTimeout(StrEnum):
    """The fate of a message whose command took too long."""

    REJECT = "reject"
    REQUEUE = "requeue"


@dataclass(frozen=True, slots=True)
class Handling:
    """The command, its longest time in seconds, the messages to hold, and the treatment of those not finished."""

    words: tuple[str, ...] | None
    timeout: float | None
    prefetch: int
    rules: Rules

    @classmethod
    def of(
        cls,
        command: str | None,
        timeout: float | None,
        on_timeout: OnTimeout | None,
        max_attempts: int | None,
        prefetch: int | None,
    ) -> Self:
        """Return what the options say; raise `WrongUsage` for one that would be ignored, or go on for ever."""
        from attune_infra.worker.attempts import Rules

        requeues = on_timeout is OnTimeout.REQUEUE
        _require_together(command, timeout, on_timeout, max_attempts)
        words, held = None if command is None else tuple(_words_of(command)), _held(prefetch, max_attempts)
        rules = Rules(max_attempts=max_attempts, requeues_late=requeues, longest_hold=(timeout or 0.0) * held)
        return cls(words, timeout, held, rules)

    def handler(self) -> Handler:
        from attune_infra.worker import handler

        if self.words is None:
            return handler.Nothing()
        return handler.Command(self.words, timeout=math.inf if self.timeout is None else self.timeout)


def _require_together(
    command: str | None, timeout: float | None, on_timeout: OnTimeout | None, max_attempts: int | None
) -> None:
    if timeout is not None and command is None:
        raise WrongUsage("--handler-timeout is about a command", hint="give --exec too")
    if on_timeout is not None and timeout is None:
        raise WrongUsage("--on-timeout is about a time-out", hint="give --handler-timeout too, such as 5m")
    if on_timeout is OnTimeout.REQUEUE and max_attempts is None:
        raise WrongUsage(
            "--on-timeout requeue needs --max-attempts",
            hint="otherwise a message that always takes too long would keep the others waiting for ever",
        )


def _held(prefetch: int | None, max_attempts: int | None) -> int:
    """Return the messages to hold; raise `WrongUsage` if some would be counted that no command ever got."""
    if max_attempts is None:
        return prefetch or _PREFETCH
    if prefetch not in {None, 1}:
        raise WrongUsage(
            f"--max-attempts goes with --prefetch 1, not {prefetch}",
            hint="RabbitMQ counts the messages that are held, too: those that only waited would be rejected",
        )
    return 1


def _words_of(command: str) -> list[str]:
    """Return the words of a command; raise `WrongUsage` unless its first word is an executable program."""
    try:
        words = shlex.split(command)
    except ValueError as error:
        raise WrongUsage(f"--exec cannot be split into words: {error}", hint="quote it as for a shell") from error
    if not words or shutil.which(words[0]) is None:
        raise WrongUsage(
            f"there is no executable command '{words[0] if words else ''}'",
            hint="--exec runs a program, without a shell; for a shell give --exec 'sh -c \"...\"'",
        )
    return words
