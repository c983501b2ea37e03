"""Play a case: the contestants take turns in rounds; each round begins with another contestant."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from typing import Any, TypeAlias

from benchmarks.cases import Case, Entry
from benchmarks.contestant import Contestant, Job
from benchmarks.ground import Ground
from benchmarks.measure import Failed
from benchmarks.results import Result, Samples
from benchmarks.workshop import Absent, Workshop

Contestants: TypeAlias = Mapping[type[Contestant], Contestant | Absent]


def install_all(kinds: Iterable[type[Contestant]], workshop: Workshop) -> Contestants:
    """Install all contestants; one that cannot be installed is replaced by the reason."""
    ready: dict[type[Contestant], Contestant | Absent] = {}
    for kind in kinds:
        try:
            ready[kind] = kind.install(workshop)
        except Absent as reason:
            ready[kind] = reason
    return ready


def play(case: Case, contestants: Contestants, ground: Ground) -> Result:
    """Return the times of all contestants; raise `Failed` if the program itself cannot do the job."""
    turns: dict[str, list[tuple[float, float]]] = {entry.name: [] for entry in case.entries}
    absent = dict(case.left_out)
    document = case.document(ground.folder)
    given = case.given(ground.folder) if case.given else None

    @contextmanager
    def place() -> Iterator[Job]:
        with ground.virtual_host() as virtual_host:
            if given:
                ground.fill(Job(virtual_host=virtual_host, document=given))
            yield Job(virtual_host=virtual_host, document=document)

    with nullcontext() if case.fresh else place() as shared:
        for entry in _all_turns(case):
            if entry.name in absent:
                continue
            try:
                with nullcontext(shared) if shared else place() as job:
                    turns[entry.name].append(_take_turn(entry, contestants[entry.kind], job, ground))
                    if case.fresh and entry.leaves:
                        (ground.check_deleted if case.deletes else ground.check)(job)
            except (Absent, Failed) as reason:
                if entry.subject:
                    raise
                absent[entry.name] = str(reason)
    return Result(
        name=case.name,
        title=case.title,
        samples=tuple(
            Samples.of(entry.name, turns[entry.name], subject=entry.subject)
            for entry in case.entries
            if entry.name not in absent
        ),
        absent=absent,
        targets=case.targets,
    )


def rounds_of(case: Case) -> Iterator[list[Entry[Any]]]:
    """Yield the entries of each round in the order of their turns; each round begins with another entry."""
    for number in range(case.rounds):
        first = number % len(case.entries)
        rotated = (*case.entries[first:], *case.entries[:first])
        yield [entry for entry in rotated if number % entry.every == 0]


def _all_turns(case: Case) -> Iterator[Entry[Any]]:
    for number, entries in enumerate(rounds_of(case), start=1):
        print(f"{case.name}: round {number} of {case.rounds}", file=sys.stderr)
        yield from entries


def _take_turn(
    entry: Entry[Any], contestant: Contestant | Absent, job: Job, ground: Ground
) -> tuple[float, float]:
    if isinstance(contestant, Absent):
        raise contestant
    return ground.time(entry.calls(contestant, job))
