"""A call beside another: it runs at once, and what it did shows where its answer is awaited."""

from threading import Event

import pytest

from attune_infra.background import run_in_background


def test_a_call_runs_while_something_else_is_done() -> None:
    called, go_on = Event(), Event()

    def call() -> str:
        called.set()
        assert go_on.wait(10)
        return "done"

    answer = run_in_background(call)
    assert called.wait(10)
    go_on.set()

    assert answer() == "done"


def test_what_a_call_raises_is_raised_where_its_answer_is_awaited() -> None:
    answer = run_in_background(lambda: int("seven"))

    with pytest.raises(ValueError, match="seven"):
        answer()
