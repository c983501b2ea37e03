"""Cases that users of RabbitMQ reported in public, rebuilt, each as a user of the command meets it."""

from __future__ import annotations

from collections.abc import Callable
from itertools import count
from pathlib import Path

import pytest

Write = Callable[[str], str]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Write a document, and return the name of its file."""
    numbers = count()

    def write_document(text: str) -> str:
        path = tmp_path / f"{next(numbers)}.yaml"
        path.write_text(text, encoding="utf-8")
        return str(path)

    return write_document
