"""Review -> SARIF 2.1.0, the format of code scanning.

GitHub refuses a file in which a result has no place. A problem that stands nowhere in a document, such as an
undeclared queue, therefore gets the first line of the document; only without a file there is no place.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from hashlib import sha256
from typing import Any, Final
from urllib.parse import quote

from attune_infra import __version__
from attune_infra.links import PROJECT_URL
from attune_infra.render.reports.review import Grade, Guide, Remark, Review

_SCHEMA: Final = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
_FINGERPRINT: Final = "attuneInfra/v1"
_ROOT: Final = "%SRCROOT%"
"""The name of the folder that relative paths begin at; the reader of the file knows it."""


def text(review: Review) -> str:
    codes = list(dict.fromkeys(remark.code for remark in review.problems))
    run = {
        "tool": {"driver": _driver(codes, review)},
        "automationDetails": {"id": f"attune-infra/{review.command.replace(' ', '-')}/"},
        "invocations": [_invocation(review)],
        "columnKind": "unicodeCodePoints",
        "results": _results(review, codes),
    }
    return json.dumps({"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]}, indent=2, ensure_ascii=False)


def _driver(codes: list[str], review: Review) -> dict[str, Any]:
    return {
        "name": "attune-infra",
        "version": __version__,
        "semanticVersion": __version__,
        "informationUri": PROJECT_URL,
        "rules": [_rule(code, review.guides.get(code)) for code in codes],
    }


def _rule(code: str, guide: Guide | None) -> dict[str, Any]:
    if guide is None:
        return {"id": code}
    words = guide.reason or guide.title
    return {
        "id": code,
        "name": "".join(word.capitalize() for word in re.findall("[A-Za-z0-9]+", guide.title)),
        "shortDescription": {"text": f"{guide.title}."},
        "fullDescription": {"text": words},
        "help": {"text": _help(guide), "markdown": _help(guide)},
        "helpUri": guide.url,
        "defaultConfiguration": {"level": _level(guide.grade)},
    }


def _help(guide: Guide) -> str:
    """Return the reason and the examples of a rule, as Markdown, which reads well as text too."""
    parts = [guide.reason or f"{guide.title}."]
    for title, document in (("Bad", guide.bad), ("Good", guide.good)):
        if document:
            parts.append(f"{title}:\n\n```yaml\n{document.rstrip()}\n```")
    return "\n\n".join([*parts, f"See <{guide.url}>."])


def _level(grade: Grade) -> str:
    return "none" if grade is Grade.PASSED else str(grade)


def _invocation(review: Review) -> dict[str, Any]:
    told = [{"level": "error", "message": {"text": remark.sentence}} for remark in review.remarks]
    return {
        "executionSuccessful": not review.is_failure,
        "exitCode": review.exit_code,
        **({"toolExecutionNotifications": told} if review.is_failure else {}),
    }


def _results(review: Review, codes: list[str]) -> list[dict[str, Any]]:
    seen: Counter[str] = Counter()
    results = []
    for remark in review.problems:
        fingerprint = _fingerprint(remark)
        seen[fingerprint] += 1
        result = _result(remark, codes.index(remark.code))
        result["partialFingerprints"] = {_FINGERPRINT: f"{fingerprint}:{seen[fingerprint]}"}
        results.append(result)
    return results


def _result(remark: Remark, rule: int) -> dict[str, Any]:
    lines = [remark.sentence, *remark.details, *([f"Hint: {remark.hint}"] if remark.hint else [])]
    location: dict[str, Any] = {"logicalLocations": [{"fullyQualifiedName": remark.name, "kind": "resource"}]}
    if physical := _physical(remark):
        location["physicalLocation"] = physical
    return {
        "ruleId": remark.code,
        "ruleIndex": rule,
        "level": _level(remark.grade),
        "message": {"text": "\n".join(lines)},
        "locations": [location],
    }


def _physical(remark: Remark) -> dict[str, Any] | None:
    if remark.spot is not None:
        region = {"startLine": remark.spot.line, "startColumn": remark.spot.column}
        if remark.spot.end is not None:
            region["endColumn"] = remark.spot.end
        return {"artifactLocation": _artifact(remark.spot.file), "region": region}
    if remark.file is not None:
        return {"artifactLocation": _artifact(remark.file), "region": {"startLine": 1}}
    return None


def _artifact(file: str) -> dict[str, str]:
    if file.startswith("/"):
        return {"uri": f"file://{quote(file)}"}
    return {"uri": quote(file), "uriBaseId": _ROOT}


def _fingerprint(remark: Remark) -> str:
    """Return a name for the problem that stays if the document gets more lines above it."""
    file = remark.spot.file if remark.spot else remark.file
    words = "\0".join((remark.code, remark.name, remark.what, file or ""))
    return sha256(words.encode("utf-8", "surrogatepass")).hexdigest()[:32]
