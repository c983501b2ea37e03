"""Topic keys as sets of routing keys: two may overlap, and one may cover another.

The keys that match a single message are found in `route`, not here.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import field
from functools import cached_property
from itertools import chain, permutations, zip_longest
from typing import Final, TypeAlias

from attune_infra.dataclass import dataclass


class _Wildcard:
    """A word of a topic key that stands for other words."""

    __slots__ = ()


STAR: Final = _Wildcard()
HASH: Final = _Wildcard()

Word: TypeAlias = "str | _Wildcard"
Words: TypeAlias = "tuple[Word, ...]"

_WILDCARDS: Final = {"*": STAR, "#": HASH}
_OTHER_WORD: Final = "\0"
"""A word that is in no key, and so an example of all such words."""

_MAX_KEYS_COMPARED: Final = 2
"""Keys that are compared with each other; more are put into a tree."""

_ENOUGH_CANDIDATES: Final = 4
"""So few candidates are tried without a search for a rarer word."""


def words_of(key: str) -> list[str]:
    """Split a routing key or topic key into words; an empty key has none, and `.` has two empty ones."""
    return key.split(".") if key else []


def parse_topic_key(key: str) -> Words:
    """Return the words of a key on a topic exchange."""
    if "*" in key or "#" in key:
        return tuple([_WILDCARDS.get(word, word) for word in words_of(key)])
    return parse_literal_key(key)


def parse_literal_key(key: str) -> Words:
    """Return the words of a key without wildcards: a routing key, or a key on a direct exchange."""
    return tuple(words_of(key))


def example_key(words: Words) -> str:
    """Return one of the routing keys that the words stand for; a wildcard becomes a word that no key has."""
    return ".".join([word if isinstance(word, str) else _OTHER_WORD for word in words])


def format_key(words: Words) -> str:
    """Return the text of a key."""
    return ".".join(word if isinstance(word, str) else ("*" if word is STAR else "#") for word in words)


def is_literal(words: Words) -> bool:
    return STAR not in words and HASH not in words


def overlap(one: Words, other: Words) -> bool:
    """Return whether some routing key matches both."""
    start = 0
    for mine, others in zip(one, other, strict=False):  # up to the first `#`, words are compared in pairs
        if mine is HASH or others is HASH:
            break
        if mine != others and mine is not STAR and others is not STAR:
            return False
        start += 1
    if one[start:] == (HASH,) or other[start:] == (HASH,):
        return True
    ends = {(start, start)}
    waiting = [(start, start)]
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
    """Return the moves, in words of each key, that match the same word or nothing."""
    steps = []
    first, second = one[0] if one else None, other[0] if other else None
    if first is HASH:
        steps.append((1, 0))
        if second is not None:
            steps.append((0, 1))
    if second is HASH:
        steps.append((0, 1))
        if first is not None:
            steps.append((1, 0))
    if first is not None and second is not None and (first is STAR or second is STAR or first == second):
        steps.append((1, 1))
    return steps


def find_covered(keys: Collection[str]) -> Iterable[tuple[str, str]]:
    """Return the keys that another key covers, each with such a key.

    Of keys that mean the same, the first covers the others. A search among many keys is fastest if they are
    sorted.
    """
    if len(keys) > _MAX_KEYS_COMPARED or any("#" in key[:-1] for key in keys):
        return KeyTree(keys).find_covered()
    words = {key: parse_topic_key(key) for key in keys}
    return [(key, other) for key, other in permutations(words, 2) if _covers(words[other], words[key])]


def _covers(wide: Words, narrow: Words) -> bool:
    """Return whether one key covers another; both may have `#` only at the end."""
    for mine, others in zip_longest(wide, narrow):
        if mine is HASH:
            return True
        if mine != others and (mine is not STAR or others is HASH or others is None):
            return False
    return True


class KeyTree:
    """Topic keys as a tree of words, to find the keys that another covers without trying every pair.

    A key covers another if its words match those of the other: `*` matches any word but `#`, and `#` any number of
    words. This is a complete test, since a routing key may hold words that are in neither key.
    """

    def __init__(self, keys: Iterable[str]) -> None:
        self._root = _Branch()
        self._words = {key: _normalize(parse_topic_key(key)) for key in keys}
        for key, words in self._words.items():
            if not is_literal(words):
                self._root.add(words, key)

    def find_covered(self) -> Iterator[tuple[str, str]]:
        """Yield the keys that another key covers, each with such a key.

        Of keys that mean the same, the first covers the others. Words that a key shares with the key before it are
        not walked again.
        """
        before: Words = ()
        branches = [self._root.with_hash()]  # the branches reached after so many words
        for key, words in self._words.items():
            shared = _count_shared(before, words)
            del branches[shared + 1 :]
            for word in words[shared:]:
                branches.append(_next_branches(branches[-1], word))
            before = words
            for branch in branches[-1]:
                if branch.key is not None and branch.key != key:
                    yield key, branch.key
                    break


@dataclass(slots=True, eq=False)
class _Branch:
    """A node of the tree, with the words that follow; `key` is the first key that ends here.

    It `is_hash` if the word before it is `#`. It `is_open` if only `*` stands between the last `#` and here, so
    that the `#` can take any further words.
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

    def with_hash(self) -> list[_Branch]:
        """Return this branch, and in front of it the one after `#`, which needs no word."""
        return [self.following[HASH], self] if HASH in self.following else [self]

    def after(self, word: Word) -> list[_Branch]:
        """Return the branches that a word leads to, the widest first."""
        found = self.with_hash() if self.is_hash or (self.is_open and word is HASH) else []
        if word is HASH:
            return found
        for matching in (STAR, word):
            if matching in self.following:
                found += self.following[matching].with_hash()
        return found


