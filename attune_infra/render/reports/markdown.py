"""Review -> Markdown for a comment on a pull request: a table of the problems, and their details folded.

Names come from documents and brokers. Each character of theirs that means something to Markdown, HTML or GitHub (a
mention, a reference to an issue) is written in a form that means only itself.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from attune_infra.render.reports.review import Remark, Review
from attune_infra.topology.words import counted

MAX_BYTES: Final = 65_536
"""GitHub counts characters; as many bytes are never more characters than that."""

_NOTE_BYTES: Final = 300
"""Bytes kept free for the notes that say what was cut."""

_MAX_NAMES_LISTED: Final = 3

_SPECIAL: Final = re.compile(r"[$&*<>\[\\\]_`|~]|@(?=\w)|#(?=\d)|:(?=//)|(?<=www)\.", re.IGNORECASE)
"""Characters that mean something within a line. Where a line begins, there is never a name."""

_ACTING: Final = frozenset("@#")
"""Characters that GitHub acts on in the finished page, unless an invisible character follows."""


def text(review: Review) -> str:
    head = "\n".join(_head(review))
    room = MAX_BYTES - _NOTE_BYTES - _size(head)
    rows, cut_rows = _fit(_rows(review.problems), room * 2 // 3, "row")
    room -= sum(map(_size, rows))
    folded, cut_details = _fit(_folded(review.problems), room, "folded part")
    notes = [f"\n_Not shown, for the size of a comment: {cut}._" for cut in (cut_rows, cut_details) if cut]
    return "\n".join([head, *rows, *folded, *notes])


def _head(review: Review) -> Iterator[str]:
    """Yield the title and the result; the first line is a mark by which a program finds its own comment again."""
    problems = len(review.problems)
    title = "failed" if review.is_failure else counted(problems, "problem") if problems else "no problems"
    yield from (f"<!-- attune-infra {review.command} -->", f"### attune-infra {review.command}: {title}", "")
    yield f"**{_escape(review.verdict)}**"
    if review.loss:
        yield from ("", "> [!CAUTION]", f"> These changes can lose {_escape(review.loss)}.")
    if review.target:
        yield from ("", _escape(review.target))
    yield ""


def _rows(problems: Sequence[Remark]) -> Iterator[str]:
    if not problems:
        return
    has_loss = any(remark.loss for remark in problems)
    titles = ["", "Object", "Problem", *(["Can lose"] if has_loss else []), "Place"]
    yield f"|{'|'.join(f' {title} ' for title in titles)}|\n|{'|'.join('---' for _ in titles)}|"
    for remark in problems:
        cells = [str(remark.grade), _code(remark.name), _escape(remark.what)]
        cells += [_escape(remark.loss)] if has_loss else []
        place = _code(f"{remark.spot.file}:{remark.spot.line}") if remark.spot else ""
        yield f"| {' | '.join([*cells, place])} |"


def _folded(problems: Iterable[Remark]) -> Iterator[str]:
    """Yield the hints, each once, and the details of each problem."""
    hints: defaultdict[str, list[str]] = defaultdict(list)
    for remark in problems:
        if remark.hint:
            hints[remark.hint].append(remark.name)
    if hints:
        yield _fold("Hints", [f"- {_names(names)}: {_escape(hint)}" for hint, names in hints.items()])
    for remark in problems:
        if remark.details:
            yield _fold(f"{_code(remark.name)}: {_escape(remark.what)}", _fenced(remark.details))


def _fold(title: str, lines: Iterable[str]) -> str:
    return "\n".join(["", f"<details><summary>{title}</summary>", "", *lines, "", "</details>"])


def _fenced(lines: Sequence[str]) -> Sequence[str]:
    """Return lines as a block of code, behind a fence that is longer than any in the lines."""
    longest = max(len(run) for line in lines for run in (re.findall("`+", line) or [""]))
    fence = "`" * max(3, longest + 1)
    return [f"{fence}text", *lines, fence]


def _names(names: Sequence[str]) -> str:
    shown = [_code(name) for name in dict.fromkeys(names)]
    more = f" and {len(shown) - _MAX_NAMES_LISTED} more" if len(shown) > _MAX_NAMES_LISTED else ""
    return f"{', '.join(shown[:_MAX_NAMES_LISTED])}{more}"


def _fit(parts: Iterable[str], room: int, noun: str) -> tuple[list[str], str]:
    """Return the first parts, which take up to so many bytes, and the number of the others in words."""
    shown: list[str] = []
    others = 0
    for part in parts:
        room -= _size(part)
        if others or room < 0:
            others += 1
        else:
            shown.append(part)
    return shown, counted(others, noun) if others else ""


def _size(part: str) -> int:
    return len(part.encode("utf-8", "surrogatepass")) + 1


def _code(words: str) -> str:
    """Return a name in a fixed width, in which GitHub looks for no mentions."""
    return f"<code>{_escape(words)}</code>"


def _escape(words: str) -> str:
    return _SPECIAL.sub(lambda found: _entity(found[0]), words)


def _entity(character: str) -> str:
    return f"&#{ord(character)};{'&#8203;' if character in _ACTING else ''}"
