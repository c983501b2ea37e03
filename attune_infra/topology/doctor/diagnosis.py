"""Checks with their verdicts, and the diagnosis that they add up to."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeVar

from attune_infra.errors import AttuneError, ExitCode

_T = TypeVar("_T")


class Verdict(StrEnum):
    """The result of a check."""

    OK = "ok"
    WARNING = "warning"
    """Nothing fails now, but it will after an upgrade or some time."""
    PROBLEM = "problem"
    """A command would fail."""
    UNKNOWN = "unknown"
    """The check could not be made."""


class Section(StrEnum):
    """The theme of a check."""

    CONNECTIONS = "connections"
    TLS = "TLS"
    VERSIONS = "versions"
    PERMISSIONS = "permissions"
    PLUGINS = "plugins"
    ALARMS = "alarms"
    FEATURES = "features"
    CLOCKS = "clocks"
    LIMITS = "limits"
    DOCUMENT = "document"
    REGISTRY = "registry"


@dataclass(frozen=True, slots=True)
class Check:
    """One check. A finding has a fix in words, lines to run, or both; nothing runs them here."""

    section: Section
    name: str
    verdict: Verdict
    detail: str = ""
    fix: str = ""
    run: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """All checks, in the order in which they were made; `answered` is False if no server did."""

    checks: tuple[Check, ...]
    answered: bool = True
    command: str | None = None
    strict: bool = False

    def counts(self) -> Counter[Verdict]:
        return Counter(check.verdict for check in self.checks)

    @property
    def exit_code(self) -> ExitCode:
        """Failed, if no server answered, or with `strict` if a check is unknown; drift, if there is a problem."""
        counts = self.counts()
        if not self.answered:
            return ExitCode.FAILED
        if counts[Verdict.PROBLEM]:
            return ExitCode.DRIFT
        return ExitCode.FAILED if self.strict and counts[Verdict.UNKNOWN] else ExitCode.DONE


def ok(section: Section, name: str, detail: str = "") -> Check:
    """Return a check that found nothing."""
    return Check(section, name, Verdict.OK, detail)


def problem(section: Section, name: str, detail: str, fix: str = "", *run: str) -> Check:
    """Return a check that found the cause of a failure."""
    return Check(section, name, Verdict.PROBLEM, detail, fix, run)


def warning(section: Section, name: str, detail: str, fix: str = "", *run: str) -> Check:
    """Return a check that found the cause of a failure to come."""
    return Check(section, name, Verdict.WARNING, detail, fix, run)


def unknown(section: Section, name: str, detail: str, fix: str = "", *run: str) -> Check:
    """Return a check that could not be made, with the reason."""
    return Check(section, name, Verdict.UNKNOWN, detail, fix, run)


def judged(
    section: Section, name: str, answer: _T | AttuneError, judge: Callable[[_T], Iterator[Check]]
) -> Iterator[Check]:
    """Yield the checks of an answer; one unknown check, if there is only the failure to get it."""
    if isinstance(answer, AttuneError):
        yield unknown(section, name, answer.sentence, answer.hint or "")
    else:
        yield from judge(answer)
