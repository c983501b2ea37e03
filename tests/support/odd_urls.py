"""URLs with a password that do not parse as meant, and the ways in which a user hands one over. All are seeded.

A canary has random pieces with a special character between them, so that no piece is found anywhere by chance.
"""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Final
from urllib.parse import quote, unquote

import yaml

from attune_infra.settings import AMQP_URL, DATABASE_URL, MANAGEMENT_URL, Setting

SPECIAL: Final = (*"/@#?:[]% ;,&=+\\\"'!$|", "\t", "\n", "\x01", "é", "%zz", "%00", "//", "@@", "\udcff")
"""The characters between two pieces of a password; the last one is a byte that is not UTF-8."""

_LETTERS: Final = "bcdfghjkmnpqrstvwxzBCDFGHJKMNPQRSTVWXZ"
_DIGITS: Final = "3456789"
_HOST: Final = "127.0.0.1:1"
"""A port on which nothing listens."""
_SURROUNDINGS: Final = {
    AMQP_URL.variable: f"amqp://guest:guest@{_HOST}/x",
    MANAGEMENT_URL.variable: f"http://{_HOST}",
    DATABASE_URL.variable: f"postgresql://{_HOST}/x",
}
_MIN_PIECE: Final = 4

SHAPES: Final = (
    "{scheme}://svc:{raw}@{host}/x",
    "{scheme}://svc:12/{raw}@{host}/x",
    "{scheme}://svc:12#{raw}@{host}/x",
    "{scheme}://svc:12?{raw}@{host}/x",
    "{scheme}://svc:{raw}/x",
    "{scheme}://svc:{raw}",
    "{scheme}://svc@{raw}:{host}/x",
    "{scheme}://svc@{raw}/x",
    "{scheme}://svc:@{raw}/x",
    "{scheme}://{raw}@{host}/x",
    "{scheme}://{encoded}@{host}/x",
    "{scheme}://:{raw}@{host}/x",
    "{scheme}://svc:x@{host}:{raw}/x",
    "{scheme}://svc:x@{raw}@{host}/x",
    "{scheme}://svc:x@{host}/y/{raw}",
    "{scheme}://{host}/svc:{raw}@x",
    "{scheme}://{host}/svc%3A{encoded}%40x",
    "{scheme}://svc%3A{encoded}@{host}/x",
    "{scheme}://svc:{encoded}%40{host}/x",
    "{scheme}://svc{encoded}%40{host}/x",
    "{scheme}://svc;{raw}@{host}/x",
    "{scheme}://{host}/?password={raw}",
    "{scheme}://{host}/?pasword={raw}",
    "{scheme}://{host}/x#{raw}",
    "{scheme}://{scheme}://svc:{raw}@{host}/x",
    "{scheme}://svc:{raw}@{host},svc:{raw}@{host}/x",
    "{scheme}://svc:{raw}@{host},127.0.0.1:2/x",
    "{scheme}://svc:{encoded}@{host},[::1]:2/x",
    "{scheme}://svc:{raw}@{host},,127.0.0.1:2/x",
    "{scheme}://svc:{raw}@{host},127.0.0.1:99999/x",
    "{scheme}://svc:{raw},{host}/x",
    "{scheme}://svc:12,{raw}@{host}/x",
    "{scheme}://svc:{raw}@{host}/x,{scheme}://svc:{raw}@{host}/x",
    "{scheme}://svc:{encoded}@{host}/x,{scheme}://svc:{encoded}@127.0.0.1:2/x",
    "{scheme}://svc:x@{host}/x,{scheme}://svc:{raw}@{host}/x",
    "{scheme}://svc:x@{host},{scheme}://svc:{raw}/x",
    "{scheme}:/svc:{raw}@{host}/x",
    "{scheme}:svc:{raw}@{host}/x",
    "{scheme}:///svc:{raw}@{host}/x",
    "{scheme}//svc:{raw}@{host}/x",
    "{scheme}x://svc:{raw}@{host}/x",
    "{scheme}%3A%2F%2Fsvc:{raw}@{host}/x",
    "svc:{raw}@{host}/x",
    "//svc:{raw}@{host}/x",
    "svc:{raw}",
    "{raw}",
    '"{scheme}://svc:{raw}@{host}/x"',
    "{scheme}://svc:{raw}@/x",
    "{scheme}://svc:{raw}%@{host}/x",
    "{scheme}://[svc:{raw}@{host}/x",
    "{scheme}:\\\\svc:{raw}@{host}/x",
    "{scheme}://svc:{encoded}@{host}/x",
    "host=127.0.0.1 port=1 user=svc password={raw} dbname=x",
    "host=127.0.0.1 password='{raw}",
)
"""URLs with the password as it is (`raw`) or percent-encoded, most of them wrong."""


SETTINGS: Final[Mapping[str, Setting]] = {"amqp": AMQP_URL, "http": MANAGEMENT_URL, "postgresql": DATABASE_URL}
_COMMANDS: Final = {
    "amqp": ("queues", "diff", "verify", "doctor"),
    "http": ("queues", "setup --dry-run", "verify", "doctor"),
    "postgresql": ("worker list", "registry init", "doctor worker list", "worker prune"),
}
"""Commands that use the URL of each scheme."""
_MISPLACED: Final = (
    "URL",
    "diff URL",
    "diff --connection URL",
    "diff --config URL",
    "queues --amqp-urll=URL",
    "lint URL --report junit=REPORT",
    "worker list extra URL",
    "metrics --listen URL",
    "queues --timeout URL",
    "trace URL URL",
    "worker provision --id URL",
    "queue peek URL",
)
"""Command lines with a URL where none belongs."""
_DISPLAYS: Final = ("", "--output json", "-vv")
WAYS: Final = ("flag", "variable", "file of a variable", "file", "connection", "listed", "proxy", "misplaced")


