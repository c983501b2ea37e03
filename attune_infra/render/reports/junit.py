"""Review -> JUnit's XML: a test suite for the command, and a test case for each object, check or document.

A problem that the exit code counts is a failure, and a check that could not be made an error. Any other problem,
such as a warning, is in the output of a test case that passed.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final
from xml.etree import ElementTree as ET

from attune_infra.render.reports.review import Remark, Review

_NOT_XML: Final = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""Characters that no XML 1.0 document may hold, not even escaped."""


def text(review: Review) -> str:
    name = f"attune-infra {review.command}"
    errors = sum(remark.fails and remark.unknown for remark in review.remarks)
    failures = sum(remark.fails and not remark.unknown for remark in review.remarks)
    counts = {"tests": str(len(review.remarks)), "failures": str(failures), "errors": str(errors)}
    root = ET.Element("testsuites", {"name": name, **counts})
    suite = ET.SubElement(root, "testsuite", {"name": name, **counts, "skipped": "0"})
    for remark in review.remarks:
        suite.append(_case(remark, name))
    _add_text(suite, "system-out", [line for line in (review.target, review.verdict) if line])
    ET.indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ET.tostring(root, encoding="unicode")


def _case(remark: Remark, suite: str) -> ET.Element:
    file = remark.spot.file if remark.spot else remark.file
    title = f"{remark.name} ({remark.code})" if remark.is_problem else remark.name
    case = ET.Element("testcase", {"classname": _clean(file or suite), "name": _clean(title)})
    lines = [*_first_lines(remark), *remark.details]
    if remark.hint:
        lines.append(f"hint: {remark.hint}")
    if remark.fails:
        attributes = {"type": remark.code, "message": _clean(remark.what)}
        _add_text(case, "error" if remark.unknown else "failure", lines, attributes)
    elif remark.is_problem:
        _add_text(case, "system-out", [f"{remark.grade}: {lines[0]}", *lines[1:]])
    return case


def _first_lines(remark: Remark) -> Iterable[str]:
    spot = remark.spot
    yield f"{spot.file}:{spot.line}:{spot.column}: {remark.sentence}" if spot else remark.sentence
    if remark.loss:
        yield f"can lose: {remark.loss}"


def _add_text(
    parent: ET.Element, tag: str, lines: Iterable[str], attributes: dict[str, str] | None = None
) -> None:
    ET.SubElement(parent, tag, attributes or {}).text = _clean("\n".join(lines))


def _clean(words: str) -> str:
    return _NOT_XML.sub("\N{REPLACEMENT CHARACTER}", words)
