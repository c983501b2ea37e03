"""The rule about suppressions."""

from __future__ import annotations

from collections.abc import Iterator

from attune_infra.topology.lint.finding import Flaw
from attune_infra.topology.lint.subject import Subject


def unused(subject: Subject) -> Iterator[Flaw]:
    """A suppression suppresses nothing.

    Its finding was fixed, or the object has another name. It would hide the next finding of its rule, which nobody
    has seen yet.
    """
    for suppression in subject.unused:
        about = f" about {suppression.object}" if suppression.object else ""
        what = f"there is no finding of {suppression.rule}{about} to suppress"
        yield Flaw(suppression, what, "remove the suppression, or correct its rule and object", "rule")
