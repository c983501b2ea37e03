"""Plain data for JSON, with its schema and sorted, so that two runs can be compared."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final, TypeAlias, TypeVar

from attune_infra import __version__
from attune_infra.masking import has_odd_words, masked, masked_data

if TYPE_CHECKING:
    from attune_infra.contract.stamp import TargetData
    from attune_infra.messages.jsonl import Json
    from attune_infra.topology.target import Target

Data: TypeAlias = dict[str, Any]
Keys: TypeAlias = Mapping[str, object]
"""The keys of a result: a type of `contract`."""
_Item = TypeVar("_Item", bound=Mapping[str, Any])

_VERSION: Final = 1
"""The number in the names of all schemas: none was ever changed."""


def sort_data(items: Iterable[_Item]) -> list[_Item]:
    """Return the items sorted by their JSON text."""
    return sorted(items, key=json.JSONEncoder(sort_keys=True).encode)


def json_document(
    command: str, data: Keys, exit_code: int, target: Target | None = None, *, is_line: bool = False
) -> str:
    """Return the JSON text of a command's result, on one line if wanted; `target` is the broker that it asked."""
    stamped: dict[str, object] = {
        "schema": f"attune-infra/{command}/{_VERSION}",
        "exit_code": exit_code,
        "tool": {"name": "attune-infra", "version": __version__},
        "time": datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z"),
        **data,
    }
    if target is not None:
        stamped["target"] = target_data(target)
    return json.dumps(
        masked_data(stamped) if has_odd_words() else stamped,
        indent=None if is_line else 2,
        sort_keys=True,
        ensure_ascii=False,
    )


def printable(value: Json) -> Json:
    """Return a value that every output can hold; bytes that are not UTF-8 become escapes."""
    match value:
        case str():
            return printable_text(value)
        case list():
            return [printable(each) for each in value]
        case dict():
            return {printable_text(name): printable(each) for name, each in value.items()}
        case _:
            return value


def printable_text(text: str) -> str:
    """Return a text that every output can hold."""
    return text.encode(errors="backslashreplace").decode()


def target_data(target: Target) -> TargetData:
    """Return all that is known of a broker."""
    return {
        "cluster": target.cluster,
        "node": target.node,
        "version": target.version,
        "virtual_host": masked(target.virtual_host),
        "user": masked(target.user),
        "management_user": target.management_user and masked(target.management_user),
        "connection": target.connection,
        "host": target.host and masked(target.host),
    }
