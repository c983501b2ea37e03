"""Findings and rules of lint, as values."""

from __future__ import annotations

import inspect
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, ClassVar, NamedTuple, TypeAlias

from attune_infra.dataclass import dataclass
from attune_infra.errors import ExitCode
from attune_infra.topology.document.origin import Origin
from attune_infra.topology.document.places import Place, Thing
from attune_infra.topology.document.problems import Problem
from attune_infra.topology.facts.releases import Version
from attune_infra.topology.model import Severity

if TYPE_CHECKING:
    from attune_infra.topology.lint.examples import Example
    from attune_infra.topology.lint.subject import Subject


class Flaw(NamedTuple):
    """A flaw of an object, or of one `part` of it, with its remedy."""

    item: Thing
    what: str
    remedy: str
    part: str = ""


Find: TypeAlias = "Callable[[Subject], Iterator[Flaw]]"


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule; the docstring of the function that finds its flaws holds its title and reason."""

    code: str
    severity: Severity
    find: Find

    @property
    def title(self) -> str:
        return self._paragraphs[0].removesuffix(".")

    @property
    def reason(self) -> str:
        return self._paragraphs[1]

    @property
    def _paragraphs(self) -> tuple[str, str]:
        title, _, rest = (inspect.getdoc(self.find) or "").partition("\n\n")
        return title, rest


class Finding(NamedTuple):
    """One legal but unwise thing; `object` names it as sentences do, such as `queue jobs`."""

    rule: str
    severity: Severity
    item: Thing
    object: str
    what: str
    remedy: str
    place: Place | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Linted:
    """All findings in one `source`, a document or a broker; the `suppressed` ones come with their reasons."""

    source: str
    version: Version
    findings: tuple[Finding, ...]
    suppressed: tuple[tuple[Finding, str], ...] = ()
    fail_on: Severity = Severity.WARNING
    problems: tuple[Problem, ...] = ()
    """Problems of the text; an error if this release refuses them, else a warning."""
    is_readable: bool = True
    """False if the problems left nothing to find flaws in."""
    file: str | None = None
    """The file of the source; None for a broker, a built-in topology and standard input."""

    def counts(self) -> Counter[Severity]:
        """Return the number of findings and problems of each severity."""
        severities = Counter(finding.severity for finding in self.findings)
        severities.update(map(self.severity_of, self.problems))
        return severities

    def naming_virtual_host(self, name: str | None) -> Linted:
        """Return the same with the virtual host behind the name of each object, if it has a name."""
        if name is None:
            return self
        where = f" in virtual host {name}"
        return replace(self, findings=tuple(each._replace(object=each.object + where) for each in self.findings))

    def severity_of(self, problem: Problem) -> Severity:
        return Severity.WARNING if problem.is_taken_by(self.version) else Severity.ERROR

    def file_of(self, source: str) -> str | None:
        """Return the file of one of several documents, by its name; of the only one if the name is empty."""
        spot = Origin(self.file).at(1, 1, source=source)
        return None if spot is None else spot.file

    @property
    def exit_code(self) -> ExitCode:
        """Drift if any finding is at least as severe as `fail_on`; failed if there was nothing to examine."""
        if not self.is_readable:
            return ExitCode.FAILED
        is_bad = any(severity.is_at_least(self.fail_on) for severity in self.counts())
        return ExitCode.DRIFT if is_bad else ExitCode.DONE


@dataclass(frozen=True, slots=True)
class LintedTexts:
    """The findings in several documents, or in one, in the order of the command line."""

    texts: tuple[Linted, ...]

    @property
    def version(self) -> Version:
        """The release that the findings are about."""
        return self.texts[0].version

    def counts(self) -> Counter[Severity]:
        """Return the number of findings and problems of each severity."""
        return sum((each.counts() for each in self.texts), Counter[Severity]())

    @property
    def exit_code(self) -> ExitCode:
        """Failed if any text could not be examined, else drift if any has such a finding."""
        codes = {each.exit_code for each in self.texts}
        return ExitCode.FAILED if ExitCode.FAILED in codes else max(codes)


@dataclass(frozen=True, slots=True)
class Explanation:
    """Rules, each with its example."""

    exit_code: ClassVar[ExitCode] = ExitCode.DONE

    rules: tuple[tuple[Rule, Example], ...]
