import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from attune_infra.topology.document.foreign.terraform.hcl import (
    Blocks,
    Encoded,
    Reference,
    Resource,
    as_json,
    quoted,
)
from attune_infra.topology.model import Argument, freeze
from support.hcl import encoded, parsed, resources
from support.strategies import NASTY_NAMES, arguments

TEMPLATES = ("${a}", "%{if x}", "$${a}", "$$${", "${", "%%{", "$", "%", "a$", '${"', "\\${a}")


@pytest.mark.parametrize("text", [*NASTY_NAMES, *TEMPLATES, "", "a\nb", "\r"])
def test_a_text_is_read_back(text: str) -> None:
    assert parsed(f"x = {quoted(text)}\ny = 1\n") == {"x": text, "y": 1}


@given(st.text("$%{}\\\"'a~\n/*#<", max_size=12) | st.text(max_size=20))
@settings(deadline=None, max_examples=150)
def test_any_text_is_read_back(text: str) -> None:
    if text.isascii() or text.encode("utf-8", "replace").decode() == text:
        assert parsed(f"x = {quoted(text)}\n") == {"x": text}


@given(arguments)
@settings(deadline=None, max_examples=60)
def test_values_are_read_back(values: dict[str, Argument]) -> None:
    resource = Resource("t", "n", {"plain": values, "json": Encoded(values)})

    found = resources("\n".join(resource.lines()))["t.n"]

    assert freeze(found["plain"]) == freeze(values)
    assert freeze(encoded(found["json"])) == freeze(values)


THING = Resource(
    "rabbitmq_thing",
    "a",
    {
        "name": "a",
        "source": Reference("rabbitmq_other.b.name"),
        "inner": Blocks(({"x": 1, "table": {"k": True}}, {"x": 2})),
    },
    imported="a@/",
)


def test_the_signs_of_lines_are_aligned() -> None:
    assert list(THING.lines()) == [
        'resource "rabbitmq_thing" "a" {',
        '  name   = "a"',
        "  source = rabbitmq_other.b.name",
        "",
        "  inner {",
        "    x = 1",
        "    table = {",
        '      "k" = true',
        "    }",
        "  }",
        "",
        "  inner {",
        "    x = 2",
        "  }",
        "}",
        "",
        "import {",
        "  to = rabbitmq_thing.a",
        '  id = "a@/"',
        "}",
    ]


def test_the_form_of_json_says_the_same() -> None:
    assert as_json([THING]) == {
        "resource": {
            "rabbitmq_thing": {
                "a": {
                    "name": "a",
                    "source": "${rabbitmq_other.b.name}",
                    "inner": [{"x": 1, "table": {"k": True}}, {"x": 2}],
                }
            }
        },
        "import": [{"to": "rabbitmq_thing.a", "id": "a@/"}],
    }


def test_templates_are_escaped_in_json_too() -> None:
    found = as_json([Resource("t", "n", {"a": "${x}", "b": Encoded({"%{c}": 1})})])

    assert found == {"resource": {"t": {"n": {"a": "$${x}", "b": '{"%%{c}": 1}'}}}}
