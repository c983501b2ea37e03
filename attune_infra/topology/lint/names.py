"""Rules about names: legal ones that people and programs stumble over."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator

from attune_infra.topology.lint.finding import Flaw
from attune_infra.topology.lint.subject import Subject
from attune_infra.topology.routing.index import example_name
from attune_infra.topology.words import is_hidden

_UNSEEN = {"Cf", "Zl", "Zp"}
_UNQUOTED = re.compile(r"[\w.:@-]+")


def cannot_be_seen(subject: Subject) -> Iterator[Flaw]:
    """A name holds what cannot be seen.

    Spaces at either end, control characters, and characters without a width or that turn the direction of
    writing are legal in names. Nobody sees them in a listing, and nobody can type them.
    """
    for item in subject.named:
        name = example_name(item)
        if name != name.strip() or not ((name.isascii() and name.isprintable()) or _can_be_seen(name)):
            yield Flaw(item, f"its name holds what cannot be seen: {item.name!a}", "rename it")


def must_be_quoted(subject: Subject) -> Iterator[Flaw]:
    """A name must be quoted wherever it is used.

    It holds spaces, or characters that mean something in URLs, shells or regular expressions. RabbitMQ takes them,
    but many tools do not: some clients of the management API write a space as `+`, and make another object of it.
    """
    for item in subject.named:
        name = example_name(item)
        if not _UNQUOTED.fullmatch(name):
            odd = "".join(sorted({character for character in name if not _UNQUOTED.fullmatch(character)}))
            what = f"its name must be quoted in URLs and shells: it holds '{odd}'"
            yield Flaw(item, what, "use letters, digits and . - _ only")


def alike(subject: Subject) -> Iterator[Flaw]:
    """Two names can hardly be told apart.

    They differ only in upper and lower case, or in how an accented letter is composed. RabbitMQ compares bytes:
    to it they are two objects.
    """
    for items in (subject.exchanges, subject.queues, subject.policies):
        first: dict[str, str] = {}
        for item in items:
            other = first.setdefault(unicodedata.normalize("NFKC", item.name).casefold(), item.name)
            if other != item.name:
                yield Flaw(item, f"its name can hardly be told from '{other}'", "rename one of the two")


def _can_be_seen(name: str) -> bool:
    return not any(is_hidden(character) or unicodedata.category(character) in _UNSEEN for character in name)
