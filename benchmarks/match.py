"""A case, played: everybody takes turns, in rounds, each beginning with another one."""

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


def made_ready(kinds: Iterable[type[Contestant]], workshop: Workshop) -> Contestants:
    """Install all that take part; in the place of one that cannot be had stands the reason."""
    ready: dict[type[Contestant], Contestant | Absent] = {}
    for kind in kinds:
        try:
            ready[kind] = kind.ready(workshop)
        except Absent as reason:
            ready[kind] = reason
    return ready


def play(case: Case, contestants: Contestants, ground: Ground) -> Result:
    """Return what everybody took; raise `Failed` if it is the program itself that cannot do it."""
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
        for entry in _in_turn(case):
            if entry.name in absent:
                continue
            try:
                with nullcontext(shared) if shared else place() as job:
                    turns[entry.name].append(_turn(entry, contestants[entry.kind], job, ground))
                    if case.fresh and entry.leaves:
                        ground.check(job)
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
    """Return who takes part in each round, in the order of their turns: each begins with another one."""
    for number in range(case.rounds):
        first = number % len(case.entries)
        turned = (*case.entries[first:], *case.entries[:first])
        yield [entry for entry in turned if number % entry.every == 0]


def _in_turn(case: Case) -> Iterator[Entry[Any]]:
    for number, entries in enumerate(rounds_of(case), start=1):
        print(f"{case.name}: round {number} of {case.rounds}", file=sys.stderr)
        yield from entries


def _turn(entry: Entry[Any], contestant: Contestant | Absent, job: Job, ground: Ground) -> tuple[float, float]:
    if isinstance(contestant, Absent):
        raise contestant
    return ground.time(entry.calls(contestant, job))
