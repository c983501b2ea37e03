"""The life of one worker: connect, consume, reconnect after failures, and stop without losing a message."""

from __future__ import annotations

import random
import time
from collections import deque
from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack
from functools import partial
from typing import Final

from attune_infra.errors import (
    AttuneError,
    BrokerError,
    QueueDenied,
    QueueUnavailable,
    RegistryError,
    RegistryUnreachable,
    RequestRefused,
)
from attune_infra.fleet.cautions import warn_of_hold
from attune_infra.fleet.delivery import Delivery
from attune_infra.fleet.register import RegisteredWorker, Registration
from attune_infra.interfaces import WorkerRegistry
from attune_infra.interfaces.inbox import Inbox
from attune_infra.topology.model import Severity
from attune_infra.worker.attempts import Attempts, Rules
from attune_infra.worker.handler import Checked, Ended, Handler, Job
from attune_infra.worker.log import Tell
from attune_infra.worker.pulse import Pulse
from attune_infra.worker.readiness import Readiness
from attune_infra.worker.wakeup import Wakeup

Connect = Callable[[], AbstractContextManager[WorkerRegistry]]

_FIRST_PAUSE: Final = 0.2
_LONGEST_PAUSE: Final = 5.0
_TICK: Final = 1.0
"""Seconds after which the connection is checked even if nothing happened."""
_TOO_LATE: Final = ", but the connection was lost: the message comes again if its queue survived"

_SHARED: Final = (
    "others consume queue {queue} too, and get a part of its messages: a second worker of this name, or a "
    "connection of this one that RabbitMQ still takes for alive"
)


def run_worker(
    registration: Registration,
    connect: Connect,
    inbox: Inbox,
    handler: Handler,
    *,
    heartbeat: float,
    rules: Rules,
    tell: Tell,
    readiness: Readiness,
) -> None:
    """Register, consume and send heartbeats until asked to stop; then finish the held messages and deregister.

    If another worker of the same name still consumes, the row in the registry is left to that one.
    """
    if warning := warn_of_hold(rules.longest_hold):
        tell(warning, Severity.WARNING)
    with Wakeup() as wakeup:
        worker = _register(connect, registration, wakeup, _Patience(wakeup, tell, readiness))
        if worker is None:
            tell("stopped before the worker was registered")
            return
        consumer = Worker(worker.id, inbox, handler, wakeup, tell, rules=rules, readiness=readiness)
        try:
            with Pulse(connect, worker.id, heartbeat, tell):
                consumer.run()
        finally:
            if consumer.has_twin:
                tell("another worker of this name still consumes: it stays registered", Severity.WARNING)
            else:
                _deregister(connect, worker.id, tell)
        tell(f"worker {worker.id} has stopped")


def _register(
    connect: Connect, registration: Registration, wakeup: Wakeup, patience: _Patience
) -> RegisteredWorker | None:
    """Register, and retry while the database is unavailable; return None if asked to stop first."""
    while not wakeup.stopping:
        try:
            with ExitStack() as stack:
                registry = wakeup.attempt(partial(stack.enter_context, connect()))
                return None if registry is None else registry.register(registration)
        except RegistryUnreachable as error:
            patience.after(error)
    return None


def _deregister(connect: Connect, worker_id: int, tell: Tell) -> None:
    """Set the worker inactive. If that fails, its heartbeat becomes stale."""
    try:
        with connect() as registry:
            registry.deregister([worker_id])
    except RegistryError as error:
        tell(f"the worker could not be deregistered: {error.sentence}", Severity.WARNING)


