"""Worker ids typed on the command line: `7`, or a range such as `1-2000`."""

from __future__ import annotations

import re
from collections.abc import Iterable

from attune_infra.errors import WrongUsage

MAX_IDS = 100_000
"""Ids in one command; more are probably a typing error."""


def read_worker_ids(words: Iterable[str]) -> tuple[int, ...]:
    """Return the ids in ascending order, each once; raise `WrongUsage` for a word that is not an id."""
    ids: set[int] = set()
    for word in words:
        ids.update(_range(word))
        if len(ids) > MAX_IDS:
            raise WrongUsage(f"more than {MAX_IDS} worker ids", hint="give fewer at once")
    return tuple(sorted(ids))


def read_worker_id(word: str) -> int:
    """Return one id; raise `WrongUsage` for anything else, a range too."""
    found = _range(word)
    if len(found) > 1:
        raise WrongUsage(f"'{word}' is more than one worker", hint="give one id: 7")
    return found[0]


def _range(word: str) -> range:
    from attune_infra.topology.worker import HIGHEST_ID

    found = re.fullmatch(r"([0-9]{1,19})(?:-([0-9]{1,19}))?", word, re.ASCII)
    first, last = (int(found[1]), int(found[2] or found[1])) if found else (0, 0)
    if not 1 <= first <= last <= HIGHEST_ID:
        raise WrongUsage(
            f"'{word}' is not a worker id",
            hint="a worker id is a positive integer; a range is written 1-2000",
        )
    if last - first >= MAX_IDS:
        raise WrongUsage(f"'{word}' is more than {MAX_IDS} worker ids", hint="give fewer at once")
    return range(first, last + 1)
