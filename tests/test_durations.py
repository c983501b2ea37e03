"""Durations in documents, settings and options."""

from __future__ import annotations

import pytest

from attune_infra.durations import milliseconds
from attune_infra.topology.document.parse import parse
from attune_infra.topology.document.problems import InvalidDocument


@pytest.mark.parametrize(
    ("text", "expected"),
    [("24h", 86_400_000), ("90s", 90_000), ("500ms", 500), ("1h30m", 5_400_000), ("2w", 1_209_600_000), ("0s", 0)],
)
def test_a_duration_is_a_number_of_milliseconds(text: str, expected: int) -> None:
    assert milliseconds(text) == expected


@pytest.mark.parametrize("text", ["", "24", "h", "1.5h", "-1h", "24 h", "24H", "1h ", "1h30", "1D", "٣h"])
def test_any_other_text_is_none(text: str) -> None:
    assert milliseconds(text) is None


DOCUMENT = """\
queues:
  jobs: {{arguments: {{x-message-ttl: {ttl}, x-expires: 7d, x-own: 24h}}}}
policies:
  limit: {{pattern: ^x, definition: {{message-ttl: 30m}}}}
"""


def test_arguments_that_are_times_may_be_durations() -> None:
    topology = parse(DOCUMENT.format(ttl="24h"), source="a.yaml")

    assert dict(topology.queues["jobs"].arguments) == {
        "x-message-ttl": 86_400_000,
        "x-expires": 604_800_000,
        "x-own": "24h",
    }
    assert dict(topology.policies["limit"].definition) == {"message-ttl": 1_800_000}


def test_a_wrong_duration_is_told_with_the_right_form() -> None:
    with pytest.raises(InvalidDocument) as refusal:
        parse(DOCUMENT.format(ttl="24 hours"), source="a.yaml")

    assert refusal.value.sentence == (
        "a.yaml:2:37: x-message-ttl expects an integer from 0 to 315360000000, got the string '24 hours'; "
        "a duration is written 90s, 30m, 24h or 7d"
    )


def test_a_duration_may_be_too_long() -> None:
    with pytest.raises(InvalidDocument, match="x-message-ttl expects an integer from 0 to 315360000000"):
        parse(DOCUMENT.format(ttl="9999999999w"), source="a.yaml")
