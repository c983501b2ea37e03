"""Measure the program beside its peers and beside the broker alone: make bench, or python -m benchmarks.bench.

It measures the wall time of whole processes: those of this program, installed as a user installs it, and those of
its peers take turns in one run, on one private broker. It prints a report for people; --json writes data that
--markdown reads.
"""

from __future__ import annotations

import argparse
import os
import platform
import re
import shutil
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

from attune_infra.errors import AttuneError, InvalidInput
from benchmarks.cases import QUICK, Scale, cases
from benchmarks.contestant import Contestant
from benchmarks.floors import Curl
from benchmarks.ground import Ground
from benchmarks.growth import measure_growth
from benchmarks.hosts import VIRTUAL_HOSTS, measure_hosts
from benchmarks.large import LARGE, measure_large
from benchmarks.match import Contestants, install_all, play
from benchmarks.measure import Failed, Stopwatch
from benchmarks.moving import KINDS, MOVING, measure_moving
from benchmarks.ours import AttuneInfra
from benchmarks.report import render_markdown, render_text
from benchmarks.results import Result, Run
from benchmarks.verdict import over_target, verdict_lines
from benchmarks.workshop import Absent, Workshop
from support.under_test import BrokerUnderTest

NAMES: Final = tuple(case.name for case in cases(Scale(), (4, 0)))
GROWTH: Final = "growth"
OTHERS: Final = (*MOVING, LARGE, VIRTUAL_HOSTS, GROWTH)
"""Cases that are measured only if they are named, or by an option of their own."""
MEMORY: Final = Path("/dev/shm")  # noqa: S108 - for the benchmark alone
MIN_FREE_BYTES: Final = 2 * 1024**3
"""Free memory that the broker's data may need: several times the need of 20,000 queues."""


