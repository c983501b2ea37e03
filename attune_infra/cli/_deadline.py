"""The end of a command at its deadline, and the changes that a command made before a failure cut it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext

from attune_infra import deadline
from attune_infra.errors import (
    AttuneError,
    BrokerUnreachable,
    DeadlinePassed,
    LoginRefused,
    NotWritten,
    RegistryUnreachable,
)
from attune_infra.journal import JOURNAL
from attune_infra.masking import masked

_CUTS = (BrokerUnreachable, DeadlinePassed, LoginRefused, NotWritten, RegistryUnreachable)
"""Failures that may come in the middle of a command, in place of its report."""


@contextmanager
def bounded_by(seconds: float | None) -> Iterator[None]:
    """Raise `DeadlinePassed` if the block takes longer; let each failure say which changes were made before it."""
    JOURNAL.clear()
    try:
        with nullcontext() if seconds is None else deadline.within(seconds):
            yield
    except deadline.Passed:
        raise with_changes(_too_late(seconds or 0.0)) from None
    except _CUTS as error:
        with_changes(error)
        raise


def _too_late(seconds: float) -> DeadlinePassed:
    nothing = "" if str(JOURNAL) else ", and it had changed nothing"
    hint = "run the same command again, with a longer --deadline if it needs one: it starts from what is there"
    if JOURNAL.has("copied"):
        hint = "a copy begins anew: empty its target, then run the same command again, with a longer --deadline"
    return DeadlinePassed(
        f"the command did not end within {seconds:g} s (--deadline){nothing}; a request that was under way may"
        " still be carried out",
        hint=hint,
    )


def with_changes(error: AttuneError) -> AttuneError:
    """Add the changes to a failure, and that the same command goes on from there."""
    if changes := str(JOURNAL):
        words = masked(f"; before, the command had {changes}")
        error.sentence, error.text = f"{error.sentence}{words}", f"{error.text}{words}"
        again = "run the same command again: it goes on from there"
        hint = error.hint or ""
        error.hint = hint if "again" in hint else "; ".join(filter(None, [hint, again]))
    return error
