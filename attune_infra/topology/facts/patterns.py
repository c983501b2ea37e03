"""Patterns of policies: regular expressions of PCRE over the bytes of a name.

RabbitMQ leaves them to Erlang. Until Erlang 28 the engine is PCRE 1, which takes each byte for a character of
Latin-1: half of a letter in UTF-8 may be a letter of its own. PCRE 2 finds the same if classes are written out.

Tried on RabbitMQ 3.10, 4.0 and 4.3.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator
from functools import cache
from itertools import accumulate
from string import punctuation
from typing import Final, NamedTuple, TypeAlias

from attune_infra.topology.facts.releases import FIRST_WITH_PCRE2, Version

_Matcher: TypeAlias = Callable[[str], bool]

_PLAIN: Final = (
    r"(?a)(?:[\w ,:;/@%&=~<>!'\"`-]|[^\x00-\x7f]|\\[.^$*+?|(){}\[\]/-]"
    r"|(?:\.|\[(?:0-9|a-z|A-Z|[\w.])+\])[*+]?|[\^$])*"
)
"""Patterns that Python reads like PCRE. It compiles this one when it is needed, as those of tokens below."""
_MAX_PLAIN_REPEATS: Final = 2
"""Python knows no limit for a match that tries in vain, so patterns with more repeats are left to PCRE."""

_UNKNOWN: Final = re.compile(r"\\[lLuU]|\\x\{0*[1-9a-fA-F][0-9a-fA-F]{2,}\}")
"""Escapes that the binding understands, and PCRE does not: there is no such letter, or no such byte."""

_HIGHEST_BYTE: Final = 255
_MAX_VAIN: Final = 5
_STEPS_AFTER_VAIN: Final = 100_000
r"""Steps for each further name, if a pattern reached the limit so often.

