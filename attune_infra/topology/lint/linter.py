"""(topology, release, rules) -> findings."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TypeAlias

from attune_infra.topology.document.places import Claim, Place, Places, Thing
from attune_infra.topology.facts.compatibility import RELEASES
from attune_infra.topology.facts.machinery import is_hidden
from attune_infra.topology.facts.releases import NEWEST, Version
from attune_infra.topology.lint.finding import Finding, Flaw, Linted, Rule
from attune_infra.topology.lint.rules import RULES, UNUSED_SUPPRESSION
from attune_infra.topology.lint.subject import Subject
from attune_infra.topology.model import Binding, Exchange, Queue, Severity, Suppression, Topology, label

_Suppressions: TypeAlias = "Mapping[tuple[str, str | None], Sequence[Suppression]]"
"""Suppressions by their rules and objects."""


def lint(
    topology: Topology,
    *,
    source: str = "",
    version: Version = NEWEST,
    rules: Iterable[Rule] = RULES,
    fail_on: Severity = Severity.WARNING,
    places: Places | None = None,
    consumers: Mapping[str, int] | None = None,
    beside: Mapping[str, Topology] | None = None,
) -> Linted:
    """Return the findings of these rules about a topology, in the order of their places or else of their codes.

    `beside` are the virtual hosts of its document, which its shovels may name.
    Private queues count as queues, but no finding is about them or their bindings: no document could mend those.
    Suppressed findings are kept apart. A suppression without a finding on any release is a finding itself.
    """
    asked, known = tuple(rules), places or Places()
    subject = Subject(topology, version, consumers=consumers, beside=beside)
    found, suppressed = list[Finding](), list[tuple[Finding, str]]()
    used: set[Suppression] = set()
    by_object = _by_object(topology.suppressions)
    for rule in asked:
        if rule is UNUSED_SUPPRESSION:
            unused = _unused(topology.suppressions, used, asked)
            subject.unused = tuple(each for each in unused if not _is_for_another_release(each, subject))
        for flaw in (each for each in rule.find(subject) if not _is_hidden(each, topology)):
            finding = _finding(rule, flaw, known)
            if by_object and (matching := _matching(by_object, finding, getattr(flaw.item, "name", None))):
                used.update(matching)
                suppressed.append((finding, matching[0].reason))
            else:
                found.append(finding)
    return Linted(
        source=source,
        version=version,
        findings=tuple(sorted(found, key=_order)),
        suppressed=tuple(sorted(suppressed, key=lambda pair: _order(pair[0]))),
        fail_on=fail_on,
    )


def _is_hidden(flaw: Flaw, topology: Topology) -> bool:
    """Return whether a flaw is of an object that no topology declares, or of a binding of one."""
    item = flaw.item
    if isinstance(item, Binding):
        destinations = topology.queues if item.destination_type == "queue" else topology.exchanges
        ends = (topology.exchanges.get(item.source), destinations.get(item.destination))
        return any(end is not None and is_hidden(end) for end in ends)
    return isinstance(item, Exchange | Queue) and is_hidden(item)


def _finding(rule: Rule, flaw: Flaw, places: Places) -> Finding:
    item = flaw.item
    return Finding(
        rule=rule.code,
        severity=rule.severity,
        item=item,
        object=_name(item),
        what=flaw.what,
        remedy=flaw.remedy,
        place=places.of(item, flaw.part),
    )


def _name(item: Thing) -> str:
    """Return the name of a thing in a finding."""
    match item:
        case Suppression():
            return f"suppression of {item.rule}"
        case Claim():
            return f"manages {item.name}"
        case _:
            return label(item)


def _by_object(suppressions: Iterable[Suppression]) -> _Suppressions:
    found: dict[tuple[str, str | None], list[Suppression]] = defaultdict(list)
    for each in suppressions:
        found[each.rule, each.object].append(each)
    return found


def _matching(by_object: _Suppressions, finding: Finding, name: str | None) -> Sequence[Suppression]:
    """Return the suppressions of a finding: for its object by label, by name, and for all objects."""
    names = dict.fromkeys((finding.object, name, None))
    return [each for name in names for each in by_object.get((finding.rule, name), ())]


def _unused(
    suppressions: Iterable[Suppression], used: set[Suppression], asked: Iterable[Rule]
) -> Iterator[Suppression]:
    """Return the suppressions without a finding; without those of rules that were not asked for."""
    not_asked = {rule.code for rule in RULES} - {rule.code for rule in asked}
    return (each for each in suppressions if each not in used and each.rule not in not_asked)


def _is_for_another_release(suppression: Suppression, subject: Subject) -> bool:
    """Return whether a suppression has a finding on any release: a document may be linted for several."""
    by_object = _by_object([suppression])
    return any(
        _matching(by_object, _finding(rule, flaw, Places()), getattr(flaw.item, "name", None))
        for rule in RULES
        if rule.code == suppression.rule and rule is not UNUSED_SUPPRESSION
        for version in RELEASES
        for flaw in rule.find(Subject(subject.topology, version, beside=subject.beside))
    )


def _order(finding: Finding) -> tuple[object, ...]:
    place = finding.place or Place(0, 0)
    return (place.source, place.line, place.column, finding.rule, finding.object, finding.what)
