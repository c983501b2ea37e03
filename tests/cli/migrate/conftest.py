"""A queue to migrate, and the document of the wanted one."""

from __future__ import annotations

from pathlib import Path

import amqp
import pytest

from support.orders import COUNT, Document, declare, publish


@pytest.fixture
def document(tmp_path: Path) -> Document:
    """Write a document that wants a queue, and return its path."""

    def write(kind: str = "quorum", *, name: str = "orders", more: str = "") -> str:
        path = tmp_path / "my orders.yaml"
        path.write_text(f"queues:\n  {name}: {{type: {kind}{more}}}\n")
        return str(path)

    return write


@pytest.fixture
def orders(channel: amqp.Channel) -> str:
    """A classic queue that holds messages."""
    declare(channel, "orders")
    publish(channel, "orders", COUNT)
    return "orders"
