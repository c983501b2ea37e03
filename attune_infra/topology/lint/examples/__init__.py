"""The examples of the lint rules: a file per rule, with a document that breaks the rule and one that keeps it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import field
from pathlib import Path

from attune_infra.dataclass import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    """Two documents: `bad` breaks a rule, `good` keeps it.

    `finding` is the object and the sentence that lint reports for the bad document, or their beginning. `also` are
    the other rules that the bad document has to break. Some rules depend on more than a document: on the release
    `broker_version`, or on the number of `consumers` per queue, which only a broker knows.
    """

    bad: str
    good: str
    finding: str
    also: Sequence[str] = ()
    broker_version: str = ""
    consumers: Mapping[str, int] = field(default_factory=dict)


def load_example(code: str) -> Example:
    """Read the example of the rule with this code."""
    from yaml import safe_load

    text = Path(__file__).with_name(f"{code}.yaml").read_text(encoding="utf-8")
    return Example(**safe_load(text))
