"""Addresses of the documentation lead to a heading or an anchor that is there."""

from pathlib import Path

from attune_infra.links import PROJECT_URL, rule_url
from attune_infra.topology.lint.rules import RULES

DOCS = Path(__file__).parents[1] / "docs"


def test_each_rule_of_lint_has_its_address() -> None:
    headings = [line.removeprefix("## ") for line in DOCS.joinpath("lint.md").read_text().splitlines()]
    for rule in RULES:
        assert f"{rule.code}: {rule.title}" in headings
        _, _, anchor = rule_url(rule.code, rule.title).partition("#")
        assert anchor.startswith(f"{rule.code.lower()}-")
        assert set(anchor) <= set("abcdefghijklmnopqrstuvwxyz0123456789-_")


def test_addresses_are_of_the_project() -> None:
    assert rule_url("AI001", "A `queue` is odd").endswith("/docs/lint.md#ai001-a-queue-is-odd")
    assert rule_url("AI001", "Any").startswith(PROJECT_URL)
