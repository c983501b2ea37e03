"""Topic keys as sets of routing keys: whether two have one in common, and whether one holds all of another's.

Which keys match a single message is not asked here, but of `topology.routing`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain, takewhile
from typing import Final, TypeAlias

from attune_infra.topology.routing import words_of


class _Wildcard:
    """A word of a topic key that stands for others."""

    __slots__ = ()


STAR: Final = _Wildcard()
HASH: Final = _Wildcard()

Word: TypeAlias = "str | _Wildcard"
Words: TypeAlias = "tuple[Word, ...]"
_At: TypeAlias = "int | None"
"""The place of a word: from the beginning 0 and more, from the end ~0 and less, and None for any."""

_WILDCARDS: Final = {"*": STAR, "#": HASH}
_ANY_OTHER: Final = "\0"
"""A word that is in no key, and so stands for all that are not."""


def pattern(key: str) -> Words:
    """Return the words of a key that a topic exchange is bound with."""
    if "*" in key or "#" in key:
        return tuple([_WILDCARDS.get(word, word) for word in words_of(key)])
    return literal(key)


def literal(key: str) -> Words:
    """Return the words of a key that stands for itself only."""
    return tuple(words_of(key))


def example(words: Words) -> str:
    """Return a routing key among those that the words stand for; where they can be any, it is nobody's."""
    return ".".join(word if isinstance(word, str) else _ANY_OTHER for word in words)


def shown(words: Words) -> str:
    """Return a key as it is written."""
    return ".".join(word if isinstance(word, str) else ("*" if word is STAR else "#") for word in words)


def is_literal(words: Words) -> bool:
    return STAR not in words and HASH not in words


def overlap(one: Words, other: Words) -> bool:
    """Return whether there is a routing key for which both stand."""
    ends = {(0, 0)}
    waiting = [(0, 0)]
    while waiting:
        here, there = waiting.pop()
        if here == len(one) and there == len(other):
            return True
        for step in _steps(one[here:], other[there:]):
            following = (here + step[0], there + step[1])
            if following not in ends:
                ends.add(following)
                waiting.append(following)
    return False


def _steps(one: Words, other: Words) -> list[tuple[int, int]]:
    """Return how many words on one may be, in each, when both have taken the same."""
    steps = []
    first, second = one[0] if one else None, other[0] if other else None
    if first is HASH:
        steps += [(1, 0)] + ([(0, 1)] if second is not None else [])
    if second is HASH:
        steps += [(0, 1)] + ([(1, 0)] if first is not None else [])
    if first is not None and second is not None and (first is STAR or second is STAR or first == second):
        steps.append((1, 1))
    return steps


class KeyTree:
    """Keys of topic bindings as a tree of words, which finds one that covers another without trying each.

    One covers another if its words can be laid over those of the other: `*` over any word but `#`, and `#` over
    any number of words. That is all, since a routing key may hold words that are in neither of the two.
    """

    def __init__(self, keys: Iterable[str]) -> None:
        self._root = _Branch()
        self._words = {key: _hash_first(pattern(key)) for key in keys}
        for key, words in self._words.items():
            if not is_literal(words):
                self._root.add(words, key)

    def covered(self) -> Iterator[tuple[str, str]]:
        """Yield the keys that another covers, each with one that does.

        Of keys that mean the same, the first covers the others.
        """
        for key, words in self._words.items():
            if (wider := self._wider(key, words)) is not None:
                yield key, wider

    def _wider(self, key: str, words: Words) -> str | None:
        waiting = [(self._root, 0)]
        seen = set(waiting)
        while waiting:
            branch, taken = waiting.pop()
            if taken == len(words) and branch.key not in {None, key}:
                return branch.key
            for step in branch.steps(words, taken):
                if step not in seen:
                    seen.add(step)
                    waiting.append(step)
        return None


