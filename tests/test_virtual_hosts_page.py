"""The table of docs/virtual-hosts.md has every command, with what its options say."""

from __future__ import annotations

import re

from support.commands import COMMANDS, LEAVES
from support.folders import ROOT

ROWS = dict(
    re.findall(
        r"^\| `([^`]+)` \| (each|of the broker|one|one of the broker|none) \|",
        (ROOT / "docs/virtual-hosts.md").read_text(encoding="utf-8"),
        re.MULTILINE,
    )
)


KINDS = {"vhost": "each", "places": "of the broker", "one_vhost": "one", "place": "one of the broker"}
"""By the names of the options in `attune_infra/cli/_shared.py`."""


def takes(path: str) -> str:
    """Return how many virtual hosts a command takes, and if they are those of a document or of the broker."""
    for option in COMMANDS[path].command.params:
        if "--vhost" in option.opts:
            return KINDS[option.name if option.multiple else "one_vhost"]
    return "none"


def test_the_page_has_what_the_options_say() -> None:
    assert {path: takes(path) for path in LEAVES} == ROWS
