"""Types that several results share, and the values that a string may have."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, TypeAlias

from attune_infra.dataclass import dataclass


@dataclass(frozen=True, slots=True)
class OneOf:
    """The values that a string may have."""

    values: tuple[str, ...]

    @classmethod
    def these(cls, *values: str) -> OneOf:
        return cls(values)


@dataclass(frozen=True, slots=True)
class Format:
    """The format of a string, such as `date-time`."""

    name: str


Json: TypeAlias = Any
"""A value of any JSON type."""

Arguments: TypeAlias = Mapping[str, Json]
"""Arguments by their names."""

Time: TypeAlias = Annotated[str, Format("date-time")]
Url: TypeAlias = Annotated[str, Format("uri")]
ObjectKind: TypeAlias = Annotated[
    str,
    OneOf.these(
        "virtual_host",
        *("exchange", "queue", "binding", "policy", "operator_policy", "user", "limit", "permission"),
        *(
            "topic_permission",
            "federation_upstream",
            "federation_upstream_set",
            "shovel",
            "parameter",
            "global_parameter",
        ),
    ),
]
EndKind: TypeAlias = Annotated[str, OneOf.these("queue", "exchange")]
