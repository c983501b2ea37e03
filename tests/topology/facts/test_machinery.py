"""Objects that RabbitMQ and its plugins make, told by their names."""

from __future__ import annotations

import pytest

from attune_infra.topology.facts.machinery import is_hidden, is_machinery, owner_of_name
from attune_infra.topology.model import Exchange, Queue


@pytest.mark.parametrize(
    ("name", "owner"),
    [
        ("amq.gen-JzTY20BRgKO-HjmUJj0wLg", "RabbitMQ"),
        ("amq.topic", "RabbitMQ"),
        ("mqtt-subscription-client1qos1", "the MQTT plugin"),
        ("stomp-subscription-x", "the STOMP plugin"),
        ("federation: orders -> rabbit@a", "the federation plugin"),
        ("orders", None),
        ("my.mqtt-subscription-1", None),
    ],
)
def test_the_beginning_of_a_name_tells_its_owner(name: str, owner: str | None) -> None:
    assert owner_of_name(name) == owner
    assert is_machinery(Queue(name=name)) is (owner is not None)


def test_private_queues_are_hidden_as_the_machinery_is() -> None:
    assert is_hidden(Queue(name="reply", exclusive=True))
    assert is_hidden(Exchange(name="federation: x"))
    assert not is_hidden(Queue(name="reply"))
