"""Answers that several virtual hosts share."""

from __future__ import annotations

from threading import Barrier, Thread

import pytest

from attune_infra.broker.shared import Once


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