def _next_branches(branches: list[_Branch], word: Word) -> list[_Branch]:
    found = [branch for before in branches for branch in before.after(word)]
    return list(dict.fromkeys(found)) if len(found) > 1 else found


def _count_shared(one: Words, other: Words) -> int:
    """Return the number of words that both begin with."""
    length = 0
    for mine, others in zip(one, other, strict=False):
        if mine != others:
            break
        length += 1
    return length


def _normalize(words: Words) -> Words:
    """Return equivalent words in which `#` stands before a `*` beside it, and only once."""
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
    """Keys by their words, to find the keys that overlap with another without trying each.

    Only keys are tried that can have the rarest word of the other key, or one that is rare enough, at the same
    place. Places are counted from the beginning and from the end; between two words `#` a word may be anywhere.
    Each of these three has a table of its own, built when it is first needed.
    """

    def __init__(self, keys: Iterable[Words]) -> None:
        self._keys = tuple(keys)

    def overlapping(self, other: Words) -> Iterator[Words]:
        """Yield the keys that overlap with another."""
        return (words for words in self._candidates(other) if overlap(words, other))

    def _candidates(self, other: Words) -> Iterable[Words]:
        rarest: Sequence[Sequence[Words]] = [self._keys]
        fewest = len(self._keys)
        for found in self._candidates_by_word(other):
            count = sum(map(len, found))
            if count < fewest:
                rarest, fewest = found, count
            if fewest <= _ENOUGH_CANDIDATES:
                break
        return chain.from_iterable(rarest)

    def _candidates_by_word(self, other: Words) -> Iterator[Sequence[Sequence[Words]]]:
        """Yield the keys that can have a word of another key at its place, for one word after the other."""
        for place, word in _literal_places(other):
            yield self._from_the_beginning.having(place, word)
        for place, word in _literal_places(reversed(other)):
            yield self._from_the_end.having(place, word)
        for word in _literals_between_hashes(other):
            yield self._by_word.get(word, ()), self._with_wildcards

    @cached_property
    def _from_the_beginning(self) -> _Places:
        return _Places((words, words) for words in self._keys)

    @cached_property
    def _from_the_end(self) -> _Places:
        return _Places((words[::-1], words) for words in self._keys)

    @cached_property
    def _by_word(self) -> Mapping[Word, Sequence[Words]]:
        found: dict[Word, list[Words]] = defaultdict(list)
        for words in filter(is_literal, self._keys):
            for word in dict.fromkeys(words):
                found[word].append(words)
        return found

    @cached_property
    def _with_wildcards(self) -> Sequence[Words]:
        return [words for words in self._keys if not is_literal(words)]


class _Places:
    """Keys by the places of their words, counted up to the first `#`; the places after it are unknown."""

    def __init__(self, keys: Iterable[tuple[Words, Words]]) -> None:
        self._having: dict[tuple[int, Word], list[Words]] = defaultdict(list)
        self._open: dict[int, list[Words]] = defaultdict(list)
        for words, key in keys:
            for place, word in enumerate(words):
                if word is HASH:
                    self._open[place].append(key)
                    break
                self._having[place, word].append(key)

    def having(self, place: int, word: Word) -> list[Sequence[Words]]:
        """Return the keys that may have a word at a place."""
        having = self._having.get((place, word), ()), self._having.get((place, STAR), ())
        return [*having, *[keys for start, keys in self._open.items() if start <= place]]


def _literal_places(words: Iterable[Word]) -> Iterator[tuple[int, Word]]:
    """Yield the words before the first `#` that are no wildcards, with their places."""
    for place, word in enumerate(words):
        if word is HASH:
            return
        if word is not STAR:
            yield place, word


def _literals_between_hashes(words: Words) -> set[Word]:
    """Return the words that are no wildcards and have `#` on both sides."""
    if HASH not in words:
        return set()
    first, last = words.index(HASH), len(words) - 1 - words[::-1].index(HASH)
    return set(words[first:last]) - {STAR, HASH}
