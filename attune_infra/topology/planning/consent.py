"""Consent to destroy: for all of a plan or some objects of it, never for protected ones, up to a threshold."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from attune_infra.dataclass import dataclass
from attune_infra.errors import PlanRefused, WrongUsage
from attune_infra.topology.document.selectors import first_selecting, selector_problem
from attune_infra.topology.model import TopologyObject
from attune_infra.topology.words import counted

EVERYTHING: Final = "*"
NOT_ALLOWED: Final = "deleting was not allowed"
_SPARED: Final = 10
"""Up to this many deletions, a share says nothing: they may be most of a small virtual host."""


@dataclass(frozen=True, slots=True)
class Threshold:
    """The most objects that may be deleted at once: a number, or a share of those that exist."""

    number: int | None = None
    percent: float | None = None

    @classmethod
    def of(cls, text: str) -> Threshold:
        """Read `20` or `30%`; raise `WrongUsage` for anything else."""
        found = re.fullmatch(r"([0-9]{1,9})|([0-9]{1,3}(?:\.[0-9]+)?)%", text.strip(), re.ASCII)
        if found is None:
            raise WrongUsage(f"--max-deletes is '{text}'", hint="give a number, as 20, or a share, as 30%")
        return cls(int(found[1])) if found[1] else cls(percent=float(found[2]))

    def excess(self, deletions: int, existing: int) -> str | None:
        """Return a sentence if this is more than may be deleted at once, None if it is not."""
        if self.number is not None and deletions > self.number:
            limit = str(self.number)
        elif self.percent is not None and deletions > max(_SPARED, existing * self.percent / 100):
            limit = f"{self.percent:g}%"
        else:
            return None
        return f"the plan deletes {deletions} of {counted(existing, 'object')}, and --max-deletes is {limit}"


DEFAULT_THRESHOLD: Final = "30%"
NO_THRESHOLD: Final = Threshold()


@dataclass(frozen=True, slots=True)
class Consent:
    """The objects that may be deleted: those that an `allowed` selector names, and no `protected` one does."""

    allowed: tuple[str, ...] = ()
    protected: tuple[str, ...] = ()
    threshold: Threshold = NO_THRESHOLD

    @classmethod
    def given(
        cls, selectors: Iterable[str], protected: tuple[str, ...] = (), *, max_deletes: str | None = None
    ) -> Consent:
        """Return a consent; raise `WrongUsage` if a text is no selector or no threshold."""
        allowed = tuple(selectors)
        for selector in allowed:
            if what := selector_problem(selector):
                raise WrongUsage(
                    f"the selector '{selector}' {what}",
                    hint="write KIND:NAME, as in queue:orders or queue:orders.*",
                )
        return cls(allowed, protected, Threshold.of(max_deletes or DEFAULT_THRESHOLD))

    def why_not(self, item: TopologyObject, along: Iterable[TopologyObject] = ()) -> str | None:
        """Return the reason why an object must stay, None if it may be deleted with what goes `along`."""
        for each in (item, *along):
            if selector := first_selecting(self.protected, each):
                return f"`protect` of the document names it: {selector}"
        if first_selecting(self.allowed, item) is None:
            return NOT_ALLOWED
        return None


def refuse_excess(excess: str | None) -> None:
    """Raise `PlanRefused` if a plan deletes more than may be deleted at once."""
    if excess is not None:
        raise PlanRefused(
            f"{excess}; nothing was changed",
            hint="is it the document, the broker and the registry that you meant? if so, raise --max-deletes",
        )


TO_NOTHING: Final = Consent()
TO_ALL: Final = Consent((EVERYTHING,))
