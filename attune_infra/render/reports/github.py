"""Review -> annotations, as workflow commands of GitHub Actions.

GitHub shows at most ten errors, ten warnings and ten notices of a step as annotations, so the worst come first.
All of them stay in the log.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from attune_infra.render.reports.review import Grade, Remark, Review

_COMMANDS: Final = {Grade.ERROR: "error", Grade.WARNING: "warning", Grade.NOTE: "notice"}


def text(review: Review) -> str:
    """Return a line for each problem, and the result as a plain line."""
    return "\n".join((*map(_annotation, review.problems), _inert(review.verdict)))


def _annotation(remark: Remark) -> str:
    title = f"{remark.name} ({remark.code})"
    properties = ",".join(f"{key}={_escape_property(value)}" for key, value in (*_place(remark), ("title", title)))
    message = "\n".join([remark.what, *remark.details, *([f"hint: {remark.hint}"] if remark.hint else [])])
    return f"::{_COMMANDS[remark.grade]} {properties}::{_escape(message)}"


def _place(remark: Remark) -> Iterator[tuple[str, str]]:
    if remark.spot is not None:
        yield from (("file", remark.spot.file), ("line", str(remark.spot.line)), ("col", str(remark.spot.column)))
        if remark.spot.end is not None:
            yield "endColumn", str(remark.spot.end)
    elif remark.file is not None:
        yield "file", remark.file


def _escape(value: str) -> str:
    """Escape the message of a command; the percent sign first, since it begins the escapes."""
    return value.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _escape_property(value: str) -> str:
    return _escape(value).replace(":", "%3A").replace(",", "%2C")


def _inert(line: str) -> str:
    """Return a plain line that the runner takes for no command: neither `::` at its beginning nor `##[` in it."""
    return line.replace("##[", "# #[").replace("::", ": :")
