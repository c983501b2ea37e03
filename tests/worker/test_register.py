import socket

import pytest

from attune_infra.errors import InvalidInput, WrongUsage
from attune_infra.worker.register import names_by_pattern, names_in, parse_capabilities, registration


def test_a_worker_without_a_name_gets_the_platforms() -> None:
    assert registration(None, None, None, None, []).name == f"worker-{socket.gethostname()}"


@pytest.mark.parametrize(
    ("pair", "value"),
    [
        ("k=v", "v"),
        ("k=", ""),
        ("k=a=b", "a=b"),
        ("k=10", 10),
        ("k=true", True),
        ('k=["python"]', ["python"]),
        ('k={"a": 1}', {"a": 1}),
        ('k="10"', "10"),
        ("k=[broken", "[broken"),
    ],
)
def test_a_value_that_is_json_is_taken_as_that(pair: str, value: object) -> None:
    assert parse_capabilities([pair]) == {"k": value}


def test_no_capabilities_leave_what_is_registered() -> None:
    assert parse_capabilities([]) is None


@pytest.mark.parametrize("pair", ["k", "=v", ""])
def test_what_is_no_pair_is_refused(pair: str) -> None:
    with pytest.raises(WrongUsage, match="is not KEY=VALUE"):
        parse_capabilities([pair])


def test_a_pattern_names_many_workers() -> None:
    assert names_by_pattern(3, "rack-{n}/{n}", name=None) == ("rack-1/1", "rack-2/2", "rack-3/3")
    assert names_by_pattern(None, None, name="w") == ()


@pytest.mark.parametrize(
    ("count", "pattern", "name", "sentence"),
    [
        (3, None, None, "--count is given without --name-pattern"),
        (None, "w{n}", None, "--name-pattern is given without --count"),
        (3, "w{n}", "w", "--name and --name-pattern are given"),
        (3, "w", None, "--name-pattern 'w' has no {n}"),
    ],
)
def test_many_workers_need_a_number_and_a_pattern(
    count: int | None, pattern: str | None, name: str | None, sentence: str
) -> None:
    with pytest.raises(WrongUsage) as raised:
        names_by_pattern(count, pattern, name=name)
    assert raised.value.sentence == sentence


def test_a_file_names_many_workers() -> None:
    assert names_in("\ufeffa\r\n\n b c \n", source="names") == ("a", "b c")


@pytest.mark.parametrize(
    ("text", "sentence"), [(" \n", "f names no worker"), ("a\nb\na", "f names worker a 2 times")]
)
def test_a_file_of_names_has_some_and_each_once(text: str, sentence: str) -> None:
    with pytest.raises(InvalidInput) as raised:
        names_in(text, source="f")
    assert raised.value.sentence == sentence
