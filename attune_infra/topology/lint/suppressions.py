"""The rule about what lint is told not to say."""

from __future__ import annotations

from collections.abc import Iterator

from attune_infra.topology.lint.finding import Flaw
from attune_infra.topology.lint.subject import Subject


def unused(subject: Subject) -> Iterator[Flaw]:
    """A suppression suppresses nothing.

    What it was for is mended, or the object is called otherwise. It would hide the next finding of its rule that
    nobody has looked at yet.
    """
    for suppression in subject.unused:
        of = f" of {suppression.object}" if suppression.object else ""
        what = f"there is no finding of {suppression.rule}{of} to suppress"
        yield Flaw(suppression, what, "remove the suppression, or correct its rule and object", "rule")
