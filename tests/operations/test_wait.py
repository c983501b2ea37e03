"""Waiting ends with a settled result or with its time; only the last failure is raised."""

from collections.abc import Callable, Iterator

import pytest

from attune_infra.errors import AttuneError, BrokerUnreachable, LoginRefused
from attune_infra.operations import wait
from attune_infra.operations.wait import wait_for, wait_until


def results(*values: int | AttuneError) -> Callable[[], int]:
    """Return a function that returns or raises one value after another, and the last one ever after."""
    coming: Iterator[int | AttuneError] = iter(values)
    last = values[-1]

    def look() -> int:
        value = next(coming, last)
        if isinstance(value, AttuneError):
            raise value
        return value

    return look


def away(sentence: str = "away") -> BrokerUnreachable:
    return BrokerUnreachable(sentence)


def test_the_first_settled_result_is_returned() -> None:
    assert wait_until(results(1, 2, 3), lambda seen: seen >= 2, seconds=10) == 2


@pytest.mark.parametrize("seconds", [0, 0.15])
def test_after_the_time_the_last_result_is_returned(seconds: float) -> None:
    assert wait_until(results(1), lambda _: False, seconds=seconds) == 1


def test_without_time_there_is_one_look() -> None:
    assert wait_until(results(1, 2), lambda seen: seen == 2, seconds=0) == 1


def test_a_failure_that_may_pass_is_waited_out_and_reported() -> None:
    pauses: list[str] = []

    seen = wait_for(
        results(away("first"), away("second"), 7), seconds=10, on_pause=lambda error: pauses.append(error.sentence)
    )

    assert seen == 7
    assert pauses == ["first", "second"]


def test_a_failure_after_a_result_is_waited_out_too() -> None:
    assert wait_until(results(1, away(), 2), lambda seen: seen == 2, seconds=10) == 2


@pytest.mark.parametrize("seconds", [0, 0.15])
def test_after_the_time_the_last_failure_is_raised(seconds: float) -> None:
    with pytest.raises(BrokerUnreachable, match="away"):
        wait_until(results(away()), lambda _: True, seconds=seconds)


def test_a_permanent_failure_is_raised_at_once() -> None:
    with pytest.raises(LoginRefused):
        wait_for(results(LoginRefused("wrong password"), 1), seconds=10)


class Clock:
    """A clock that a pause moves on at once, and that notes each pause."""

    def __init__(self) -> None:
        self._now = 0.0
        self.pauses: list[float] = []

    def monotonic(self) -> float:
        return self._now

    def sleep(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self._now += seconds


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(wait, "time", clock)
    return clock


def test_pauses_grow_to_two_seconds_and_end_with_the_time(clock: Clock) -> None:
    assert wait_until(results(1), lambda _: False, seconds=8) == 1

    assert clock.pauses == pytest.approx([0.1, 0.2, 0.4, 0.8, 1.6, 2, 2, 0.9])


def test_failures_have_the_same_pauses(clock: Clock) -> None:
    with pytest.raises(BrokerUnreachable):
        wait_for(results(away()), seconds=0.5)

    assert clock.pauses == pytest.approx([0.1, 0.2, 0.2])


def test_the_last_failure_is_raised_without_a_pause_after_it(clock: Clock) -> None:
    seen: list[str] = []

    with pytest.raises(BrokerUnreachable, match="third"):
        wait_for(
            results(away("first"), away("second"), away("third")),
            seconds=0.15,
            on_pause=lambda error: seen.append(error.sentence),
        )

    assert seen == ["first", "second"]
    assert clock.pauses == pytest.approx([0.1, 0.05])


def test_a_settled_result_needs_no_pause(clock: Clock) -> None:
    assert wait_for(results(1), seconds=10) == 1

    assert clock.pauses == []
