"""Worker ids as they are typed: `7`, or a range, `1-2000`."""

from __future__ import annotations

import re
from collections.abc import Iterable

from attune_infra.errors import WrongUsage
from attune_infra.topology.worker import HIGHEST_ID

MOST = 100_000
"""Ids at once; more is a slip of the keyboard rather than a fleet."""


def read_worker_ids(words: Iterable[str]) -> tuple[int, ...]:
    """Return the ids in ascending order, each once; raise `WrongUsage` if a word is none."""
    ids: set[int] = set()
    for word in words:
        ids.update(_range(word))
        if len(ids) > MOST:
            raise WrongUsage(f"more than {MOST} worker ids", hint="give fewer at once")
    return tuple(sorted(ids))


def _range(word: str) -> range:
    found = re.fullmatch(r"([0-9]{1,19})(?:-([0-9]{1,19}))?", word, re.ASCII)
    first, last = (int(found[1]), int(found[2] or found[1])) if found else (0, 0)
    if not 1 <= first <= last <= HIGHEST_ID:
        raise WrongUsage(
            f"'{word}' is not a worker id",
            hint="a worker id is a positive integer; a range is written 1-2000",
        )
    if last - first >= MOST:
        raise WrongUsage(f"'{word}' is more than {MOST} worker ids", hint="give fewer at once")
    return range(first, last + 1)
