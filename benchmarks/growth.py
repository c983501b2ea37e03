"""Measure the growth of time and memory with the number of workers; each worker should add the same."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Final

from benchmarks.contestant import Contestant, Job
from benchmarks.documents import base, workers
from benchmarks.ground import Ground
from benchmarks.ours import AttuneInfra
from benchmarks.results import Samples, Size
from benchmarks.workshop import Absent

SIZES: Final = {100: 5, 1_000: 3, 5_000: 3, 10_000: 1, 20_000: 1}
"""Numbers of workers, each with its number of rounds."""


def measure_growth(ours: Contestant | Absent, ground: Ground) -> Iterator[Size]:
    """Provision and compare more and more workers, each number of them in virtual hosts of its own."""
    assert isinstance(ours, AttuneInfra)
    nobody = base(ground.folder)
    for size, rounds in SIZES.items():
        document = workers(ground.folder, size)
        provision, diff = [], []
        for number in range(rounds):
            print(f"growth to {size} workers: round {number + 1} of {rounds}", file=sys.stderr)
            with ground.virtual_host() as virtual_host:
                ground.fill(Job(virtual_host=virtual_host, document=nobody))
                job = Job(virtual_host=virtual_host, document=document)
                provision.append(ground.time(ours.provision(job)))
                diff.append(ground.time(ours.diff(job)))
        yield Size(workers=size, provision=Samples.of("provision", provision), diff=Samples.of("diff", diff))
