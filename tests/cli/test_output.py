"""Warnings that a command prints beside its result."""

from __future__ import annotations

from contextlib import suppress

import pytest

from attune_infra.cli._output import Warnings
from attune_infra.errors import BrokerError, NoMajority, RequestRefused


def test_a_warning_is_printed_at_once_or_at_the_end(capsys: pytest.CaptureFixture[str]) -> None:
    for at_end in (False, True):
        with Warnings(at_end=at_end) as warn:
            warn("mind this")
            before = capsys.readouterr().err
        assert (before, capsys.readouterr().err) == (
            ("", "warning: mind this\n") if at_end else ("warning: mind this\n", "")
        )


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (NoMajority("lost"), ""),
        (RequestRefused("queue q was not created: lost"), ""),
        (BrokerError("other"), "warning: lost\n"),
    ],
)
def test_a_failure_that_says_the_same_is_enough(
    capsys: pytest.CaptureFixture[str], error: BrokerError, told: str
) -> None:
    with suppress(BrokerError), Warnings(at_end=True) as warn:
        warn("lost")
        raise error

    assert capsys.readouterr().err == told
