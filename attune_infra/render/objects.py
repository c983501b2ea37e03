"""Objects and their differences, for several pages."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Final

from attune_infra.render.text import Line
from attune_infra.render.words import difference
from attune_infra.topology.diff import ABSENT, Difference, Value
from attune_infra.topology.model import Binding, TopologyObject, kind_of

if TYPE_CHECKING:
    from attune_infra.render.data import Data

NOT_IN_PLACE: Final = Line("      RabbitMQ cannot change this in place; it must be deleted and recreated")


def difference_lines(differences: Iterable[Difference]) -> Iterator[Line]:
    for found in differences:
        yield Line(f"      {difference(found)}")


def difference_data(differences: Iterable[Difference]) -> Data:
    """Return the differences under the key `differences`; nothing if there are none."""
    found = [
        {"attribute": item.attribute, **_present("have", item.have), **_present("want", item.want)}
        for item in differences
    ]
    return {"differences": found} if found else {}


def identify(item: TopologyObject) -> Data:
    """Return the keys that identify an object."""
    if isinstance(item, Binding):
        return {
            "kind": "binding",
            "source": item.source,
            "destination": item.destination,
            "destination_type": item.destination_type,
            "routing_key": item.routing_key,
            "arguments": dict(item.arguments),
            **odd_key_data(item),
        }
    return {"kind": kind_of(item), "name": item.name}


def odd_key_data(binding: Binding) -> Data:
    """Return a mark for a routing key that is missing or not a string; `routing_key` is its JSON then."""
    return {} if binding.key_is_text else {"routing_key_is_string": False}


def _present(key: str, value: Value) -> Data:
    """Return a value under its key. An absent value is left out, because null is a value too."""
    return {} if value is ABSENT else {key: value}
