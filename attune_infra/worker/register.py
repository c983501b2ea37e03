"""A worker's description of itself, from command line options."""

from __future__ import annotations

import json
import socket
from collections import Counter
from collections.abc import Iterable
from typing import Final

from attune_infra.errors import InvalidInput, WrongUsage
from attune_infra.fleet.register import Registration, WorkerType
from attune_infra.topology.model import Argument

NUMBER: Final = "{n}"
"""The place of the number in a pattern of names."""
_EXAMPLE: Final = f"--count 20 --name-pattern 'worker-{NUMBER}'"


def registration(
    name: str | None,
    worker_type: WorkerType | None,
    host: str | None,
    port: int | None,
    capabilities: Iterable[str],
) -> Registration:
    """Return a registration. The default name is the platform's: worker-HOSTNAME."""
    if name is not None and not name.strip():
        raise WrongUsage("the name of a worker is empty", hint="leave --name out for worker-HOSTNAME")
    return Registration(
        name=f"worker-{socket.gethostname()}" if name is None else name,
        worker_type=worker_type,
        host=host,
        port=port,
        capabilities=parse_capabilities(capabilities),
    )


def names_by_pattern(count: int | None, pattern: str | None, *, name: str | None) -> tuple[str, ...]:
    """Return the names of so many workers, with the numbers from 1 in place of `{n}`; none without a pattern."""
    if pattern is None and count is None:
        return ()
    if pattern is None or count is None:
        given, missing = ("--name-pattern", "--count") if count is None else ("--count", "--name-pattern")
        raise WrongUsage(f"{given} is given without {missing}", hint=f"give both: {_EXAMPLE}")
    if name is not None:
        raise WrongUsage("--name and --name-pattern are given", hint="give one of them")
    if NUMBER not in pattern:
        raise WrongUsage(f"--name-pattern '{pattern}' has no {NUMBER}", hint=f"{NUMBER} is the number: {_EXAMPLE}")
    return tuple(pattern.replace(NUMBER, str(number)) for number in range(1, count + 1))


def names_in(text: str, *, source: str) -> tuple[str, ...]:
    """Return the names in a text, one on each line; raise `InvalidInput` without any, or for one given twice."""
    lines = (line.strip() for line in text.removeprefix("\ufeff").split("\n"))
    names = tuple(line for line in lines if line)
    if not names:
        raise InvalidInput(f"{source} names no worker", hint="write one name on each line")
    [(name, times)] = Counter(names).most_common(1)
    if times > 1:
        raise InvalidInput(f"{source} names worker {name} {times} times", hint="name each worker once")
    return names


def parse_capabilities(pairs: Iterable[str]) -> dict[str, Argument] | None:
    """Parse `KEY=VALUE` pairs, each value as JSON or else as a string.

    Return None without pairs: the registry then keeps its capabilities.
    """
    capabilities: dict[str, Argument] = {}
    for pair in pairs:
        key, equals, value = pair.partition("=")
        if not equals or not key:
            raise WrongUsage(
                f"capability '{pair}' is not KEY=VALUE",
                hint="""examples: --capability max_concurrent_executions=10, --capability 'runtimes=["python"]'""",
            )
        capabilities[key] = _json_or_string(value)
    return capabilities or None


def _json_or_string(value: str) -> Argument:
    try:
        read: Argument = json.loads(value)
    except ValueError:
        return value
    return read
