"""A call in the background starts at once. Waiting for it returns its result or raises its exception.

Several threads share one answer.
"""

from threading import Barrier, Event, Thread

import pytest

from attune_infra.background import Once, run_in_background


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


def test_threads_that_ask_at_the_same_time_get_one_answer() -> None:
    once, start, asked, found = Once[int](), Barrier(4), list[int](), list[int]()

    def ask() -> int:
        asked.append(1)
        return len(asked)

    def run() -> None:
        start.wait()
        found.append(once(ask))

    threads = [Thread(target=run) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert found == [1, 1, 1, 1]


def test_a_failure_is_no_answer() -> None:
    once = Once[str]()

    with pytest.raises(ZeroDivisionError):
        once(lambda: str(1 // 0))

    assert once(lambda: "") == ""
    assert once(lambda: "another") == ""
