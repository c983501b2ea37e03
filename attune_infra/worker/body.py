"""Check that the body of a message is JSON, in little memory and in small steps, however large it is.

`json.loads` would hold the text and all its values next to the body, and fails on deep nesting.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from typing import Final

MAX_DEPTH: Final = 1000
"""Objects and arrays inside each other. Most parsers allow fewer."""

_STEP: Final = 1 << 20
"""Bytes that are decoded in one step."""

# `*+`, `++` and `?+` never give back what they have matched, so these take no memory for ways back.
_SPACE: Final = rb"[ \t\n\r]*+"
_STRING: Final = rb'"[^"\\\x00-\x1f]*+(?:\\(?:["\\/bfnrt]|u[0-9A-Fa-f]{4})[^"\\\x00-\x1f]*+)*+"'
_NUMBER: Final = rb"-?+(?:0|[1-9][0-9]*+)(?:\.[0-9]++)?+(?:[Ee][+-]?+[0-9]++)?+"
_NAME: Final = _STRING + _SPACE + rb":" + _SPACE


def _either(*patterns: bytes) -> bytes:
    return rb"(?:" + rb"|".join(patterns) + rb")"


def _with_small_containers(value: bytes) -> bytes:
    """Return the pattern of a value, or of an array or object of up to 100 such values."""
    element, member = value + _SPACE, _NAME + value + _SPACE
    more = rb"(?:," + _SPACE + b"%b){0,99}+"
    array, members = (_either(each + more % each) + rb"?+" for each in (element, member))
    return _either(value, rb"\[" + _SPACE + array + rb"\]", rb"\{" + _SPACE + members + rb"\}")


_SMALL: Final = _with_small_containers(_with_small_containers(_either(_STRING, _NUMBER, rb"true|false|null")))

_IS_SPACE: Final = re.compile(_SPACE)
_IS_SMALL: Final = re.compile(_SMALL)
_IS_NAME: Final = re.compile(_SPACE + _NAME)
_SMALL_PARTS: Final = {
    ord("["): re.compile(rb"(?:" + _SPACE + _SMALL + _SPACE + rb",){0,1000}+" + _SPACE),
    ord("{"): re.compile(rb"(?:" + _SPACE + _NAME + _SMALL + _SPACE + rb",){0,1000}+"),
}
"""Elements of an array and members of an object that are small, each with its comma."""
_CLOSES: Final = {ord("]"): ord("["), ord("}"): ord("{")}


class NotJson(Exception):
    """The body is not JSON; the text is the reason, with the place."""


def check(body: bytes) -> Iterator[None]:
    """Check a body in steps; raise `NotJson` unless it is UTF-8 and JSON by RFC 8259. It may begin with a BOM."""
    yield from _check_text(body)
    at, opened = _skip_space(body, len(codecs.BOM_UTF8) if body.startswith(codecs.BOM_UTF8) else 0), bytearray()
    while True:
        yield
        found = _IS_SMALL.match(body, at)
        if found is None:
            at = _open(body, at, opened)
            continue
        at = _close(body, _skip_space(body, found.end()), opened)
        if not opened:
            break
        at = _go_on(body, at + 1, opened[-1])
    if at < len(body):
        raise _unexpected(body, at)


def _check_text(body: bytes) -> Iterator[None]:
    decoder, view = codecs.getincrementaldecoder("utf-8")(), memoryview(body)
    for start in range(0, len(body), _STEP):
        kept = len(decoder.getstate()[0])
        try:
            decoder.decode(view[start : start + _STEP], final=start + _STEP >= len(body))
        except UnicodeDecodeError as error:
            raise NotJson(f"it is not UTF-8 at byte {start - kept + error.start}") from error
        yield


def _open(body: bytes, at: int, opened: bytearray) -> int:
    """Enter the array or object that begins here; return the place of its first value that is not small."""
    kind = body[at] if at < len(body) else 0
    if kind not in _SMALL_PARTS:
        raise _unexpected(body, at)
    if len(opened) == MAX_DEPTH:
        raise NotJson(f"it is nested more than {MAX_DEPTH} levels deep at byte {at}")
    opened.append(kind)
    return _go_on(body, at + 1, kind)


def _go_on(body: bytes, at: int, kind: int) -> int:
    """Pass over small values behind `[`, `{` or a comma; return the place of the next value."""
    parts = _SMALL_PARTS[kind].match(body, at)
    at = parts.end() if parts else at
    if kind == ord("["):
        return at
    name = _IS_NAME.match(body, at)
    if name is None:
        raise _unexpected(body, _skip_space(body, at))
    return name.end()


def _close(body: bytes, at: int, opened: bytearray) -> int:
    """Leave the arrays and objects that end here; return the place of a comma, or of the end of the value."""
    while opened and at < len(body) and _CLOSES.get(body[at]) == opened[-1]:
        opened.pop()
        at = _skip_space(body, at + 1)
    if opened and body[at : at + 1] != b",":
        raise _unexpected(body, at)
    return at


def _skip_space(body: bytes, at: int) -> int:
    found = _IS_SPACE.match(body, at)
    return found.end() if found else at


def _unexpected(body: bytes, at: int) -> NotJson:
    where = f"it ends too early, at byte {at}" if at >= len(body) else f"byte {at} is wrong"
    return NotJson(f"it is not JSON: {where}")
