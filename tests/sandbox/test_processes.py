"""The lines of a failed program's log that an error quotes."""

from __future__ import annotations

from attune_infra.sandbox.processes import summarize_log


def test_the_first_complaints_are_told_once_and_without_their_prefix() -> None:
    log = (
        "2026-11-24 10:32:53.361355+00:00 [info] <0.130.0> all is well\n"
        "2026-11-24 10:32:53.361355+00:00 [error] <0.132.0> There is no setting x.\n"
        "2026-11-24 10:32:53.403189+00:00 [error] <0.132.0> \n"
        "BOOT FAILED\n"
        "BOOT FAILED\n"
    )

    assert summarize_log(log).splitlines() == [
        "  There is no setting x.",
        "  BOOT FAILED",
    ]


def test_without_complaints_the_end_is_told() -> None:
    assert summarize_log("one\n\ntwo\nthree\n", lines=2) == "  two\n  three"
