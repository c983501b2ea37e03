"""The rule about the names that a document manages."""

from __future__ import annotations

from collections.abc import Iterator

from attune_infra.topology.document.places import Claim
from attune_infra.topology.facts.patterns import claims
from attune_infra.topology.lint.finding import Flaw
from attune_infra.topology.lint.subject import Subject
from attune_infra.topology.routing.index import example_name


def claims_nothing(subject: Subject) -> Iterator[Flaw]:
    """A `manages` pattern claims nothing of its document.

    `setup --prune` deletes undeclared objects under names that a pattern claims. A pattern that claims none of the
    declared names either is probably wrong, and then `--prune` silently leaves everything. A pattern that begins
    with `^` claims the names that begin so; any other must match the whole name.
    """
    names = [example_name(item) for item in subject.named]
    names += [binding.destination for binding in subject.bindings]
    for pattern in subject.topology.manages:
        if not any(claims(pattern, name) for name in names):
            what = "it claims no name in this document, so --prune deletes nothing for it"
            yield Flaw(Claim(pattern), what, _remedy(pattern, names))


def _remedy(pattern: str, names: list[str]) -> str:
    if any(claims(f"^{pattern}", name) for name in names):
        return f"write '^{pattern}' to claim all names that begin so: without ^ it must match the whole name"
    return "correct the pattern, or remove it"
