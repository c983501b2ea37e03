"""References to secrets in a document, and their JSON Schema."""

from __future__ import annotations

import copy
import pickle
import re

import jsonschema
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from attune_infra.errors import InvalidInput
from attune_infra.topology.document.keys import ENVIRONMENT_VARIABLE
from attune_infra.topology.document.nodes import Nodes
from attune_infra.topology.document.schema.secrets import reference_schema
from attune_infra.topology.document.sections.secrets import password_variable, read_reference, write_reference
from attune_infra.topology.model import SecretKind, SecretReference

WHAT = "the password of user 'a'"
GOOD = [
    ("{env: ORDERS_PASSWORD}", SecretReference(SecretKind.ENV, ("ORDERS_PASSWORD",))),
    ("{file: ../secrets/orders}", SecretReference(SecretKind.FILE, ("../secrets/orders",))),
    ("{command: [pass, show, 'a b', '']}", SecretReference(SecretKind.COMMAND, ("pass", "show", "a b", ""))),
]
WRONG = {
    "c4nary": "a document never holds the password of user 'a' itself: write {env: NAME}, {file: PATH} or",
    "12345": "never holds",
    "[c4nary]": "never holds",
    "{c4nary}": "the password of user 'a' needs exactly one of the forms {env: NAME}",
    "{text: c4nary}": "exactly one",
    "{env: A, file: c4nary}": "exactly one",
    "{env: A, c4nary: 1}": "exactly one",
    "{}": "exactly one",
    "{env: c4nary secret}": "env expects the name of an environment variable: letters, digits and _",
    "{env: 12345}": "env expects a text",
    "{env: [c4nary]}": "env expects a text",
    "{file: }": "file expects a text",
    "{file: ''}": "file expects a text",
    '{file: "c4nary\\0"}': "file expects a text",
    "{command: c4nary}": "command expects a list of texts, the program first",
    "{command: []}": "command expects a list of texts",
    "{command: ['', c4nary]}": "command expects a list of texts",
    "{command: [echo, 12345]}": "command expects a list of texts",
    '{command: [echo, "c4nary\\0"]}': "command expects a list of texts",
}


def read(text: str) -> tuple[SecretReference | None, list[str]]:
    document = Nodes(text)
    node = document.root()
    assert node is not None
    return read_reference(document, node, WHAT), [problem.what for problem in document.problems]


@pytest.mark.parametrize(("text", "wanted"), GOOD)
def test_a_reference_is_read_and_written(text: str, wanted: SecretReference) -> None:
    assert read(text) == (wanted, [])
    assert yaml.safe_load(text) == write_reference(wanted)


@pytest.mark.parametrize(("text", "sentence"), WRONG.items())
def test_what_is_no_reference_is_a_problem_that_does_not_quote_it(text: str, sentence: str) -> None:
    found, [problem] = read(text)

    assert found is None
    assert sentence in problem
    assert "c4nary" not in problem
    assert "12345" not in problem


@pytest.mark.parametrize("text", [*(text for text, _ in GOOD), *(each for each in WRONG if "\\0" not in each)])
def test_the_schema_agrees(text: str) -> None:
    validator = jsonschema.Draft202012Validator(reference_schema("Password"))

    assert validator.is_valid(yaml.safe_load(text)) is (text not in WRONG)


def test_a_secret_shows_itself_to_nobody() -> None:
    reference = SecretReference(SecretKind.ENV, ("A",))
    known = reference.with_secret("c4nary")

    assert known.reveal(WHAT) == "c4nary"
    assert (known == reference, hash(known) == hash(reference)) == (True, True)
    assert "c4nary" not in f"{known} {known!r} {known.secret} {known.secret!r} {vars(type(known))}"
    for write in (pickle.dumps, copy.deepcopy):
        with pytest.raises(TypeError):
            write(known)
    with pytest.raises(InvalidInput, match="the password of user 'a' was not read from environment variable A"):
        reference.reveal(WHAT)


def test_a_reference_is_named_by_its_place() -> None:
    assert [str(each) for _, each in GOOD] == [
        "environment variable ORDERS_PASSWORD",
        "file ../secrets/orders",
        "the output of pass",
    ]


@given(st.lists(st.text(alphabet="aA1-_. é", min_size=1, max_size=4), min_size=2, max_size=6, unique=True))
def test_each_name_has_a_variable_of_its_own(names: list[str]) -> None:
    variables = [password_variable(name).words[0] for name in names]

    assert len({*variables}) == len(names)
    assert all(re.fullmatch(ENVIRONMENT_VARIABLE, each) for each in variables)


def test_a_usual_name_is_shown_as_it_is() -> None:
    assert password_variable("shop-web").words == ("USER_SHOP_WEB_PASSWORD",)
