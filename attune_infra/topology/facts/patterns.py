"""Patterns of policies: regular expressions of PCRE over the bytes of a name.

RabbitMQ leaves them to Erlang. Until Erlang 28 the engine is PCRE 1, which takes each byte for a character of
Latin-1: half of a letter in UTF-8 may be a letter of its own. PCRE 2 finds the same if classes are written out.

Tried on RabbitMQ 3.10, 4.0 and 4.3.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable, Iterator
from functools import cache
from itertools import accumulate
from string import punctuation
from typing import Final, TypeAlias

from attune_infra.topology.facts.releases import FIRST_WITH_PCRE2, Version

_Matcher: TypeAlias = Callable[[str], bool]

_PLAIN: Final = re.compile(
    r"(?:[\w ,:;/@%&=~<>!'\"`-]|[^\x00-\x7f]|\\[.^$*+?|(){}\[\]/-]|(?:\.|\[(?:0-9|a-z|A-Z|[\w.])+\])[*+]?|[\^$])*",
    re.ASCII,
)
"""Patterns that Python reads like PCRE."""
_MAX_PLAIN_REPEATS: Final = 2
"""Python knows no limit for a match that tries in vain, so patterns with more repeats are left to PCRE."""

_HIGHEST_BYTE: Final = 255
_MATCH_LIMIT: Final = 1_000_000
"""Steps after which a match is given up. Erlang tries ten times as many, and says then that nothing matches."""


def matches(pattern: str, name: str, version: Version) -> bool:
    """Return whether a release finds a pattern anywhere in a name; a pattern that it cannot compile is in none."""
    return _matcher(pattern, version < FIRST_WITH_PCRE2)(name)


def escape(name: str) -> str:
    """Return a pattern that stands for a text."""
    return re.sub(r"[\\^$.|?*+()\[\]{}]", r"\\\g<0>", name)


def policy_pattern_problem(pattern: str) -> str | None:
    """Return the problem with the pattern of a policy, None if a release can compile it."""
    if _is_plain(pattern) or _compile(pattern, by_pcre_1=True) is not None:
        return None
    import pcre2

    tokens = list(_tokens(_latin_1(pattern)))
    unknown = [(place, token) for place, token, _ in tokens if re.fullmatch(r"\\[lLuU]", token)]
    if unknown:
        return f"is not a regular expression: PCRE does not know {unknown[0][1]} at position {unknown[0][0]}"
    written = [_for_pcre_2(token, in_brackets) for _, token, in_brackets in tokens]
    try:
        pcre2.compile("".join(written).encode("latin-1"), jit=False)
    except pcre2.LibraryError as error:
        ends = list(accumulate(map(len, written)))
        before = "".join(token for _, token, _ in tokens[: bisect_right(ends, error.pos)])
        place = len(before.encode("latin-1").decode("utf-8", "replace"))
        return f"is not a regular expression: {error.msg.partition('; ')[2]} at position {place}"
    return None


@cache
def _matcher(pattern: str, by_pcre_1: bool) -> _Matcher:
    if _is_plain(pattern):
        plain = re.compile(_bytes(pattern))
        return lambda name: plain.search(_bytes(name)) is not None
    return _compile(pattern, by_pcre_1=by_pcre_1) or (lambda _: False)


@cache
def _compile(pattern: str, *, by_pcre_1: bool) -> _Matcher | None:
    """Compile a pattern with PCRE; return None if it cannot be compiled."""
    import pcre2

    tokens = list(_tokens(_latin_1(pattern)))
    if any(re.fullmatch(r"\\[lLuU]", token) for _, token, _ in tokens):  # the binding knows more than PCRE
        return None
    write = _for_pcre_2_as_1 if by_pcre_1 else _for_pcre_2
    text = "".join(write(token, in_brackets) for _, token, in_brackets in tokens)
    text = f"(*LIMIT_MATCH={_MATCH_LIMIT}){text}"
    try:
        compiled = pcre2.compile(text if by_pcre_1 else text.encode("latin-1"), pcre2.ASCII, jit=False)
    except pcre2.LibraryError:
        return None

    def match(name: str) -> bool:
        try:
            return compiled.search(_latin_1(name) if by_pcre_1 else _bytes(name)) is not None
        except pcre2.LibraryError:  # it reached a limit
            return False

    return match


def _is_plain(pattern: str) -> bool:
    return len(re.findall(r"(?<!\\)[*+]", pattern)) <= _MAX_PLAIN_REPEATS and bool(_PLAIN.fullmatch(pattern))


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


def _latin_1(text: str) -> str:
    """Return a text with a character for each byte of its UTF-8."""
    return _bytes(text).decode("latin-1")


_LETTERS: Final = {byte for byte in range(256) if chr(byte).isalpha()}
_DIGITS: Final = set(b"0123456789")
_CLASSES: Final = {
    "alnum": _LETTERS | _DIGITS,
    "alpha": _LETTERS,
    "cntrl": {*range(32), *range(127, 160)},
    "graph": {*range(33, 127), *range(160, 256)},
    "lower": {byte for byte in _LETTERS if chr(byte).islower()},
    "print": {*range(32, 127), *range(160, 256)},
    "punct": set(punctuation.encode()) | set(range(160, 256)) - _LETTERS,
    "upper": {byte for byte in _LETTERS if chr(byte).isupper()},
    "word": _LETTERS | _DIGITS | {ord("_")},
}
"""The bytes in a class of PCRE 1; all other classes hold none beyond ASCII."""

_ESCAPED: Final = r"\\Q.*?(?:\\E|\Z)|\\x(?:\{[0-9a-fA-F]+\}|[0-9a-fA-F]{0,2})|\\[gkpPoN]\{[^}]*\}|\\."
_OUTSIDE: Final = re.compile(rf"{_ESCAPED}|\[\^?\]?|\{{[0-9]+(?:,[0-9]*)?\}}|\(\?#[^)]*\)|.", re.DOTALL)
_IN_BRACKETS: Final = re.compile(rf"-?\\[dDhHsSvVwW]|-?\[:\^?[a-z]+:\]|{_ESCAPED}|.", re.DOTALL)


def _tokens(pattern: str) -> Iterator[tuple[int, str, bool]]:
    """Yield each token of a pattern with its place, and whether it is within brackets."""
    place, in_brackets = 0, False
    while token := (_IN_BRACKETS if in_brackets else _OUTSIDE).match(pattern, place):
        yield place, token[0], in_brackets
        place, in_brackets = token.end(), token[0] != "]" if in_brackets else token[0].startswith("[")


def _for_pcre_2(token: str, in_brackets: bool) -> str:
    """Return a token as the binding has to get it, which changes the meaning of a few."""
    if token.startswith(r"\x"):
        number = int(token[2:].strip("{}") or "0", 16)
        return rf"\x{number:02x}" if number <= _HIGHEST_BYTE else token
    return "(?s:.)" if (token, in_brackets) == (r"\C", False) else token


def _for_pcre_2_as_1(token: str, in_brackets: bool) -> str:
    """Return what means to PCRE 2 what a token means to PCRE 1."""
    if in_brackets:
        if token[:-1].startswith("-"):  # PCRE 2 takes it for half of a range
            return rf"\-{_for_pcre_2_as_1(token[1:], in_brackets)}"
        name = {r"\w": "word", r"\W": "^word"}.get(token, token.strip("[:]"))
        is_class = len(token) > 1 and name.removeprefix("^") in _CLASSES
        return _written(name) if is_class else _for_pcre_2(token, in_brackets)
    word = f"[{_written('word')}]"
    match token:
        case "{":  # PCRE 2 also reads {,2} as a repeat
            return r"\{"
        case r"\w":
            return word
        case r"\W":
            return f"[{_written('^word')}]"
        case r"\b":
            return f"(?:(?<={word})(?!{word})|(?<!{word})(?={word}))"
        case r"\B":
            return f"(?:(?<={word})(?={word})|(?<!{word})(?!{word}))"
        case _:
            return _for_pcre_2(token, in_brackets)


@cache
def _written(name: str) -> str:
    """Return the bytes of a class, or with `^` all others, as ranges for a pair of brackets."""
    held = _CLASSES[name.removeprefix("^")]
    wanted = [byte for byte in range(256) if (byte in held) != name.startswith("^")]
    starts = [byte for byte in wanted if byte - 1 not in wanted]
    ends = [byte for byte in wanted if byte + 1 not in wanted]
    return "".join(rf"\x{start:02x}-\x{end:02x}" for start, end in zip(starts, ends, strict=True))
