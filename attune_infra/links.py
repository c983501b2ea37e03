"""Addresses of the documentation, for results that name a page."""

from __future__ import annotations

from typing import Final

PROJECT_URL: Final = "https://github.com/attune-platform/attune-infra"
"""The project's home; `pyproject.toml` has the same."""

_DOCS: Final = f"{PROJECT_URL}/blob/main/docs"


RUNBOOK_URL: Final = f"{_DOCS}/monitoring.md"
"""Page that explains each alert."""


def code_url(code: str) -> str:
    """Return the address that explains the code of an error, a check or a change."""
    return f"{_DOCS}/codes.md#{code}"


def rule_url(code: str, title: str) -> str:
    """Return the address that explains a rule of lint: its heading is `CODE: TITLE`."""
    heading = "".join(each for each in f"{code} {title}".lower() if each.isalnum() or each in " -_")
    return f"{_DOCS}/lint.md#{heading.replace(' ', '-')}"
