"""Where contestants meet: one broker, which has nothing else to do."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from secrets import token_hex
from typing import Any, Final

from attune_infra.broker.management import Management
from attune_infra.sandbox import BoundSandbox
from benchmarks.contestant import Call, Job
from benchmarks.floors import Python
from benchmarks.measure import Failed, Stopwatch
from support.virtual_host import VirtualHost

_BINDING: Final = ("source", "destination", "routing_key")
_ANSWERS_WITHIN: Final = 600.0
"""Deleting a virtual host with thousands of queues takes its time."""
_CALM_FOR: Final = 0.2
_CALM_WITHIN: Final = 30.0
_CALM_SHARE: Final = 0.15
"""Of one processor; less than this is the broker's own housekeeping."""


class Ground:
    """Where contestants meet: one broker, a virtual host for each turn, and a folder for documents."""

    def __init__(self, sandbox: BoundSandbox, folder: Path, stopwatch: Stopwatch) -> None:
        self.sandbox = sandbox
        self.folder = folder
        self.stopwatch = stopwatch
        self.whole = VirtualHost("/", sandbox.amqp_url, sandbox.management_url)
        self._management = Management(self.whole.settings(timeout=_ANSWERS_WITHIN))

    @contextmanager
    def virtual_host(self) -> Iterator[VirtualHost]:
        """Give an empty virtual host for as long as a block lasts."""
        name = f"benchmark-{token_hex(4)}"
        self._management.put("vhosts", name, body={})
        try:
            yield VirtualHost(name, self.whole.amqp_url.replace("%2F", name), self.whole.management_url)
        finally:
            self._management.delete("vhosts", name)

    def fill(self, job: Job) -> None:
        """Make what a turn expects to be there already."""
        self.stopwatch.time(Python(sys.executable).stream(job))

    def time(self, calls: Iterable[Call]) -> tuple[float, float]:
        """Wait for calm, and return the seconds and MB that some processes take."""
        self.calm()
        return self.stopwatch.time(calls)

    def calm(self) -> None:
        """Return when the broker is done with what it was left with, such as deleting a virtual host."""
        until = time.monotonic() + _CALM_WITHIN
        before = self._used()
        while time.monotonic() < until:
            time.sleep(_CALM_FOR)
            after = self._used()
            if after - before < _CALM_SHARE * _CALM_FOR:
                return
            before = after

    def check(self, job: Job) -> None:
        """Raise `Failed` unless all of a document's queues and bindings are there."""
        management, name = self._management, job.virtual_host.name
        queues = management.get("queues", name, columns="name")
        bindings = management.get("bindings", name, columns="source,destination,routing_key")
        missing = [
            *_names(job.document.queues, "name") - _names(queues, "name"),
            *_names(job.document.bindings, *_BINDING) - _names(bindings, *_BINDING),
        ]
        if missing:
            raise Failed(f"it left out {len(missing)} queues and bindings, such as {missing[0]}")

    def _used(self) -> float:
        """Return the seconds of processor time that the broker has used; 0 where that cannot be seen."""
        try:
            fields = (
                Path(f"/proc/{self.sandbox.broker.pid}/stat")
                .read_text(encoding="ascii")
                .rpartition(")")[2]
                .split()
            )
        except OSError:
            return 0.0
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _names(items: Iterable[Mapping[str, Any]], *keys: str) -> set[tuple[str, ...]]:
    return {tuple(item[key] for key in keys) for item in items}
