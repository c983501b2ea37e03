"""How many there are of something, in words."""

from __future__ import annotations


def counted(count: int | None, noun: str) -> str:
    """Return how many there are of something: `1 queue`, `2 queues`; None is a number that nobody knows."""
    if count is None:
        return f"an unknown number of {noun}s"
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"
