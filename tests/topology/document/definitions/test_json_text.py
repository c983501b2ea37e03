from json import JSONDecodeError, JSONDecoder, dumps, loads

import pytest
from hypothesis import given
from hypothesis import strategies as st

from attune_infra.topology.document.definitions.json_text import Item, Member, read_members, read_with_slips


def test_members_and_items_know_where_they_stand() -> None:
    assert read_members('{"a": [1,\n {"b": 2}], "c": {}}') == [
        Member("a", 1, [1, {"b": 2}], (Item(1, 7), Item({"b": 2}, 11))),
        Member("c", 22, {}, None),
    ]


def test_names_that_stand_twice_are_told_where_they_do() -> None:
    members = read_members('{"a": [{"x": 1, "y": {"z": 1, "z": 2}, "x": 3}, {"x": 1}], "a": 1}')

    assert [member.name for member in members] == ["a", "a"]
    assert members[0].items is not None
    assert [item.duplicates for item in members[0].items] == [("z", "x"), ()]


@pytest.mark.parametrize(
    ("text", "at"),
    [
        ("{}", []),
        (' {"a": [1, 2,],\n}\n', [12, 14]),
        ('{"a" :[ ] , }', [10]),
        ('{"a": [{"b": "c,]",}]}', [18]),
        ('{"a": ["\\",]", "//",]}', [19]),
        ('{ // one\n"a": 1 /* two\n*/}', [2, 16]),
        ('{"a": "b\tc"}', [8]),
    ],
)
def test_slips_that_rabbitmq_3_10_reads_over_are_told_where_they_are(text: str, at: list[int]) -> None:
    members, slips = read_with_slips(text)

    assert [member.name for member in members] in ([], ["a"])
    assert [slip.at for slip in slips] == at


@pytest.mark.parametrize("text", ['{"a": [,]}', '{"a": [1,,]}', '{"a":,}', '{"a": [NaN,]}', "{", '{"a": [1,], 2}'])
def test_other_text_that_is_no_json_is_refused(text: str) -> None:
    with pytest.raises(JSONDecodeError):
        read_with_slips(text)


@pytest.mark.parametrize(
    ("text", "line", "column", "what"),
    [
        ("", 1, 1, "Expecting '{'"),
        ("[]", 1, 1, "Expecting '{'"),
        ('{"a": 1', 1, 8, "Expecting ','"),
        ('{"a": 1}\n}', 2, 1, "Extra data"),
        ('{"a": [1 2]}', 1, 10, "Expecting ','"),
        ('{"a": [\n{"b": 1 2}]}', 2, 9, "Expecting ',' delimiter"),
        ('{"a": [,]}', 1, 8, "Expecting value"),
        ("{1: 2}", 1, 2, "Expecting property name enclosed in double quotes"),
        ("{'a': 2}", 1, 2, "Expecting value"),
        ('{"a": [NaN]}', 1, 8, "NaN is not a JSON value"),
        ('{"a": -Infinity}', 1, 7, "-Infinity is not a JSON value"),
        ('{"a": 1e999}', 1, 7, "the number 1e999 is too large"),
        ('{"a": "\t"}', 1, 8, "Invalid control character at"),
        ('{"a": ' + "1" * 5000 + "}", 1, 7, "Exceeds the limit (4300 digits)"),
    ],
)
def test_what_is_no_json_is_refused_where_it_ceases_to_be(text: str, line: int, column: int, what: str) -> None:
    with pytest.raises(JSONDecodeError) as caught:
        read_members(text)

    assert (caught.value.lineno, caught.value.colno) == (line, column)
    assert caught.value.msg.startswith(what)


_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=10,
)


@given(st.dictionaries(st.text(), _values), st.booleans(), st.sampled_from([None, 1]))
def test_json_is_read_as_everybody_reads_it(
    value: dict[str, object], ascii_only: bool, indent: int | None
) -> None:
    text = dumps(value, ensure_ascii=ascii_only, indent=indent)

    members = read_members(text)

    assert {member.name: member.value for member in members} == loads(text)
    for member in members:
        assert JSONDecoder().raw_decode(text, member.at)[0] == member.name
        assert all(JSONDecoder().raw_decode(text, item.at)[0] == item.value for item in member.items or ())


def test_rabbitmq_3_10_reads_over_comments_and_last_commas() -> None:
    text = '{"a": [1, // one\n 2, /* two */], "b": "// no comment",}'

    members, slips = read_with_slips(text)

    assert {member.name: member.value for member in members} == {"a": [1, 2], "b": "// no comment"}
    assert [(text[slip.at], slip.what) for slip in slips] == [
        ("/", "a comment"),
        ("/", "a comment"),
        (",", "a comma after the last item"),
        (",", "a comma after the last item"),
    ]
