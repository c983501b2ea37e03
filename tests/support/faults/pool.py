"""Processes that run chains of commands amid faults, and the sum of what became of the faults."""

from __future__ import annotations

import multiprocessing.context
import multiprocessing.forkserver
import os
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory, mkdtemp
from typing import Final
from unittest.mock import patch

from support.faults.chain import Chain, record, run_chain
from support.faults.ground import Laboratory, laboratory
from support.faults.plan import Profile
from support.faults.subjects import SUBJECTS
from support.fork_server import LIBRARIES
from support.virtual_host import VirtualHost

PROCESSES: Final = 16
"""Most of them wait for a line that is held or slow, and need no processor."""


@dataclass
class Counts:
    """The outcomes, by command and kind of fault."""

    outcomes: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    runs: int = 0
    chains: int = 0
    wrong: list[str] = field(default_factory=list)
    named: set[str] = field(default_factory=set)

    @property
    def faults(self) -> int:
        """The faults that came to pass."""
        return self.outcomes.total()

    def add(self, chain: Chain) -> None:
        self.chains += 1
        self.runs += chain.runs
        self.wrong += chain.wrong
        self.named |= chain.named
        self.outcomes.update((chain.command, kind, f"exit code {code}") for kind, code in chain.faults)

    def lines(self) -> Iterator[str]:
        """Yield a table of the faults that came to pass, by command and by kind."""
        outcomes = sorted({key[2] for key in self.outcomes})
        for title, at in (("command", 0), ("fault", 1)):
            yield f"| {title} | faults | {' | '.join(outcomes)} |"
            yield f"|---|{'---:|' * (len(outcomes) + 1)}"
            for name in sorted({key[at] for key in self.outcomes}):
                row = [
                    sum(number for key, number in self.outcomes.items() if (key[at], key[2]) == (name, outcome))
                    for outcome in outcomes
                ]
                numbers = " | ".join(f"{each:,}" for each in (sum(row), *row))
                yield f"| {f'`{name}`' if at == 0 else name} | {numbers} |"
            yield ""


def run_faults(root: VirtualHost, database_url: str, seed: int, faults: int) -> Counts:
    """Run chains until so many faults came to pass; return their sum."""
    counts, chosen = Counts(), Random(seed)  # noqa: S311 - it chooses tests
    weights = [subject.weight for subject in SUBJECTS]
    with (
        TemporaryDirectory(prefix="attune-infra-faults-") as folder,
        ProcessPoolExecutor(PROCESSES, _context(), _open, (root, database_url, folder)) as pool,
    ):
        profiles, wrong = zip(*pool.map(_record, range(len(SUBJECTS))), strict=True)
        counts.wrong += filter(None, wrong)
        running, number = set[Future[Chain]](), 0
        while counts.faults < faults and not any(wrong):
            while len(running) < 2 * PROCESSES:
                [at] = chosen.choices(range(len(SUBJECTS)), weights)
                running.add(pool.submit(_run, at, profiles[at], seed, number))
                number += 1
            done, running = wait(running, return_when=FIRST_COMPLETED)
            for each in done:
                counts.add(each.result())
        for each in running:
            counts.add(each.result())
    return counts


def _context() -> multiprocessing.context.ForkServerContext:
    """Return the way to start processes: they fork from one without threads that has loaded the program."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([__name__, *LIBRARIES])
    with patch.dict(os.environ, {"PYTHONPATH": os.pathsep.join(sys.path)}):  # the path to what it preloads
        multiprocessing.forkserver.ensure_running()
    return context


_OPEN: Final[list[Laboratory]] = []
"""The laboratory of this process."""
_STACK: Final = ExitStack()


def _open(root: VirtualHost, database_url: str, folder: str) -> None:
    own = Path(mkdtemp(dir=folder))
    _OPEN.append(_STACK.enter_context(laboratory(root, database_url, own)))


def _record(subject: int) -> tuple[Profile, str]:
    return record(_OPEN[0], SUBJECTS[subject])


def _run(subject: int, profile: Profile, seed: int, number: int) -> Chain:
    try:
        return run_chain(_OPEN[0], SUBJECTS[subject], profile, seed, number)
    except Exception as error:  # noqa: BLE001 - the other chains go on
        lost = Chain(number, SUBJECTS[subject].words, SUBJECTS[subject].name)
        lost.wrong.append(f"{number}: `{lost.words}` was not judged: {type(error).__name__}: {error}")
        return lost


def left_virtual_hosts(names: Sequence[str], counts: Counts) -> list[str]:
    """Return the temporary virtual hosts among these names that no command has named."""
    return [name for name in names if name.startswith("attune-infra probe") and name not in counts.named]
