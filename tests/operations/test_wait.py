"""Waiting ends with a settled result or with its time; only the last failure is raised."""

from collections.abc import Callable, Iterator

import pytest

from attune_infra.errors import AttuneError, BrokerUnreachable, LoginRefused
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
