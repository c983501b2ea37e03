"""Lines of a log, whatever the sentence."""

from __future__ import annotations

import json
import re
import shlex

import pytest

from attune_infra.worker.log import json_line, text_line

NOW = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z"


@pytest.mark.parametrize("sentence", ["worker 1 consumes", 'a "b"\\c', "two\nlines", "ü 🐇", "\x1b[2J\u202e", ""])
def test_a_json_line_holds_the_sentence_as_it_is(sentence: str) -> None:
    line = json_line(sentence, "info", worker="w")

    found = json.loads(line)

    assert line.isascii()
    assert "\n" not in line
    assert re.fullmatch(NOW, found.pop("time"))
    assert found == {"level": "info", "worker": "w", "message": sentence}


def test_a_text_line_has_pairs() -> None:
    line = text_line('it says "no"', "error", "try again", worker="w 1")

    time, *pairs = shlex.split(line)
    assert re.fullmatch(f"time={NOW}", time)
    assert pairs == ["level=error", "worker=w 1", 'msg=it says "no"', "hint=try again"]


def test_no_character_of_a_text_line_acts_on_a_terminal() -> None:
    line = text_line("two\nlines \x1b[2J \u202e", "info")

    assert "\n" not in line
    assert "\x1b" not in line
    assert "\u202e" not in line


def test_a_warning_has_its_level() -> None:
    assert re.fullmatch(f"time={NOW} level=warning msg=beware", text_line("warning: beware", "info"))
