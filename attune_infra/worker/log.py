"""Lines of a log, for people who search and for machines: logfmt and JSON."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from typing import Final, Protocol

from attune_infra.render.words import visible
from attune_infra.topology.model import Severity

_WARNING: Final = "warning: "
"""The beginning of a sentence that warns, where it is printed as it is."""
_NEEDS_QUOTES: Final = re.compile(r'[\s="\\]|^$')


class Tell(Protocol):
    """Tell a sentence, with its severity, which is the level of a log line."""

    def __call__(self, sentence: str, severity: Severity = Severity.INFO) -> None: ...


class LogLine(Protocol):
    """Return a line for a sentence of this level; errors may have a hint."""

    def __call__(self, sentence: str, level: str, hint: str | None = None) -> str: ...


def json_line(sentence: str, level: str, hint: str | None = None, *, worker: str | None = None) -> str:
    """Return a JSON object: `time` in UTC by RFC 3339, `level`, `worker`, `message` and, of an error, `hint`."""
    return json.dumps(dict(_fields(sentence, level, hint, worker, "message")))


def text_line(sentence: str, level: str, hint: str | None = None, *, worker: str | None = None) -> str:
    """Return the same as pairs KEY=VALUE; a value with spaces is quoted as in JSON."""
    fields = _fields(sentence, level, hint, worker, "msg")
    return visible(" ".join(f"{key}={_quoted(value)}" for key, value in fields))


def _fields(
    sentence: str, level: str, hint: str | None, worker: str | None, message: str
) -> list[tuple[str, str]]:
    if sentence.startswith(_WARNING):
        sentence, level = sentence.removeprefix(_WARNING), Severity.WARNING
    now = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    found = [("time", now), ("level", str(level)), ("worker", worker), (message, sentence), ("hint", hint)]
    return [(key, value) for key, value in found if value is not None]


def _quoted(value: str) -> str:
    return json.dumps(value, ensure_ascii=False) if _NEEDS_QUOTES.search(value) else value
