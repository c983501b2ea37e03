"""The changes that a command has made so far, for a failure that ends it before it could report them."""

from __future__ import annotations

from threading import Lock
from typing import Final

_MAX_NAMES: Final = 3


class Journal:
    """Changes by what was done to which kind of thing."""

    def __init__(self) -> None:
        self._numbers: dict[tuple[str, str], int] = {}
        self._names: dict[tuple[str, str], list[str]] = {}
        self._lock = Lock()

    def note(self, done: str, kind: str, name: str | None = None, *, number: int = 1) -> None:
        """Note a change, such as `created` and `queue`."""
        key = done, kind
        with self._lock:
            self._numbers[key] = self._numbers.get(key, 0) + number
            names = self._names.setdefault(key, [])
            if name is not None and len(names) <= _MAX_NAMES:
                names.append(name)

    def clear(self) -> None:
        """Forget all changes: a new command begins."""
        self._numbers.clear()
        self._names.clear()

    def has(self, done: str) -> bool:
        """Return True if something was done in this way."""
        return any(number for (way, _), number in self._numbers.items() if way == done)

    def __str__(self) -> str:
        """Return the changes in words, such as `created 2 queues (a, b)`; nothing without a change."""
        found: dict[str, list[str]] = {}
        for (done, kind), number in self._numbers.items():
            if number:
                found.setdefault(done, []).append(_in_words(number, kind, self._names[done, kind]))
        return "; ".join(f"{done} {', '.join(things)}" for done, things in found.items())


def _in_words(number: int, kind: str, names: list[str]) -> str:
    plural = f"{kind[:-1]}ies" if kind.endswith("y") else f"{kind}s"
    counted = f"{number} {kind if number == 1 else plural}"
    shown = names[:_MAX_NAMES] + (["..."] if number > _MAX_NAMES else [])
    return f"{counted} ({', '.join(shown)})" if names else counted


JOURNAL: Final = Journal()
