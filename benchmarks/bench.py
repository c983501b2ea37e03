"""How fast the program is, beside its peers and what the broker allows: make bench, or python -m benchmarks.bench.

Whole processes are measured, by the clock on the wall: ours, installed as a user has it, and everybody else's, in
turn, in one run, on one private broker. What it prints is for people, what it writes with --json for --markdown.
"""

from __future__ import annotations

import argparse
import os
import platform
import shutil
import sys
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Final

from attune_infra.errors import AttuneError, InvalidInput
from benchmarks.cases import QUICK, Scale, cases
from benchmarks.ground import Ground
from benchmarks.growth import grown
from benchmarks.match import Contestants, made_ready, play
from benchmarks.measure import Failed, Stopwatch
from benchmarks.ours import AttuneInfra
from benchmarks.report import as_markdown, as_text
from benchmarks.results import Run
from benchmarks.workshop import Absent, Workshop
from support.under_test import BrokerUnderTest

NAMES: Final = tuple(case.name for case in cases(Scale(), (4, 0)))
GROWTH: Final = "growth"
MEMORY: Final = Path("/dev/shm")  # noqa: S108 - for the benchmark alone
ENOUGH: Final = 2 * 1024**3
"""Bytes that have to be free there; what 20,000 queues need, some times over."""


def main() -> int:
    options = parsed()
    try:
        if options.markdown:
            print(as_markdown([read(path) for path in options.markdown]), end="")
            return 0
        run = measured(options)
    except (AttuneError, Absent, Failed, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    if options.json:
        options.json.write_text(run.to_json(), encoding="utf-8")
    print(as_text(run), end="")
    return 0


def parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="bench.py", description=(__doc__ or "").partition("\n\n")[2])
    parser.add_argument("--rabbitmq-root", type=Path, metavar="DIR", help="the broker of another root file system")
    parser.add_argument(
        "--only", nargs="+", choices=(*NAMES, GROWTH), metavar="CASE", help=f"of: {', '.join(NAMES)}, {GROWTH}"
    )
    parser.add_argument("--on-disk", action="store_true", help="the broker's data is below TMPDIR, not in memory")
    parser.add_argument("--quick", action="store_true", help="fewer rounds, fewer workers; for a first look")
    parser.add_argument("--rounds", type=int, help=f"of the short cases; {Scale().rounds} if not given")
    parser.add_argument(
        "--workers", type=int, help=f"and a fleet of 5 times as many; {Scale().workers} if not given"
    )
    parser.add_argument("--growth", action="store_true", help="also how time and memory grow up to 20,000 workers")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all of it as data")
    parser.add_argument(
        "--markdown", type=Path, nargs="+", metavar="FILE", help="measure nothing; print such files"
    )
    return parser.parse_args()


def read(path: Path) -> Run:
    """Return what --json wrote; raise `InvalidInput` if something else did."""
    try:
        return Run.from_json(path.read_text(encoding="utf-8"))
    except (ValueError, LookupError) as error:
        raise InvalidInput(f"{path} was not written by --json") from error


def measured(options: argparse.Namespace) -> Run:
    """Start a broker, make everybody ready, and measure what was asked for."""
    given = {key: value for key in ("rounds", "workers") if (value := getattr(options, key))}
    scale = replace(QUICK if options.quick else Scale(), **given)
    under_test = BrokerUnderTest(options.rabbitmq_root, ())
    wanted = [case for case in cases(scale, under_test.release) if case.name in (options.only or NAMES)]
    in_memory = not options.on_disk and moved_into_memory()
    machine = described(scale) | {"data of the broker": f"in {'memory' if in_memory else tempfile.gettempdir()}"}
    with (
        tempfile.TemporaryDirectory(prefix="benchmark-") as folder,
        Stopwatch() as stopwatch,
        under_test.sandbox(postgres=False) as sandbox,
    ):
        ground = Ground(sandbox, Path(folder), stopwatch)
        workshop = Workshop(
            cache=cache(), folder=ground.folder, rabbitmq_root=options.rabbitmq_root, broker=ground.whole
        )
        kinds = dict.fromkeys(entry.kind for case in wanted for entry in case.entries)
        contestants = made_ready({AttuneInfra: None, **kinds}, workshop)
        known = versions(contestants)
        results = tuple(play(case, contestants, ground) for case in wanted)
        growing = options.growth or GROWTH in (options.only or ())
        growth = tuple(grown(contestants[AttuneInfra], ground)) if growing else ()
    return Run(
        machine={**machine, "load at the end": load()},
        versions={"RabbitMQ": under_test.version, "Python": platform.python_version(), **known},
        results=results,
        growth=growth,
    )


def moved_into_memory() -> bool:
    """Have temporary files, and with them the broker's data, in memory, if there is enough; return whether."""
    there = MEMORY.is_dir() and shutil.disk_usage(MEMORY).free >= ENOUGH
    if there:
        tempfile.tempdir = os.environ["TMPDIR"] = str(MEMORY)
    return there


def described(scale: Scale) -> dict[str, str]:
    """Return what else decides how long something takes."""
    return {
        "machine": f"{os.cpu_count()} cores of {processor()}, shared with the broker; {platform.system()}",
        "scale": f"{scale.rounds} rounds of short cases, {scale.workers:,} workers, a fleet of {scale.fleet:,}",
        "load at the start": load(),
    }


def versions(contestants: Contestants) -> dict[str, str]:
    """Return the version of each, or why it could not be had."""
    return {
        kind.name: f"not to be had: {each}" if isinstance(each, Absent) else each.version
        for kind, each in contestants.items()
    }


def processor() -> str:
    """Return its name, where the system tells it as Linux does."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    named = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(named, platform.machine())


def load() -> str:
    return f"{os.getloadavg()[0]:.2f}"


def cache() -> Path:
    """Return the folder where peers stay installed between runs."""
    caches = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(caches) / "attune-infra/benchmarks"


if __name__ == "__main__":
    sys.exit(main())
