"""Findings -> summaries: many findings that say the same of other objects become one."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from typing import Final, TypeAlias

from attune_infra.dataclass import dataclass
from attune_infra.topology.lint.finding import Finding
from attune_infra.topology.words import plural, without_numbers

MAX_SINGLE_FINDINGS: Final = 5
"""Findings that may say the same; if there are more, one summary stands for all of them."""

_MAX_NAMES_LISTED: Final = 5
_QUOTED: Final = re.compile(r"('[^']*')")
_NUMBER: Final = re.compile(r"([0-9]+)")
_ANY_NAME: Final = "'...'"

_Parts: TypeAlias = "tuple[str, ...]"


@dataclass(frozen=True, slots=True)
class Summary:
    """One finding, or more than `MAX_SINGLE_FINDINGS` that say the same of objects of one kind."""

    findings: Sequence[Finding]

    @property
    def object(self) -> str:
        """The objects, in words: `queue jobs`, or `each of 200 queues (worker.{n}.jobs)`."""
        objects = dict.fromkeys(finding.object for finding in self.findings)
        if len(objects) == 1:
            return self.findings[0].object
        kind, names = _kind(self.findings[0]), [each.partition(" ")[2] for each in objects]
        return f"each of {len(names)} {plural(kind)} ({_listed(names)})"

    @property
    def what(self) -> str:
        return _common([finding.what for finding in self.findings])

    @property
    def remedy(self) -> str:
        return _common([finding.remedy for finding in self.findings])


def summarize(findings: Sequence[Finding]) -> Iterator[Summary]:
    """Yield the findings in their order; a summary stands at the place of its first finding.

    Two findings say the same if their rules, the kinds of their objects and their sentences are equal. Numbers may
    differ, and quoted names that are part of the name of the object.
    """
    groups: dict[object, list[Finding]] = defaultdict(list)
    for finding in findings:
        groups[_meaning(finding)].append(finding)
    for finding in findings:
        group = groups[_meaning(finding)]
        if len(group) <= MAX_SINGLE_FINDINGS:
            yield Summary([finding])
        elif finding is group[0]:
            yield Summary(group)


def _meaning(finding: Finding) -> tuple[str, str, _Parts, _Parts]:
    """Return a value that is equal for findings that say the same."""
    own = finding.object
    return finding.rule, _kind(finding), _without_names(finding.what, own), _without_names(finding.remedy, own)


def _without_names(sentence: str, own: str) -> _Parts:
    return tuple(
        _ANY_NAME if _QUOTED.fullmatch(part) and part.strip("'") in own else without_numbers(part)
        for part in _QUOTED.split(sentence)
    )


def _kind(finding: Finding) -> str:
    return finding.object.partition(" ")[0]


def _listed(names: Iterable[str]) -> str:
    """Return names, in words; names that differ only by numbers are listed once, with `{n}` for each number."""
    alike: dict[str, list[str]] = defaultdict(list)
    for name in names:
        alike[without_numbers(name)].append(name)
    groups = list(alike.values())
    listed = ", ".join(_common(group) for group in groups[:_MAX_NAMES_LISTED])
    others = sum(map(len, groups[_MAX_NAMES_LISTED:]))
    return f"{listed} and {others} more" if others else listed


def _common(sentences: Sequence[str]) -> str:
    """Return one sentence for several that differ only by numbers or quoted names."""
    if len(set(sentences)) == 1:
        return sentences[0]
    return "".join(map(_common_part, zip(*map(_QUOTED.split, sentences), strict=True)))


def _common_part(parts: Sequence[str]) -> str:
    if len(set(map(without_numbers, parts))) > 1:
        return _ANY_NAME
    pieces = zip(*map(_NUMBER.split, parts), strict=True)
    return "".join(each[0] if len(set(each)) == 1 else without_numbers(each[0]) for each in pieces)
