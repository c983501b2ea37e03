"""A message sent to one worker."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from attune_infra.fleet.dispatch import Dispatch
from attune_infra.render.text import Line

if TYPE_CHECKING:
    from attune_infra.contract.workers import DispatchData


def lines(sent: Dispatch) -> Iterator[Line]:
    if sent.routed:
        yield Line(f"+ message {sent.message_id} is in the queue of worker {sent.worker_id}", "green")
    else:
        target = f"exchange {sent.exchange} with routing key {sent.routing_key}"
        yield Line(f"! no queue is bound to {target}: nothing was sent", "red")


def data(sent: Dispatch) -> DispatchData:
    return {
        "worker_id": sent.worker_id,
        "exchange": sent.exchange,
        "routing_key": sent.routing_key,
        "message_id": sent.message_id,
        "routed": sent.routed,
    }