class Worker:
    """Consumes one worker's queues, one message at a time, until it is asked to stop.

    A message is acknowledged when its handler succeeded, and sent to the dead letter exchange when it failed.
    Any other message stays with the broker, which delivers it again.
    """

    def __init__(
        self,
        worker_id: int,
        inbox: Inbox,
        handler: Handler,
        wakeup: Wakeup,
        tell: Tell,
        *,
        rules: Rules,
        readiness: Readiness,
    ) -> None:
        self._id, self._inbox, self._handler, self._wakeup, self._tell = worker_id, inbox, handler, wakeup, tell
        self._rules, self._attempts, self._readiness = rules, Attempts(rules), readiness
        self.has_twin = False
        """True if others still consumed a queue of this worker when it stopped."""
        self._waiting: deque[Delivery] = deque()
        self._current: tuple[Delivery, Job] | None = None
        self._told: frozenset[str] = frozenset()
        self._overdue: str | None = None
        self._kept_until = 0.0

    def run(self) -> None:
        """Run until stopped; raise `QueueDenied`, or a permanent failure of the first attempt."""
        patience, has_consumed = self._new_patience(), False
        while not self._wakeup.stopping:
            try:
                if self._wakeup.attempt(self._connect):
                    patience, has_consumed = self._new_patience(), True
                    self._serve()
                    self._inbox.close()
            except QueueDenied:
                raise
            except BrokerError as error:
                # A broker that is still starting refuses logins and virtual hosts, also to workers it knows.
                if not (error.may_pass or has_consumed):
                    raise
                self._inbox.abandon()
                patience.after(error)
                self._finish()
            finally:
                self._inbox.abandon()
        while self._current is not None:
            self._wakeup.wait(self._pause)
            self._finish()

    def _new_patience(self) -> _Patience:
        return _Patience(self._wakeup, self._tell, self._readiness)

    def _connect(self) -> bool:
        """Consume; return True, because `attempt` returns None if it is broken off."""
        refused = self._inbox.open(self._id)
        self._waiting.clear()  # from the lost connection: they come again, or went with their queue
        warnings = [f"cannot declare, continuing: {what}" for what in refused]
        warnings += self._inbox.cautions(self._rules.max_attempts)
        warnings += [_SHARED.format(queue=queue) for queue in self._inbox.shared()]
        for what in sorted({*warnings} - self._told):
            self._tell(what, Severity.WARNING)
        self._told = frozenset(warnings)
        self._readiness.reached()
        self._tell(f"worker {self._id} consumes")
        return True

    def _serve(self) -> None:
        retired = False
        while True:
            self._waiting.extend(self._inbox.receive())
            self._finish()
            self._begin()
            if self._wakeup.stopping and not retired:
                self._readiness.lacks("the worker is stopping")
                self._tell("stopping: taking no new messages, finishing those held")
                self.has_twin = bool(self._inbox.retire())
                retired = True
            if retired and self._is_idle and self._inbox.is_empty():
                self._waiting.extend(self._inbox.receive())
                if self._is_idle:
                    return
            self._wakeup.wait(self._pause, self._inbox.fileno())

    def _begin(self) -> None:
        """Start the next message, if none is being processed."""
        if self._current is None and self._waiting:
            delivery = self._waiting.popleft()
            refusal = self._attempts.refusal_of(delivery)
            if refusal is None:
                self._attempts.begin(delivery)
            job = Checked(delivery.body, self._handler.start) if refusal is None else Ended(refusal)
            self._current, self._overdue = (delivery, job), None

    def _finish(self) -> None:
        """Settle the current message, if its job has ended."""
        if self._current is None or time.monotonic() < self._kept_until:
            return
        delivery, job = self._current
        if (ended := job.poll()) is None:
            if job.overdue != self._overdue:
                self._overdue = job.overdue
                self._tell(f"{delivery.name}: {job.overdue}: its processes get SIGTERM", Severity.WARNING)
            return
        try:
            how, settled = self._settle(delivery, ended)
        except RequestRefused as error:
            self._tell(f"{error.sentence}; {error.hint}" if error.hint else error.sentence, Severity.ERROR)
            self._kept_until = time.monotonic() + _LONGEST_PAUSE
            return
        self._current = None
        is_well = settled and ended.failure is None
        words = f"{delivery.name} {how}{'' if settled else _TOO_LATE}"
        self._tell(words, Severity.INFO if is_well else Severity.WARNING)

    def _settle(self, delivery: Delivery, ended: Ended) -> tuple[str, bool]:
        """Settle a message; return its fate in words, and False if its connection is gone."""
        if ended.is_late and self._attempts.allows_another(delivery):
            number = self._attempts.number(delivery)
            return f"given back to its queue: {ended.failure} ({number})", self._inbox.requeue(delivery)
        if ended.failure is None:
            how, settled = "done", self._inbox.acknowledge(delivery)
        else:
            how, settled = f"rejected: {ended.failure}", self._inbox.reject(delivery, ended.failure)
        if settled:
            self._attempts.finish(delivery)
        return how, settled

    @property
    def _is_idle(self) -> bool:
        return self._current is None and not self._waiting

    @property
    def _pause(self) -> float:
        """The seconds for which there is nothing to do, unless something happens."""
        if self._current is None:
            return 0.0 if self._waiting else _TICK
        job = self._current[1]
        if job.poll() is not None:
            return min(_TICK, max(0.0, self._kept_until - time.monotonic()))
        return min(_TICK, job.seconds_left)


class _Patience:
    """Growing pauses after failures. Each failure is told once.

    The pauses are random, because all workers lose a broker at the same moment.
    """

    def __init__(self, wakeup: Wakeup, tell: Tell, readiness: Readiness) -> None:
        self._wakeup, self._tell, self._readiness = wakeup, tell, readiness
        self._pause, self._told = _FIRST_PAUSE, ""

    def after(self, error: AttuneError) -> None:
        """Tell the failure, and wait until it is time to try again or to stop."""
        self._readiness.lacks(error.sentence)
        if error.sentence != self._told:
            self._tell(f"{error.sentence}; retrying", Severity.WARNING)
            if isinstance(error, QueueUnavailable) and error.hint:
                self._tell(error.hint, Severity.WARNING)
        self._told = error.sentence
        self._wakeup.wait(self._pause * random.uniform(0.5, 1))  # noqa: S311 # no secret
        self._pause = min(self._pause * 2, _LONGEST_PAUSE)
