"""The parts of py-amqp that it does not promise to keep, and that this program uses all the same."""

from __future__ import annotations

import ast
import inspect
import re

import amqp
from amqp import method_framing

from attune_infra.broker.amqp import lanes

PRIVATE = {"_callbacks", "_on_close"}
"""Private attributes of `amqp.Channel` that `Lane` uses or overrides (decision 1)."""
OF_SUBCLASSES = {
    amqp.Channel: {"collect", "send_method", "wait"},
    amqp.Connection: {"on_inbound_method"},
}
"""Methods that only the subclasses of py-amqp's own classes need, and that its documentation does not mention."""


def private_names_in(cls: type) -> set[str]:
    """Return the private names that the source of a class uses or defines."""
    names = set()
    for node in ast.walk(ast.parse(inspect.getsource(cls))):
        if isinstance(node, ast.Attribute):
            names.add(node.attr)
        elif isinstance(node, ast.FunctionDef):
            names.add(node.name)
        elif isinstance(node, ast.Assign):
            names.update(target.id for target in node.targets if isinstance(target, ast.Name))
    return {name for name in names if re.match(r"_[^_]", name)}


def private_names_of(cls: type) -> set[str]:
    """Return the private names of a class of py-amqp and of its ancestors."""
    ancestors = [each for each in inspect.getmro(cls) if each is not object]
    return set().union(*(private_names_in(each) for each in ancestors))


def test_no_other_private_part_is_used_or_hidden() -> None:
    channel = private_names_in(lanes.Lane) & private_names_of(amqp.Channel)
    connection = private_names_in(lanes.Connection) & private_names_of(amqp.Connection)

    assert channel == PRIVATE
    assert connection == set()


def test_the_installed_release_has_them() -> None:
    assert private_names_of(amqp.Channel) >= PRIVATE
    for cls, names in OF_SUBCLASSES.items():
        assert names <= set(dir(cls))


def test_the_arguments_that_we_pass_are_there() -> None:
    assert "frame_writer" in inspect.signature(amqp.Connection).parameters
    assert list(inspect.signature(method_framing.frame_writer).parameters)[:2] == ["connection", "transport"]
    assert (
        list(inspect.signature(amqp.Channel.wait).parameters)[1:]
        == list(inspect.signature(lanes.Lane.wait).parameters)[1:]
    )
    assert list(inspect.signature(amqp.Channel._on_close).parameters) == list(
        inspect.signature(lanes.Lane._on_close).parameters
    )