def main() -> int:
    options = parse_options()
    try:
        if options.markdown:
            print(render_markdown([read(path) for path in options.markdown]), end="")
            return 0
        run = measure(options)
    except (AttuneError, Absent, Failed, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    if options.json:
        options.json.write_text(run.to_json(), encoding="utf-8")
    print(render_text(run), end="")
    print("\n".join(("", *verdict_lines(run, last_run(run)))))
    keep(run)
    return 1 if options.check and over_target(run) else 0


def last_run(run: Run) -> Run | None:
    """Return the last kept run on this machine with the same RabbitMQ; None if there is none."""
    path = place_of(run)
    return read(path) if path.exists() else None


def keep(run: Run) -> None:
    """Keep a run, with the cases of the last one that it did not measure."""
    last, path = last_run(run), place_of(run)
    measured = {result.name for result in run.results}
    others = () if last is None else tuple(each for each in last.results if each.name not in measured)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(replace(run, results=(*run.results, *others)).to_json(), encoding="utf-8")


def place_of(run: Run) -> Path:
    """Return the file that keeps the last run like this: the same RabbitMQ, scale, and place of its data."""
    circumstances = (run.versions["RabbitMQ"], run.machine["scale"], run.machine["data of the broker"])
    return cache_folder() / "runs" / f"{re.sub(r'[^a-z0-9.]+', '-', ' '.join(circumstances).lower())}.json"


def parse_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="bench.py", description=(__doc__ or "").partition("\n\n")[2])
    parser.add_argument(
        "--rabbitmq-root", type=Path, metavar="DIR", help="use the RabbitMQ of another root file system"
    )
    parser.add_argument(
        "--only",
        nargs="+",
        choices=(*NAMES, *OTHERS),
        metavar="CASE",
        help=f"measure only these cases, of: {', '.join((*NAMES, *OTHERS))}",
    )
    parser.add_argument(
        "--on-disk", action="store_true", help="keep the broker's data below TMPDIR, not in memory"
    )
    parser.add_argument(
        "--quick", action="store_true", help="measure fewer rounds and fewer workers, for a first look"
    )
    parser.add_argument("--rounds", type=int, help=f"rounds of the short cases (default: {Scale().rounds})")
    parser.add_argument(
        "--workers",
        type=int,
        help=f"workers to provision; the fleet is 5 times as large (default: {Scale().workers})",
    )
    parser.add_argument(
        "--growth", action="store_true", help="also measure time and memory for 100 to 20,000 workers"
    )
    parser.add_argument("--moving", action="store_true", help="also measure moving messages between queues")
    parser.add_argument(
        "--messages", type=int, default=200_000, help="messages to move (default: %(default)s)", metavar="N"
    )
    parser.add_argument(
        "--check", action="store_true", help="exit with 1 if a ratio that was measured is over its target"
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the results as data")
    parser.add_argument(
        "--markdown", type=Path, nargs="+", metavar="FILE", help="measure nothing; print results that --json wrote"
    )
    return parser.parse_args()


def read(path: Path) -> Run:
    """Read a file that --json wrote; raise `InvalidInput` for any other file."""
    try:
        return Run.from_json(path.read_text(encoding="utf-8"))
    except (ValueError, LookupError) as error:
        raise InvalidInput(f"{path} was not written by --json") from error


def measure(options: argparse.Namespace) -> Run:
    """Start a broker, install the contestants, and measure the cases that the options name."""
    given = {key: value for key in ("rounds", "workers") if (value := getattr(options, key))}
    scale = replace(QUICK if options.quick else Scale(), **given)
    under_test = BrokerUnderTest(options.rabbitmq_root, ())
    only = options.only or ()
    wanted = [case for case in cases(scale, under_test.release) if case.name in (only or NAMES)]
    in_memory = not options.on_disk and move_into_memory()
    machine = describe_machine(scale) | {
        "data of the broker": f"in {'memory' if in_memory else tempfile.gettempdir()}"
    }
    with (
        tempfile.TemporaryDirectory(prefix="benchmark-") as folder,
        Stopwatch() as stopwatch,
        under_test.sandbox(postgres=False) as sandbox,
    ):
        ground = Ground(sandbox, Path(folder), stopwatch)
        workshop = Workshop(
            cache=cache_folder(), folder=ground.folder, rabbitmq_root=options.rabbitmq_root, broker=ground.whole
        )
        moving = tuple(name for name in MOVING if options.moving or name in only)
        kinds: list[type[Contestant]] = [AttuneInfra, *(entry.kind for case in wanted for entry in case.entries)]
        kinds += [*(KINDS if moving else ()), *([Curl] if VIRTUAL_HOSTS in only else ())]
        contestants = install_all(dict.fromkeys(kinds), workshop)
        known = versions(contestants)
        results = tuple(play(case, contestants, ground) for case in wanted)
        results += tuple(measure_moving(moving, contestants, ground, (options.messages, min(3, scale.rounds))))
        results += tuple(measure_sizes(only, contestants, ground, min(3, scale.rounds)))
        growing = options.growth or GROWTH in only
        growth = tuple(measure_growth(contestants[AttuneInfra], ground)) if growing else ()
    return Run(
        machine={**machine, "load at the end": load()},
        versions={"RabbitMQ": under_test.version, "Python": platform.python_version(), **known},
        results=results,
        growth=growth,
    )


def measure_sizes(only: Sequence[str], contestants: Contestants, ground: Ground, rounds: int) -> Iterator[Result]:
    """Measure the cases that grow, if they are named."""
    if LARGE in only:
        yield from measure_large(contestants[AttuneInfra], ground, rounds)
    if VIRTUAL_HOSTS in only:
        yield from measure_hosts(contestants, ground, rounds)


def move_into_memory() -> bool:
    """Keep temporary files, and so the broker's data, in memory if enough is free; return true if it is."""
    is_free = MEMORY.is_dir() and shutil.disk_usage(MEMORY).free >= MIN_FREE_BYTES
    if is_free:
        tempfile.tempdir = os.environ["TMPDIR"] = str(MEMORY)
    return is_free


def describe_machine(scale: Scale) -> dict[str, str]:
    """Return the circumstances that the times depend on."""
    return {
        "machine": f"{os.cpu_count()} cores of {processor()}, shared with the broker; {platform.system()}",
        "scale": f"{scale.rounds} rounds of short cases, {scale.workers:,} workers, a fleet of {scale.fleet:,}",
        "load at the start": load(),
    }


def versions(contestants: Contestants) -> dict[str, str]:
    """Return the version of each contestant, or the reason why it could not be installed."""
    return {
        kind.name: f"not installed: {each}" if isinstance(each, Absent) else each.version
        for kind, each in contestants.items()
    }


def processor() -> str:
    """Return the name of the processor, where the system has /proc/cpuinfo."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    named = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(named, platform.machine())


def load() -> str:
    return f"{os.getloadavg()[0]:.2f}"


def cache_folder() -> Path:
    """Return the folder where peers stay installed between runs."""
    caches = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(caches) / "attune-infra/benchmarks"


if __name__ == "__main__":
    sys.exit(main())
