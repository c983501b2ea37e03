"""A message handed to a worker."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Delivery:
    """A delivered message, unsettled until it is acknowledged or rejected, or its connection ends."""

    body: bytes
    name: str
    """Its name in a log."""
    receipt: object = field(repr=False)
