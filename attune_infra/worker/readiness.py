"""The readiness of a worker, as its endpoint `/readyz` tells it."""

from __future__ import annotations


class Readiness:
    """Hold the reason for which a worker is not ready; None while it is registered and consumes.

    One thread writes it and others read it.
    """

    def __init__(self) -> None:
        self.reason: str | None = "the worker has not registered yet"

    def lacks(self, reason: str) -> None:
        self.reason = reason

    def reached(self) -> None:
        self.reason = None

    def __call__(self) -> str | None:
        return self.reason
