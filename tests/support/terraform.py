"""The output of `terraform show -json`, as the provider keeps what it has declared."""

from __future__ import annotations

import json
from typing import Any

from support.hcl import encoded, resources


def shown(*instances: dict[str, Any]) -> str:
    """Return a state with these resources, on one line as Terraform writes it."""
    module = {"resources": [{"mode": "managed", **each} for each in instances]}
    whole = {"format_version": "1.0", "terraform_version": "1.9.8", "values": {"root_module": module}}
    return json.dumps(whole, separators=(",", ":"), ensure_ascii=False)


def instance(address: str, **values: Any) -> dict[str, Any]:
    return {"address": address, "type": address.partition(".")[0], "values": values}


def applied(text: str) -> str:
    """Return the state after a configuration was applied."""
    found = resources(text)
    return shown(*(instance(address, **_kept(body, found)) for address, body in found.items()))


def _kept(value: Any, others: dict[str, Any]) -> Any:
    match value:
        case dict():
            return {name: _attribute(name, item, others) for name, item in value.items()}
        case list():
            return [_kept(item, others) for item in value]
        case str() if value.startswith("${rabbitmq_") and value.endswith(".name}"):
            return others[value[2:-6]]["name"]
        case _:
            return value


def _attribute(name: str, value: Any, others: dict[str, Any]) -> Any:
    match name:
        case "arguments":
            return value
        case "arguments_json":
            return json.dumps(encoded(value))
        case "definition":
            return {key: str(item) for key, item in value.items()}
        case _:
            return _kept(value, others)