PCRE 2 gives a match up after ten million steps like Erlang, for which it is then none. That takes 0.2 seconds, too
long for thousands of names. Compiled for the machine it would be faster, but it finds `(?<=\Z|b{1,2})y` in `xy`.
"""


def claims(pattern: str, name: str) -> bool:
    """Return whether a `manages` pattern claims a name.

    A pattern that begins with `^` claims the names that begin so; any other must match the whole name.
    """
    match = re.match if pattern.startswith("^") else re.fullmatch
    return match(pattern, name) is not None


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
    for number, token in enumerate(tokens):
        if _UNKNOWN.fullmatch(token.text):
            place = _length(tokens[:number])
            return f"is not a regular expression: PCRE does not know {token.text} at position {place}"
    written = [_for_pcre_2(token) for token in tokens]
    try:
        pcre2.compile("".join(written).encode("latin-1"), jit=False)
    except pcre2.LibraryError as error:
        ends = list(accumulate(map(len, written)))
        place = _length(tokens[: bisect_right(ends, error.pos)])
        return f"is not a regular expression: {error.msg.partition('; ')[2]} at position {place}"
    return None


def _length(tokens: Iterable[_Token]) -> int:
    """Return the number of characters, not bytes."""
    return len("".join(token.text for token in tokens).encode("latin-1").decode("utf-8", "replace"))


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
    if any(_UNKNOWN.fullmatch(token.text) for token in tokens):
        return None
    write = _for_pcre_2_as_1 if by_pcre_1 else _for_pcre_2
    text = "".join(write(token) for token in tokens)
    limited = f"(*LIMIT_MATCH={_STEPS_AFTER_VAIN}){text}"
    try:
        patient, hasty = (
            pcre2.compile(each if by_pcre_1 else each.encode("latin-1"), pcre2.ASCII, jit=False)
            for each in (text, limited)
        )
    except pcre2.LibraryError:
        return None
    vain = 0

    def match(name: str) -> bool:
        nonlocal vain
        compiled = patient if vain < _MAX_VAIN else hasty
        try:
            return compiled.search(_latin_1(name) if by_pcre_1 else _bytes(name)) is not None
        except pcre2.LibraryError:  # it reached a limit
            vain += 1
            return False

    return match


def _is_plain(pattern: str) -> bool:
    return len(re.findall(r"(?<!\\)[*+]", pattern)) <= _MAX_PLAIN_REPEATS and bool(re.fullmatch(_PLAIN, pattern))


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

_OPTIONS: Final = r"\(\?(?P<on>[a-zA-Z]*)(?P<off>(?:-[a-zA-Z]*)?)[:)]"
_ESCAPED: Final = r"\\Q.*?(?:\\E|\Z)|\\x(?:\{[0-9a-fA-F]+\}|[0-9a-fA-F]{0,2})|\\[gkpPoN]\{[^}]*\}|\\."
_OUTSIDE: Final = rf"(?s){_ESCAPED}|\[\^?\]?|\{{[0-9]+(?:,[0-9]*)?\}}|\(\?#[^)]*\)|{_OPTIONS}|."
_IN_BRACKETS: Final = rf"(?s)-?\\[dDhHsSvVwW]|-?\[:\^?[a-z]+:\]|{_ESCAPED}|."


class _Token(NamedTuple):
    """A part of a pattern, and whether it is in brackets and matches letters of either case."""

    text: str
    in_brackets: bool
    is_caseless: bool


def _tokens(pattern: str) -> Iterator[_Token]:
    inside, outside = re.compile(_IN_BRACKETS), re.compile(_OUTSIDE)
    place, in_brackets, cases = 0, False, [False]
    while found := (inside if in_brackets else outside).match(pattern, place):
        text = found[0]
        yield _Token(text, in_brackets, cases[-1])
        if not in_brackets:
            _note_case(text, cases)
        place, in_brackets = found.end(), text != "]" if in_brackets else text.startswith("[")


def _note_case(text: str, cases: list[bool]) -> None:
    """Keep, for each group around a place, whether letters match there in either case."""
    options = re.fullmatch(_OPTIONS, text)
    if options is None:
        if text == "(":
            cases.append(cases[-1])
        elif text == ")" and len(cases) > 1:
            cases.pop()
        return
    is_caseless = "i" not in options["off"] and ("i" in options["on"] or cases[-1])
    if text.endswith(":"):
        cases.append(is_caseless)
    else:
        cases[-1] = is_caseless


def _for_pcre_2(token: _Token) -> str:
    """Return a token as the binding has to get it, which changes the meaning of a few."""
    if token.text.startswith(r"\x"):
        number = int(token.text[2:].strip("{}") or "0", 16)
        return rf"\x{number:02x}" if number <= _HIGHEST_BYTE else token.text
    return "(?s:.)" if token.text == r"\C" and not token.in_brackets else token.text


def _for_pcre_2_as_1(token: _Token) -> str:
    """Return what means to PCRE 2 what a token means to PCRE 1."""
    text = token.text
    if token.in_brackets:
        if text[:-1].startswith("-"):  # PCRE 2 takes it for half of a range
            return rf"\-{_for_pcre_2_as_1(token._replace(text=text[1:]))}"
        name = {r"\w": "word", r"\W": "^word"}.get(text, text.strip("[:]"))
        if token.is_caseless:
            name = re.sub("^(\\^?)(lower|upper)$", r"\1alpha", name)
        is_class = len(text) > 1 and name.removeprefix("^") in _CLASSES
        return _written(name) if is_class else _for_pcre_2(token)
    word = f"[{_written('word')}]"
    match text:
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
            return _for_pcre_2(token)


@cache
def _written(name: str) -> str:
    """Return the bytes of a class, or with `^` all others, as ranges for a pair of brackets."""
    held = _CLASSES[name.removeprefix("^")]
    wanted = [byte for byte in range(256) if (byte in held) != name.startswith("^")]
    starts = [byte for byte in wanted if byte - 1 not in wanted]
    ends = [byte for byte in wanted if byte + 1 not in wanted]
    return "".join(rf"\x{start:02x}-\x{end:02x}" for start, end in zip(starts, ends, strict=True))
