"""Rules about names that are legal but cause trouble for people and programs."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator

from attune_infra.topology.lint.finding import Flaw
from attune_infra.topology.lint.subject import Subject
from attune_infra.topology.routing.index import example_name
from attune_infra.topology.words import is_hidden

_INVISIBLE_CATEGORIES = {"Cf", "Zl", "Zp"}
_NEEDS_NO_QUOTES = re.compile(r"[\w.:@-]+")


def invisible_characters(subject: Subject) -> Iterator[Flaw]:
    """A name has invisible characters.

    Legal in names are spaces at either end, control characters, characters without a width, and characters that
    change the direction of writing. People can neither see them in a listing nor type them.
    """
    for item in subject.named:
        name = example_name(item)
        if name != name.strip() or not ((name.isascii() and name.isprintable()) or _is_visible(name)):
            yield Flaw(item, f"its name has invisible characters: {item.name!a}", "rename it")


def must_be_quoted(subject: Subject) -> Iterator[Flaw]:
    """A name must be quoted wherever it is used.

    It has spaces, or characters with a meaning in URLs, shells or regular expressions. RabbitMQ accepts them, but
    many tools do not: some clients of the management API write a space as `+` and so create another object.
    """
    for item in subject.named:
        name = example_name(item)
        if not _NEEDS_NO_QUOTES.fullmatch(name):
            odd = "".join(sorted({character for character in name if not _NEEDS_NO_QUOTES.fullmatch(character)}))
            what = f"its name must be quoted in URLs and shells: it has '{odd}'"
            yield Flaw(item, what, "use letters, digits and . - _ only")


def look_alike(subject: Subject) -> Iterator[Flaw]:
    """Two names look alike.

    They differ only in upper and lower case, or in the composition of an accented letter. RabbitMQ compares bytes
    and takes them for two objects.
    """
    for items in (subject.exchanges, subject.queues, subject.policies):
        first: dict[str, str] = {}
        for item in items:
            other = first.setdefault(unicodedata.normalize("NFKC", item.name).casefold(), item.name)
            if other != item.name:
                yield Flaw(item, f"its name looks like '{other}'", "rename one of the two")


def _is_visible(name: str) -> bool:
    return not any(
        is_hidden(character) or unicodedata.category(character) in _INVISIBLE_CATEGORIES for character in name
    )
