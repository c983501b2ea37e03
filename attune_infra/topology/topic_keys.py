"""Topic keys as sets of routing keys: whether two have one in common, and whether one holds all of another's.

Which keys match a single message is not asked here, but of `topology.routing`.
"""

from __future__ import annotations

from typing import Final, TypeAlias

from attune_infra.topology.routing import words_of


class _Wildcard:
    """A word of a topic key that stands for others."""

    __slots__ = ()


STAR: Final = _Wildcard()
HASH: Final = _Wildcard()

Words: TypeAlias = "tuple[str | _Wildcard, ...]"

_WILDCARDS: Final = {"*": STAR, "#": HASH}
_ANY_OTHER: Final = "\0"
"""A word that is in no key, and so stands for all that are not."""


def pattern(key: str) -> Words:
    """Return the words of a key that a topic exchange is bound with."""
    return tuple(_WILDCARDS.get(word, word) for word in words_of(key))


def literal(key: str) -> Words:
    """Return the words of a key that stands for itself only."""
    return tuple(words_of(key))


def example(words: Words) -> str:
    """Return a routing key among those that the words stand for; where they can be any, it is nobody's."""
    return ".".join(word if isinstance(word, str) else _ANY_OTHER for word in words)


def is_literal(words: Words) -> bool:
    return all(isinstance(word, str) for word in words)


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


def covers(wide: Words, narrow: Words) -> bool:
    """Return whether one stands for every routing key for which another does."""
    *first, last = wide or ("",)
    if last is HASH and is_literal(tuple(first)):
        return narrow[: len(first)] == tuple(first)
    alphabet = {word for word in (*wide, *narrow) if isinstance(word, str)} | {_ANY_OTHER}
    start = (_settled(narrow, {0}), _settled(wide, {0}))
    seen, waiting = {start}, [start]
    while waiting:
        inner, outer = waiting.pop()
        if len(narrow) in inner and len(wide) not in outer:
            return False
        for word in alphabet:
            following = (_after(narrow, inner, word), _after(wide, outer, word))
            if following[0] and following not in seen:
                seen.add(following)
                waiting.append(following)
    return True


def _after(words: Words, places: frozenset[int], word: str) -> frozenset[int]:
    """Return where in the words one may be when one more word of a routing key has been taken."""
    found = set()
    for place in places:
        if place < len(words):
            here = words[place]
            if here is HASH:
                found.add(place)
            elif here is STAR or here == word:
                found.add(place + 1)
    return _settled(words, found)


def _settled(words: Words, places: set[int]) -> frozenset[int]:
    """Return places, and those behind them that need no word."""
    found = set(places)
    for place in places:
        following = place
        while following < len(words) and words[following] is HASH:
            following += 1
            found.add(following)
    return frozenset(found)
