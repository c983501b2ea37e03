"""Inputs that are nearly right: seeds, changed at random places in random ways, and a guard against hangs."""

from __future__ import annotations

import re
import signal
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from random import Random
from typing import Final

MAX_SECONDS: Final = 20
"""Seconds for one input, after which it counts as a hang; most take less than a millisecond."""
MAX_INPUT_BYTES: Final = 60_000

PIECES: Final = (
    *(
        b"\0",
        b"\xff",
        b"\xfe",
        b"\xc3",
        b"\xed\xa0\x80",
        b"\xf0\x9f\x90\xb0",
        b"\xef\xbb\xbf",
        b"\xe2\x80\xae",
        b"\x85",
    ),
    *(b"\n", b"\r\n", b"\t", b" ", b"\x1b[31m", b"'", b'"', b"\\", b"\\ud800", b"\\u0000", b"`"),
    *(
        b"{",
        b"}",
        b"[",
        b"]",
        b"{}",
        b"[]",
        b":",
        b": ",
        b",",
        b"- ",
        b"? ",
        b"|\n",
        b"#",
        b"&a ",
        b"*a",
        b"!!int ",
    ),
    *(b"!!python/object:os.system ", b"!!timestamp ", b"!!binary ", b"<<: *a", b"---\n", b"...\n", b"%YAML 9\n"),
    *(b"null", b"~", b"true", b"on", b"NaN", b"Infinity", b"-1", b"0", b"1e999", b"0x7f", b"1_0", b"12:30:45"),
    *(b"2026-13-45", b"9" * 30, b"9" * 5000, b"9223372036854775808", b"1.5", b"-0", b"0" * 400),
    *(b"[" * 400, b"{a: " * 400, b'{"a":' * 400, b"]" * 400, b"(" * 300, b"x" * 300, b"a" * 70_000, b"{{", b"%s"),
    *(
        b"@",
        b"/",
        b"//",
        b"://",
        b"?",
        b"%",
        b"%zz",
        b"%00",
        b"%2F",
        b"+",
        b"=",
        b";",
        b"..",
        b"amqp://",
        b"[::1]",
    ),
    *(b"\xce", b"\1\0\1\0\0\0\0", b"\0\0\0\0", b"\x7f\xff\xff\xff", b"\x80\0\0\0", b"(a+)+$", b".*", b"{1,9999}"),
)
"""Pieces that some reader may stumble over."""
_TOKEN: Final = re.compile(rb"[A-Za-z_.]+|\d+|\"[^\"\n]*\"|.", re.DOTALL)


class Hang(BaseException):
    """A reader does not end."""


def mutants(seeds: Sequence[bytes], random: Random) -> Iterator[bytes]:
    """Yield inputs without end; each differs from a seed in one to six places."""
    while True:
        data = random.choice(seeds)
        for _ in range(random.choice((1, 1, 1, 2, 3, 6))):
            data = random.choice(_WAYS)(data, seeds, random)
        yield data[:MAX_INPUT_BYTES]


def _insert(data: bytes, _: Sequence[bytes], random: Random) -> bytes:
    at = random.randint(0, len(data))
    return data[:at] + random.choice(PIECES) + data[at:]


def _replace_token(data: bytes, _: Sequence[bytes], random: Random) -> bytes:
    tokens = _TOKEN.findall(data)
    if tokens:
        tokens[random.randrange(len(tokens))] = random.choice([*PIECES, random.choice(tokens)])
    return b"".join(tokens)


def _delete(data: bytes, _: Sequence[bytes], random: Random) -> bytes:
    start = random.randint(0, len(data))
    return data[:start] + data[start + random.choice((1, 2, 5, 30)) :]


def _cut(data: bytes, _: Sequence[bytes], random: Random) -> bytes:
    return data[: random.randint(0, len(data))]


def _double(data: bytes, _: Sequence[bytes], random: Random) -> bytes:
    start = random.randint(0, len(data))
    piece = data[start : start + random.choice((1, 5, 40))]
    return data[:start] + piece * random.choice((2, 3, 50)) + data[start + len(piece) :]


def _flip(data: bytes, _: Sequence[bytes], random: Random) -> bytes:
    if not data:
        return data
    changed = bytearray(data)
    changed[random.randrange(len(data))] ^= 1 << random.randrange(8)
    return bytes(changed)


def _splice(data: bytes, seeds: Sequence[bytes], random: Random) -> bytes:
    other = random.choice(seeds)
    return data[: random.randint(0, len(data))] + other[random.randint(0, len(other)) :]


_WAYS: Final = (_insert, _insert, _replace_token, _replace_token, _delete, _cut, _double, _flip, _splice)


@contextmanager
def no_hang(seconds: int = MAX_SECONDS) -> Iterator[None]:
    """Raise `Hang` in a block that does not end."""

    def end(*_: object) -> None:
        raise Hang(f"no end after {seconds} s")

    before = signal.signal(signal.SIGALRM, end)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def complaint(read: Callable[[bytes], object], expected: tuple[type[BaseException], ...], data: bytes) -> str:
    """Return what is wrong with how a reader takes an input; nothing for a value, or an expected error."""
    try:
        with no_hang():
            read(data)
    except expected:
        return ""
    except (Exception, Hang) as error:  # noqa: BLE001 - that is the question
        return f"{type(error).__name__}: {error}"[:300]
    return ""
