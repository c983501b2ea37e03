"""Consent to destroy: for all of a plan or some objects of it, never for protected ones, up to a threshold."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from attune_infra.errors import PlanRefused, WrongUsage
from attune_infra.topology.document.selectors import first_selecting, selector_problem
from attune_infra.topology.model import TopologyObject
from attune_infra.topology.words import counted

EVERYTHING: Final = "*"
NOT_ALLOWED: Final = "deleting was not allowed"
_SPARED: Final = 10
"""Up to this many deletions, a share says nothing: they may be most of a small virtual host."""


@dataclass(frozen=True, slots=True)
class Consent:
    """The objects that may be deleted: those that an `allowed` selector names, and no `protected` one does."""

    allowed: tuple[str, ...] = ()
    protected: tuple[str, ...] = ()

    @classmethod
    def given(cls, selectors: Iterable[str], *, protected: tuple[str, ...] = ()) -> Consent:
        """Return a consent; raise `WrongUsage` if a text is no selector."""
        allowed = tuple(selectors)
        for selector in allowed:
            if what := selector_problem(selector):
                raise WrongUsage(
                    f"the selector '{selector}' {what}",
                    hint="write KIND:NAME, as in queue:orders or queue:orders.*",
                )
        return cls(allowed, protected)

    def why_not(self, item: TopologyObject, along: Iterable[TopologyObject] = ()) -> str | None:
        """Return the reason why an object must stay, None if it may be deleted with what goes `along`."""
        for each in (item, *along):
            if selector := first_selecting(self.protected, each):
                return f"`protect` of the document names it: {selector}"
        if first_selecting(self.allowed, item) is None:
            return NOT_ALLOWED
        return None


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

    def check(self, deletions: int, existing: int) -> None:
        """Raise `PlanRefused` if this is more than may be deleted at once."""
        if self.number is not None and deletions > self.number:
            limit = str(self.number)
        elif self.percent is not None and deletions > max(_SPARED, existing * self.percent / 100):
            limit = f"{self.percent:g}%"
        else:
            return
        raise PlanRefused(
            f"the plan deletes {deletions} of {counted(existing, 'object')}, and --max-deletes is {limit}; "
            "nothing was changed",
            hint="is it the document, the broker and the registry that you meant? if so, give "
            f"--max-deletes {deletions}",
        )


DEFAULT_THRESHOLD: Final = "30%"
TO_NOTHING: Final = Consent()
TO_ALL: Final = Consent((EVERYTHING,))
