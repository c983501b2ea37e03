"""A message sent to one worker."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict

from attune_infra.fleet.dispatch import Dispatch
from attune_infra.render.data import Data
from attune_infra.render.text import Line


def lines(sent: Dispatch) -> Iterator[Line]:
    if sent.routed:
        yield Line(f"+ message {sent.message_id} is in the queue of worker {sent.worker_id}", "green")
    else:
        target = f"exchange {sent.exchange} with routing key {sent.routing_key}"
        yield Line(f"! no queue is bound to {target}: nothing was sent", "red")


def data(sent: Dispatch) -> Data:
    return asdict(sent)
