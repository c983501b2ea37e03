"""The heartbeat of a worker, in a thread, so that a slow or unavailable database delays no message."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Self

from attune_infra.errors import RegistryError
from attune_infra.interfaces import WorkerRegistry
from attune_infra.topology.model import Severity
from attune_infra.worker.log import Tell


class Pulse:
    """Sends a worker's heartbeat to the registry every `interval` seconds, while entered."""

    def __init__(
        self,
        connect: Callable[[], AbstractContextManager[WorkerRegistry]],
        worker_id: int,
        interval: float,
        tell: Tell,
    ) -> None:
        self._connect, self._worker_id, self._interval, self._tell = connect, worker_id, interval, tell
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._trouble: str | None = None

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()

    def _run(self) -> None:
        while not self._ended.wait(self._interval):
            self._note(self._beat())

    def _beat(self) -> str | None:
        """Send a heartbeat; return the reason if that failed."""
        try:
            with self._connect() as registry:
                known = registry.heartbeat(self._worker_id)
        except RegistryError as error:
            return error.sentence
        return None if known else f"worker {self._worker_id} is no longer in the registry"

    def _note(self, trouble: str | None) -> None:
        """Tell when trouble begins, changes or ends, not at every heartbeat."""
        if trouble != self._trouble:
            words = f"no heartbeat: {trouble}" if trouble else "heartbeats reach the registry again"
            self._tell(words, Severity.WARNING if trouble else Severity.INFO)
        self._trouble = trouble
