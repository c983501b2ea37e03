"""A call in the background starts at once. Waiting for it returns its result or raises its exception."""

from threading import Event

import pytest

from attune_infra.background import run_in_background


def test_a_call_runs_while_the_caller_continues() -> None:
    called, go_on = Event(), Event()

    def call() -> str:
        called.set()
        assert go_on.wait(10)
        return "done"

    answer = run_in_background(call)
    assert called.wait(10)
    go_on.set()

    assert answer() == "done"


def test_waiting_raises_the_exception_of_the_call() -> None:
    answer = run_in_background(lambda: int("seven"))

    with pytest.raises(ValueError, match="seven"):
        answer()
