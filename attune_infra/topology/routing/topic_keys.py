"""Topic keys as sets of routing keys: whether two have one in common, and whether one holds all of another's.

Which keys match a single message is not asked here, but of `topology.routing`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import chain, permutations, zip_longest
from typing import Final, TypeAlias


class _Wildcard:
    """A word of a topic key that stands for others."""

    __slots__ = ()


STAR: Final = _Wildcard()
HASH: Final = _Wildcard()

Word: TypeAlias = "str | _Wildcard"
Words: TypeAlias = "tuple[Word, ...]"

_WILDCARDS: Final = {"*": STAR, "#": HASH}
_ANY_OTHER: Final = "\0"
"""A word that is in no key, and so stands for all that are not."""

_PAIR: Final = 2
"""Keys that are held against each other; more are put into a tree."""

_FEW: Final = 4
"""Keys that are tried sooner than it is asked whether another word has fewer."""


def words_of(key: str) -> list[str]:
    """Return the words of a topic's key or pattern; an empty one has none, but `.` has two empty ones."""
    return key.split(".") if key else []


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
    return ".".join([word if isinstance(word, str) else _ANY_OTHER for word in words])


def shown(words: Words) -> str:
    """Return a key as it is written."""
    return ".".join(word if isinstance(word, str) else ("*" if word is STAR else "#") for word in words)


def is_literal(words: Words) -> bool:
    return STAR not in words and HASH not in words


def overlap(one: Words, other: Words) -> bool:
    """Return whether there is a routing key for which both stand."""
    start = 0
    for mine, others in zip(one, other, strict=False):  # as far as there is no `#`, word stands against word
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


def covered(keys: Collection[str]) -> Iterable[tuple[str, str]]:
    """Return the keys that another covers, each with one that does.

    Of keys that mean the same, the first covers the others. Many keys cost least when they are sorted.
    """
    if len(keys) > _PAIR or any("#" in key[:-1] for key in keys):
        return KeyTree(keys).covered()
    words = {key: pattern(key) for key in keys}
    return [(key, other) for key, other in permutations(words, 2) if _holds(words[other], words[key])]


def _holds(wide: Words, narrow: Words) -> bool:
    """Return whether one key covers another, of two that have `#` at most at their ends."""
    for mine, others in zip_longest(wide, narrow):
        if mine is HASH:
            return True
        if mine != others and (mine is not STAR or others is HASH or others is None):
            return False
    return True


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
        """Yield the keys that another covers, each with one that does; of keys that mean the same, the first does.

        A key that begins as the one before it goes on from where that part of it led.
        """
        before: Words = ()
        ways = [self._root.with_hash()]  # where one may be after so many words
        for key, words in self._words.items():
            shared = _length_of_shared(before, words)
            del ways[shared + 1 :]
            for word in words[shared:]:
                ways.append(_after(ways[-1], word))
            before = words
            for branch in ways[-1]:
                if branch.key is not None and branch.key != key:
                    yield key, branch.key
                    break


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

    def with_hash(self) -> list[_Branch]:
        """Return this branch, and before it the one behind `#`, which needs no word."""
        return [self.following[HASH], self] if HASH in self.following else [self]

    def after(self, word: Word) -> list[_Branch]:
        """Return where one may be when a word is taken, the widest way first."""
        found = self.with_hash() if self.is_hash or (self.is_open and word is HASH) else []
        for over in () if word is HASH else (STAR, word):
            if over in self.following:
                found += self.following[over].with_hash()
        return found


def _after(here: list[_Branch], word: Word) -> list[_Branch]:
    found = [branch for before in here for branch in before.after(word)]
    return list(dict.fromkeys(found)) if len(found) > 1 else found


def _length_of_shared(one: Words, other: Words) -> int:
    """Return with how many of the same words both begin."""
    length = 0
    for mine, others in zip(one, other, strict=False):
        if mine != others:
            break
        length += 1
    return length


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

    Tried are only those that can have the rarest word of the other, or the first one that is rare enough, where
    that one has it: so many words behind the beginning or before the end, or, where `#` hides how many, anywhere.
    Each of these three is looked up in a table of its own, which is made when it is first needed.
    """

    def __init__(self, keys: Iterable[Words]) -> None:
        self._keys = tuple(keys)

    def overlapping(self, other: Words) -> Iterator[Words]:
        """Yield the keys for which, and for another, there is a routing key for which both stand."""
        return (words for words in self._candidates(other) if overlap(words, other))

    def _candidates(self, other: Words) -> Iterable[Words]:
        rarest: Sequence[Sequence[Words]] = [self._keys]
        fewest = len(self._keys)
        for found in self._having_a_word(other):
            count = sum(map(len, found))
            if count < fewest:
                rarest, fewest = found, count
            if fewest <= _FEW:
                break
        return chain.from_iterable(rarest)

    def _having_a_word(self, other: Words) -> Iterator[Sequence[Sequence[Words]]]:
        """Yield, for one word of another key after the other, the keys that can have it there."""
        for place, word in _fixed(other):
            yield self._from_the_beginning.having(place, word)
        for place, word in _fixed(reversed(other)):
            yield self._from_the_end.having(place, word)
        for word in _hidden(other):
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
    """Keys by the places of their words, as they are counted up to the first `#`, which hides those behind it."""

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


def _fixed(words: Iterable[Word]) -> Iterator[tuple[int, Word]]:
    """Yield the places of the words before the first `#` that stand for themselves, and the words."""
    for place, word in enumerate(words):
        if word is HASH:
            return
        if word is not STAR:
            yield place, word


def _hidden(words: Words) -> set[Word]:
    """Return the words that stand for themselves with `#` on both sides."""
    if HASH not in words:
        return set()
    first, last = words.index(HASH), len(words) - 1 - words[::-1].index(HASH)
    return set(words[first:last]) - {STAR, HASH}