@dataclass(frozen=True, slots=True)
class Canary:
    """A password that must not be found in any output."""

    raw: str

    @property
    def pieces(self) -> frozenset[str]:
        """Every run of four letters or digits of the password, in lower case."""
        runs = "".join(each if each.isascii() and each.isalnum() else " " for each in unquote(self.raw)).split()
        return frozenset(
            run[at : at + _MIN_PIECE].lower() for run in runs for at in range(len(run) - _MIN_PIECE + 1)
        )

    def found_in(self, text: str) -> str:
        """Return a piece of the password that a text shows, plain, percent-encoded or in base64; else nothing."""
        shown = f"{text}\n{unquote(text)}\n{_decoded(text)}".lower()
        return next((piece for piece in sorted(self.pieces) if piece in shown), "")


def canaries(random: Random) -> Iterator[Canary]:
    """Yield passwords without end, with each special character in turn."""
    while True:
        for special in SPECIAL:
            yield Canary(f"{_piece(random)}{special}{_piece(random)}")


def _piece(random: Random) -> str:
    """Return letters with a digit at every third place, so that no four of them stand in a word."""
    length = random.randint(6, 8)
    return "".join(random.choice(_LETTERS if place % 3 else _DIGITS) for place in range(length))


def url_of(shape: str, scheme: str, canary: Canary, host: str = _HOST) -> str:
    """Return a URL of a shape."""
    encoded = quote(canary.raw.encode(errors="surrogateescape"), safe="")
    return shape.format(scheme=scheme, raw=canary.raw, encoded=encoded, host=host)


@dataclass(frozen=True, slots=True)
class Run:
    """A command line and an environment, one of which holds a canary."""

    arguments: tuple[str, ...]
    environment: Mapping[str, str]
    canary: Canary
    shape: str
    report: Path

    def leaks(self, shown: str) -> str:
        """Return a sentence about the piece of the password that an output shows; nothing if there is none."""
        report = self.report.read_text() if self.report.is_file() else ""
        found = self.canary.found_in(shown + report)
        return f"{self.shape}: {' '.join(self.arguments)!r} shows {found}" if found else ""


def runs(scheme: str, way: str, random: Random, folder: Path) -> Iterator[Run]:
    """Yield a run for each shape that has a secret, given this way as the URL of a scheme."""
    passwords = canaries(random)
    for number, shape in enumerate(SHAPES):
        if shape.endswith("/y/{raw}") and scheme == "http" and way != "misplaced":
            continue  # a management API may have any path
        canary = next(each for each in passwords if not _is_like_a_good_url(shape, each))
        url = url_of(shape, "http" if way == "proxy" else scheme, canary)
        if way == "misplaced" and not ("://" in url or "@" in url):
            continue
        file = folder / f"{number}.yaml"
        display = random.choice(_DISPLAYS).split()
        if way == "misplaced":
            arguments, environment = _misplaced(random.choice(_MISPLACED), url, file), _SURROUNDINGS
        else:
            arguments, environment = _given(scheme, way, url, file)
            command = "connections" if way == "listed" else random.choice(_COMMANDS[scheme])
            display = [each for each in display if command != "registry init" or each != "-vv"]
            arguments = [*command.split(), *arguments]
        yield Run((*arguments, *display), environment, canary, shape, file.with_suffix(".xml"))


def _is_like_a_good_url(shape: str, canary: Canary) -> bool:
    """Return True for a password whose end is a host like any other: cut by an `@`, or by a comma behind one."""
    before, _, after = shape.partition("{raw}")
    if "@" in after:
        return False
    return canary.raw.count("@") == 1 or ("@" in before and "," in canary.raw)


def _misplaced(line: str, url: str, file: Path) -> list[str]:
    report = str(file.with_suffix(".xml"))
    return [word.replace("URL", url).replace("REPORT", report) for word in line.split()]


def _given(scheme: str, way: str, url: str, file: Path) -> tuple[list[str], dict[str, str]]:
    """Return the options and the environment that name a URL."""
    setting, environment = SETTINGS[scheme], dict(_SURROUNDINGS)
    if way == "flag":
        return [setting.flag, url], environment
    if way == "proxy":
        return ["--timeout", "1s"], {
            **environment,
            "http_proxy": url,
            MANAGEMENT_URL.variable: "http://192.0.2.1:1",
        }
    environment.pop(setting.variable, None)
    if way == "variable":
        return [], {**environment, setting.variable: url}
    if way == "file of a variable":
        file.write_bytes(url.encode(errors="surrogateescape"))
        return [], {**environment, f"{setting.variable}_FILE": str(file)}
    if way == "file":
        section, key = setting.path
        file.write_text(yaml.safe_dump({section: {key: url}}))
        return ["--config", str(file)], environment
    entry = {each.key: _SURROUNDINGS[each.variable] for each in (AMQP_URL, MANAGEMENT_URL)} | {setting.key: url}
    file.write_text(yaml.safe_dump({"connections": {"here": entry}}))
    chosen = [] if way == "listed" else ["--connection", "here"]
    for variable in _SURROUNDINGS:
        environment.pop(variable, None)
    return ["--config", str(file), *chosen], environment


def _decoded(text: str) -> str:
    """Return the texts that stand in base64 in a text."""
    words = "".join(each if each.isascii() and (each.isalnum() or each in "+/") else " " for each in text).split()
    whole = (word[: len(word) // 4 * 4] for word in words)
    return " ".join(b64decode(word).decode(errors="replace") for word in whole)
