"""The results of worker commands, and their exit codes."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from attune_infra.errors import ExitCode
from attune_infra.fleet.delivery import Delivery
from attune_infra.fleet.dispatch import Dispatch
from attune_infra.fleet.enlist import Enlisted
from attune_infra.fleet.leftovers import Leftover, Leftovers
from attune_infra.fleet.provision import Provisioned
from attune_infra.fleet.register import RegisteredWorker
from attune_infra.topology.builtin import attune
from attune_infra.topology.model import Queue
from attune_infra.topology.planning.report import Loss, Outcome, Report, Status
from attune_infra.topology.worker import worker_family

QUEUE = Queue(name="worker.7.executions")
WORKER = RegisteredWorker(id=7, name="w", created=datetime(2026, 11, 30, tzinfo=UTC), new=True)


def provisioned(status: Status) -> Provisioned:
    return Provisioned((7,), True, worker_family(attune()), Report((Outcome(QUEUE, status),)))


@pytest.mark.parametrize(
    ("status", "code"),
    [(Status.CREATED, ExitCode.DONE), (Status.FAILED, ExitCode.FAILED), (Status.DIFFERS, ExitCode.REFUSED)],
)
def test_provisioning_ends_as_its_report_does(status: Status, code: ExitCode) -> None:
    assert provisioned(status).exit_code is code


def test_enlisting_does_all_or_nothing_unless_a_queue_stays() -> None:
    refused = Enlisted(WORKER, provisioned(Status.FAILED), registered=False)

    assert Enlisted(WORKER, provisioned(Status.CREATED), registered=True).exit_code is ExitCode.DONE
    assert refused.exit_code is ExitCode.FAILED
    assert replace(refused, left=(Outcome(QUEUE, Status.FAILED),)).exit_code is ExitCode.PARTLY_DONE


@pytest.mark.parametrize(("routed", "code"), [(True, ExitCode.DONE), (False, ExitCode.DRIFT)])
def test_a_message_that_reached_no_queue_is_drift(*, routed: bool, code: ExitCode) -> None:
    sent = Dispatch(worker_id=7, exchange="e", routing_key="k", message_id="m", routed=routed)

    assert sent.exit_code is code


def test_a_message_is_known_again_by_where_it_came_from_and_its_body() -> None:
    first = Delivery(b"body", "m", 1, origin=("q", "e", "k", "m"))

    assert first.identity == replace(first, name="n", receipt=2, is_redelivered=True, earlier=3).identity
    assert first.identity != replace(first, body=b"other").identity
    assert first.identity != replace(first, origin=("q", "e", "k", "n")).identity
    assert len(first.identity) == 16


USED, UNUSED = (
    Leftover(QUEUE, "it is gone", Loss(messages=messages, consumers=0, bindings=0)) for messages in (1, 0)
)


@pytest.mark.parametrize(
    ("items", "even_if_used", "code"),
    [
        ((), False, ExitCode.DONE),
        ((UNUSED, UNUSED), False, ExitCode.DONE),
        ((UNUSED, USED), False, ExitCode.PARTLY_DONE),
        ((USED,), False, ExitCode.REFUSED),
        ((USED,), True, ExitCode.DONE),
    ],
)
def test_leftovers_in_use_stay(items: tuple[Leftover, ...], code: ExitCode, *, even_if_used: bool) -> None:
    assert Leftovers(items, even_if_used).exit_code is code
