"""Definitions that a release of RabbitMQ refuses: `setup` refuses them there too, and other commands go on."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

import pytest
import requests

from attune_infra.broker.rabbitmq import RabbitMQ
from support.as_a_user import Command
from support.virtual_host import VirtualHost

EXCHANGE: Final[Mapping[str, Any]] = {
    "name": "e",
    "type": "topic",
    "durable": True,
    "auto_delete": False,
    "internal": False,
    "arguments": {},
}
QUEUE: Final[Mapping[str, Any]] = {"name": "q", "durable": True, "auto_delete": False, "arguments": {}}
BINDING: Final[Mapping[str, Any]] = {
    "source": "e",
    "destination": "q",
    "destination_type": "queue",
    "routing_key": "k",
    "arguments": {},
}
POLICY: Final[Mapping[str, Any]] = {
    "name": "p",
    "pattern": "^q",
    "apply-to": "queues",
    "definition": {"max-length": 5},
    "priority": 0,
}


def without(key: str, entry: Mapping[str, Any]) -> Mapping[str, Any]:
    return {name: value for name, value in entry.items() if name != key}


def definitions(**sections: Any) -> str:
    """Return definitions with an exchange, a queue, a binding and a policy, and with more in each section."""
    base = {"exchanges": [EXCHANGE], "queues": [QUEUE], "bindings": [BINDING], "policies": [POLICY]}
    return json.dumps({name: [*base[name], *sections.get(name, ())] for name in base})


def policy(**definition: Any) -> str:
    return definitions(policies=[{**POLICY, "name": "other", "pattern": "^x", "definition": definition}])


FILES: Final[Mapping[str, str]] = {
    "no fault": definitions(),
    "default exchange": definitions(exchanges=[{**EXCHANGE, "name": "", "type": "direct"}]),
    "exchange of RabbitMQ's own": definitions(exchanges=[{**EXCHANGE, "name": "amq.topic"}]),
    "queue without durable": definitions(queues=[without("durable", {**QUEUE, "name": "r"})]),
    "queue without auto_delete": definitions(queues=[without("auto_delete", {**QUEUE, "name": "r"})]),
    "queue without arguments": definitions(queues=[without("arguments", {**QUEUE, "name": "r"})]),
    "queue with a list of arguments": definitions(queues=[{**QUEUE, "name": "r", "arguments": []}]),
    "queue with null for arguments": definitions(queues=[{**QUEUE, "name": "r", "arguments": None}]),
    "queue with a text for durable": definitions(queues=[{**QUEUE, "name": "r", "durable": "true"}]),
    "queue with a text for a number": definitions(
        queues=[{**QUEUE, "name": "r", "arguments": {"x-message-ttl": "5"}}]
    ),
    "exchange without type": definitions(exchanges=[without("type", {**EXCHANGE, "name": "f"})]),
    "exchange without durable": definitions(exchanges=[without("durable", {**EXCHANGE, "name": "f"})]),
    "exchange without the rest": definitions(
        exchanges=[{"name": "f", "type": "fanout", "durable": True, "vhost_is_missing": 1}]
    ),
    "exchange of an unknown type": definitions(exchanges=[{**EXCHANGE, "name": "f", "type": "nonsense"}]),
    "binding to nothing": definitions(bindings=[{**BINDING, "destination": "nothing"}]),
    "binding from nothing": definitions(bindings=[{**BINDING, "source": "nothing"}]),
    "binding from the default exchange": definitions(bindings=[{**BINDING, "source": "", "routing_key": "q"}]),
    "binding without arguments": definitions(bindings=[{**without("arguments", BINDING), "routing_key": "l"}]),
    "binding to a topic": definitions(bindings=[{**BINDING, "destination_type": "topic"}]),
    "policy with an unknown key": policy(nonsense=1),
    "policy with a text for a number": policy(**{"max-length": "5"}),
    "policy with a text for nodes": policy(**{"ha-mode": "nodes", "ha-params": "rabbit@a"}),
    "policy that mirrors": policy(**{"ha-mode": "all"}),
    "policy with an empty definition": policy(),
    "policy with a broken pattern": definitions(policies=[{**POLICY, "name": "other", "pattern": "*"}]),
    "policy without priority": definitions(policies=[without("priority", {**POLICY, "name": "other"})]),
    "comma at the end of a list": definitions().replace('}], "queues"', '},], "queues"'),
    "comma at the end of an object": definitions().replace('"arguments": {}}', '"arguments": {},}'),
    "comma at the end of the file": definitions()[:-1] + ",}",
    "comma in a text": definitions(queues=[{**QUEUE, "name": "r,]"}]),
    "byte order mark": "\ufeff" + definitions(),
    "pair of surrogates": definitions(bindings=[{**BINDING, "routing_key": "\N{RABBIT FACE}"}]),
    "half of a pair of surrogates": definitions().replace('"routing_key": "k"', r'"routing_key": "\ud83d"'),
    "queue twice": definitions(queues=[QUEUE]),
    "unknown key": definitions(queues=[{**QUEUE, "name": "r", "nonsense": 1}]),
}


UNFORESEEN: Final = "policy with an unknown key"
"""A plugin may know the key, so only the broker can tell, and the rest is made."""


def is_loaded(text: str, vhost: VirtualHost) -> bool:
    """Return whether RabbitMQ loads definitions into a virtual host."""
    url = f"{vhost.management_url}/api/definitions/{quote(vhost.name, safe='')}"
    headers, user = {"content-type": "application/json"}, ("guest", "guest")
    answer = requests.post(url, data=text.encode(), headers=headers, auth=user, timeout=20)
    return answer.ok


@pytest.mark.parametrize("name", FILES)
def test_setup_takes_the_files_that_rabbitmq_takes_and_makes_the_same_of_them(
    name: str, vhost: VirtualHost, broker: RabbitMQ, attune_infra: Command, tmp_path: Path
) -> None:
    path = tmp_path / "definitions.json"
    path.write_bytes(FILES[name].encode())
    before = attune_infra("setup", "--topology", str(path))
    by_setup = broker.read()
    linted = attune_infra("lint", str(path), "--broker-version", ".".join(map(str, by_setup.version or ())))
    drawn = attune_infra("graph", "--topology", str(path))

    loaded = is_loaded(FILES[name], vhost)

    refused = 3 if name == UNFORESEEN else 1
    assert before.code == (0 if loaded else refused), before.stderr
    assert drawn.code == 0
    assert "exchange e" in drawn.stdout
    if loaded:
        assert attune_infra("diff", "--topology", str(path)).code == 0
        assert by_setup.objects() == broker.read().objects()
    elif name != UNFORESEEN:
        assert by_setup.objects() == ()
        assert str(path) in before.stderr or "so nothing is changed" in before.stderr
        assert linted.code == 2
        assert attune_infra("diff", "--topology", str(path)).code == 1
        if str(path) in before.stderr:
            assert attune_infra("verify", "--topology", str(path)).code == 1


@pytest.mark.parametrize("binding", [without("routing_key", BINDING), {**BINDING, "routing_key": None}])
def test_a_binding_without_a_key_is_refused_everywhere(
    binding: Mapping[str, Any], broker: RabbitMQ, attune_infra: Command, tmp_path: Path
) -> None:
    """RabbitMQ 4.0 does not recover from such a binding of a topic exchange, so it is not asked."""
    path = tmp_path / "definitions.json"
    path.write_text(definitions(bindings=[binding]), encoding="utf-8")

    refused = attune_infra("setup", "--topology", str(path))

    assert refused.code == 1
    assert "definitions.json:1:" in refused.stderr
    assert "routing_key" in refused.stderr
    assert broker.read().objects() == ()
