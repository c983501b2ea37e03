"""The broker that all contestants share, which has nothing else to do."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from secrets import token_hex
from typing import Any, Final

from attune_infra.broker.http.management import Management
from attune_infra.errors import VirtualHostMissing
from attune_infra.sandbox import BoundSandbox
from benchmarks.contestant import Call, Job
from benchmarks.floors import Python
from benchmarks.measure import Failed, Stopwatch
from support.virtual_host import VirtualHost

_BINDING: Final = ("source", "destination", "routing_key")
_ANSWER_TIMEOUT: Final = 600.0
"""Seconds; deleting a virtual host with thousands of queues takes long."""
_CALM_INTERVAL: Final = 0.2
_CALM_TIMEOUT: Final = 30.0
_CALM_SHARE: Final = 0.15
"""The share of one processor that the broker's housekeeping stays below."""


class Ground:
    """The place of a run: one broker, a virtual host for each turn, and a folder for documents."""

    def __init__(self, sandbox: BoundSandbox, folder: Path, stopwatch: Stopwatch) -> None:
        self.sandbox = sandbox
        self.folder = folder
        self.stopwatch = stopwatch
        self.whole = VirtualHost("/", sandbox.amqp_url, sandbox.management_url)
        self._management = Management(self.whole.settings(timeout=_ANSWER_TIMEOUT))

    @contextmanager
    def virtual_host(self) -> Iterator[VirtualHost]:
        """Give an empty virtual host for as long as a block lasts."""
        name = f"benchmark-{token_hex(4)}"
        self._management.put("vhosts", name, body={})
        try:
            yield VirtualHost(name, self.whole.amqp_url.replace("%2F", name), self.whole.management_url)
        finally:
            self._management.delete("vhosts", name)

    def delete_virtual_host(self, name: str) -> None:
        """Delete a virtual host if it is there."""
        with suppress(VirtualHostMissing):
            self._management.delete("vhosts", name)

    def fill(self, job: Job) -> None:
        """Make the objects that have to exist before a turn."""
        self.stopwatch.time(Python(sys.executable).stream(job))

    def time(self, calls: Iterable[Call], *, by_processor: bool = False) -> tuple[float, float]:
        """Wait for a calm broker, then return the seconds and MB that these processes take."""
        self.calm()
        return self.stopwatch.time(calls, by_processor=by_processor)

    def overview(self) -> Mapping[str, Any]:
        """Return the broker's answer about itself."""
        found: Mapping[str, Any] = self._management.get("overview")
        return found

    def calm(self) -> None:
        """Wait until the broker has finished earlier work, such as deleting a virtual host."""
        until = time.monotonic() + _CALM_TIMEOUT
        before = self.processor_seconds()
        while time.monotonic() < until:
            time.sleep(_CALM_INTERVAL)
            after = self.processor_seconds()
            if after - before < _CALM_SHARE * _CALM_INTERVAL:
                return
            before = after

    def check(self, job: Job) -> None:
        """Raise `Failed` unless all queues and bindings of a document exist."""
        management, name = self._management, job.virtual_host.name
        queues = management.get("queues", name, columns="name")
        bindings = management.get("bindings", name, columns="source,destination,routing_key")
        missing = [
            *_names(job.document.queues, "name") - _names(queues, "name"),
            *_names(job.document.bindings, *_BINDING) - _names(bindings, *_BINDING),
        ]
        if missing:
            raise Failed(f"it left out {len(missing)} queues and bindings, such as {missing[0]}")

    def check_deleted(self, job: Job) -> None:
        """Raise `Failed` if a queue of a document exists."""
        queues = self._management.get("queues", job.virtual_host.name, columns="name")
        if left := _names(job.document.queues, "name") & _names(queues, "name"):
            raise Failed(f"it left {len(left)} queues, such as {min(left)}")

    def processor_seconds(self) -> float:
        """Return the processor time that the broker has used; 0 on systems without /proc."""
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