@dataclass(slots=True, eq=False)
class _Branch:
    """Where keys part, and what follows there; `key` is the first of those that end here.

    It `is_hash` if the word before is `#`. It `is_open` if nothing but `*` is between that and here, so that
    further words do no harm.
    """

    is_hash: bool = False
    is_open: bool = False
    key: str | None = None
    following: dict[Word, _Branch] = field(default_factory=dict)

    def add(self, words: Words, key: str) -> None:
        branch = self
        for word in words:
            if word not in branch.following:
                is_open = word is HASH or (word is STAR and branch.is_open)
                branch.following[word] = _Branch(is_hash=word is HASH, is_open=is_open)
            branch = branch.following[word]
        if branch.key is None:
            branch.key = key

    def steps(self, words: Words, taken: int) -> list[tuple[_Branch, int]]:
        """Return where one may be next, and how many of the words are taken then; the widest way comes last."""
        word = words[taken] if taken < len(words) else None
        over = () if word is None or word is HASH else (word, STAR)
        found = [(self.following[each], taken + 1) for each in over if each in self.following]
        if word is not None and (self.is_hash or (self.is_open and word is HASH)):
            found.append((self, taken + 1))
        if HASH in self.following:
            found.append((self.following[HASH], taken))
        return found


def _hash_first(words: Words) -> Words:
    """Return words that mean the same, with `#` before the `*` beside it, and once."""
    if HASH not in words:
        return words
    found: list[Word] = []
    start = 0
    for word in words:
        if word is not HASH:
            found.append(word)
            start = start if word is STAR else len(found)
        elif found[start : start + 1] != [HASH]:
            found.insert(start, HASH)
    return tuple(found)


class KeyIndex:
    """Keys by their words, which finds those that overlap with another without trying each.

    Tried are only those that can have the rarest word of the other where that one has it: so many words behind
    the beginning or before the end, or, where `#` hides how many, anywhere.
    """

    def __init__(self, keys: Iterable[Words]) -> None:
        self._keys = tuple(keys)
        self._having: dict[tuple[_At, Word], list[Words]] = defaultdict(list)
        self._open: dict[_At, list[Words]] = defaultdict(list)
        for words in self._keys:
            self._add(words)

    def overlapping(self, other: Words) -> Iterator[Words]:
        """Yield the keys for which, and for another, there is a routing key for which both stand."""
        return (words for words in self._candidates(other) if overlap(words, other))

    def _add(self, words: Words) -> None:
        for place, word in _places(words):
            if place is not None or is_literal(words):
                self._having[place, word].append(words)
        if HASH in words:
            self._open[words.index(HASH)].append(words)
            self._open[~words[::-1].index(HASH)].append(words)
        if not is_literal(words):
            self._open[None].append(words)

    def _candidates(self, other: Words) -> Iterable[Words]:
        wanted = [place for place in _places(other) if isinstance(place[1], str)]
        found = [self._possible(place, word) for place, word in wanted]
        rarest = min(found, key=lambda lists: sum(map(len, lists)), default=[self._keys])
        return chain.from_iterable(rarest)

    def _possible(self, place: _At, word: Word) -> list[Sequence[Words]]:
        """Return the keys that may have a word at a place."""
        having = [self._having.get((place, each), ()) for each in (word, STAR)]
        return [*having, *(self._open[at] for at in self._open if _is_within(at, place))]


def _places(words: Words) -> Iterator[tuple[_At, Word]]:
    """Yield the words of a key with their places: from its beginning, from its end, and any."""
    for place, word in enumerate(takewhile(_is_no_hash, words)):
        yield place, word
    for place, word in enumerate(takewhile(_is_no_hash, reversed(words))):
        yield ~place, word
    yield from ((None, word) for word in dict.fromkeys(words) if isinstance(word, str))


def _is_no_hash(word: Word) -> bool:
    return word is not HASH


def _is_within(start: _At, place: _At) -> bool:
    """Return whether a key that is open from a place on may have any word at another."""
    if start is None or place is None:
        return start is place
    return 0 <= start <= place or place <= start < 0
