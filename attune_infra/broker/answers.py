"""The answers of the management API: how their bytes are decoded, and the shape of each one that is read. No I/O.

A shape has what the program reads. A key is optional if a release, a setting or a state of RabbitMQ leaves it out.
RabbitMQ writes `[]` for an object without statistics.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any, Final, NoReturn, TypeVar

from attune_infra.broker.shapes import (
    ANYTHING,
    ARGUMENTS,
    EMPTY_LIST,
    FLAG,
    INTEGER,
    NULL,
    NUMBER,
    TEXT,
    TIME,
    VERSION,
    Either,
    List,
    Object,
    Shape,
    fault_in,
)

_T = TypeVar("_T")
_SHARE: Final = 1 << 20
"""Characters of a long list that are read at once, and a little more."""

MAX_BYTES: Final = 256 << 20
"""Bytes of an answer. A list of a million queues has about 200 MB."""

_NAMES: Final = List(Object({"name": TEXT}))
_TEXT_OR_NULL: Final = Either(TEXT, NULL)

_IN_EFFECT: Final = {"policy": _TEXT_OR_NULL, "operator_policy": _TEXT_OR_NULL}
_QUEUE: Final = {"name": TEXT, "type": TEXT, "durable": FLAG, "auto_delete": FLAG, "arguments": ARGUMENTS}
_QUEUE_OPTIONS: Final = {
    "exclusive": Either(FLAG, NULL),
    "state": _TEXT_OR_NULL,
    "node": _TEXT_OR_NULL,
    "leader": _TEXT_OR_NULL,
    **_IN_EFFECT,
}
"""Counting messages, RabbitMQ 3.10 does not say if a quorum queue is exclusive."""
MEMBERS_OF_QUEUES: Final = List(
    Object(
        {"name": TEXT, "type": TEXT},
        {"leader": _TEXT_OR_NULL, "members": Either(List(TEXT), NULL), "online": Either(List(TEXT), NULL)},
    )
)
_COUNTS: Final = {"messages": INTEGER, "messages_ready": INTEGER, "messages_unacknowledged": INTEGER}
_BINDING: Final = {
    "destination": TEXT,
    "destination_type": Shape(
        "a string", str, test={"queue", "exchange"}.issuperset, strictly='"queue" or "exchange"'
    ),
    "routing_key": ANYTHING,  # see `odd_bindings`
    "arguments": ARGUMENTS,
}

OVERVIEW: Final = Object(
    {"rabbitmq_version": VERSION},
    {
        "cluster_name": TEXT,
        "node": TEXT,
        "object_totals": Either(Object({}, {"queues": INTEGER}), EMPTY_LIST),
        "exchange_types": _NAMES,
    },
)
NAMES_OF_NODE: Final = Object({}, {"cluster_name": TEXT, "node": TEXT})
CLUSTER: Final = Object({}, {"cluster_name": TEXT, "disable_stats": FLAG})

EXCHANGES: Final = List(
    Object(
        {
            "name": TEXT,
            "type": TEXT,
            "durable": FLAG,
            "auto_delete": FLAG,
            "internal": FLAG,
            "arguments": ARGUMENTS,
        },
        _IN_EFFECT,
    )
)
QUEUES: Final = List(Object(_QUEUE, _QUEUE_OPTIONS))
QUEUES_WITH_TOTALS: Final = List(Object(_QUEUE, {**_QUEUE_OPTIONS, **_COUNTS}))
QUEUES_WITH_TOTALS_FOUND: Final = Object({"items": QUEUES_WITH_TOTALS})
TOTALS: Final = List(Object({"name": TEXT}, _COUNTS))
TOTALS_FOUND: Final = Object({"items": TOTALS})
BINDINGS: Final = List(Object({"source": TEXT, **_BINDING}))
BINDINGS_OF_VIRTUAL_HOSTS: Final = List(Object({"source": TEXT, "vhost": TEXT, **_BINDING}))
BINDINGS_OF_A_SOURCE: Final = List(Object(_BINDING))
BINDING_WITH_KEY: Final = Object({**_BINDING, "properties_key": TEXT})
BINDINGS_WITH_KEYS: Final = List(BINDING_WITH_KEY)
POLICIES: Final = List(
    Object({"name": TEXT, "pattern": TEXT, "definition": ARGUMENTS, "apply-to": TEXT, "priority": INTEGER})
)
_DEFAULT_TYPE: Final = {"default_queue_type": _TEXT_OR_NULL}
VIRTUAL_HOSTS: Final = List(Object({"name": TEXT}, _DEFAULT_TYPE))
_SETTINGS: Final = {"description": TEXT, "tags": List(TEXT)}
_SETTINGS_OF_RELEASES: Final = {"protected_from_deletion": FLAG, **_DEFAULT_TYPE}
VIRTUAL_HOST_WITH_SETTINGS: Final = Object({"name": TEXT, **_SETTINGS}, _SETTINGS_OF_RELEASES)
VIRTUAL_HOSTS_WITH_SETTINGS: Final = List(
    Either(Object({}, {"name": TEXT, **_SETTINGS, **_SETTINGS_OF_RELEASES}), EMPTY_LIST)
)
VIRTUAL_HOSTS_IN_CHANGE: Final = List(Either(Object({}, {"name": TEXT, **_DEFAULT_TYPE}), EMPTY_LIST))
"""While a virtual host is deleted, 3.10 may list an empty array for it, and 4.3 an object without a name."""
CONSUMERS_OF_A_QUEUE: Final = Either(
    Object({}, {"consumer_details": List(Object({"consumer_tag": TEXT}))}), EMPTY_LIST
)
MEMBERS: Final = List(Object({}))
"""The members of a quorum queue, each with its state in the cluster."""
CONSUMERS: Final = List(Object({"queue": Object({"name": TEXT}), "consumer_tag": TEXT}))

_RATE: Final = Either(Object({}, {"rate": NUMBER}), EMPTY_LIST)
_RATES: Final = {"redeliver": INTEGER, "publish_details": _RATE, "deliver_get_details": _RATE}
_STATISTICS: Final = Either(Object({}, _RATES), EMPTY_LIST)
STATISTICS: Final = List(
    Object({"name": TEXT}, {"head_message_timestamp": Either(INTEGER, NULL), "message_stats": _STATISTICS})
)
STATISTICS_FOUND: Final = Object({"items": STATISTICS})
PAGE_OF_QUEUES: Final = Object(
    {
        "items": List(
            Object(
                {"name": TEXT},
                {
                    **_COUNTS,
                    "type": TEXT,
                    "node": _TEXT_OR_NULL,
                    "leader": _TEXT_OR_NULL,
                    "consumers": INTEGER,
                    "idle_since": Either(TIME, NULL),
                    "message_stats": _STATISTICS,
                },
            )
        ),
        "filtered_count": INTEGER,
        "page_count": INTEGER,
    }
)
SIZE_OF_A_QUEUE: Final = Either(Object({}, {"message_bytes": INTEGER}), EMPTY_LIST)

_TAGS: Final = Object({"tags": Either(List(TEXT), TEXT)})
WHO_AM_I: Final = _TAGS
USER: Final = _TAGS
PERMISSIONS: Final = List(Object({"vhost": TEXT, "configure": TEXT, "write": TEXT, "read": TEXT}))
TOPIC_PERMISSIONS: Final = List(Object({"vhost": TEXT, "exchange": TEXT, "write": TEXT, "read": TEXT}))

PERMISSIONS_HERE: Final = List(Object({"user": TEXT, "configure": TEXT, "write": TEXT, "read": TEXT}))
TOPIC_PERMISSIONS_HERE: Final = List(Object({"user": TEXT, "exchange": TEXT, "write": TEXT, "read": TEXT}))
"""Those of one virtual host."""

GLOBAL_PARAMETERS: Final = List(Object({"name": TEXT, "value": ANYTHING}))
PARAMETERS: Final = List(Object({"name": TEXT, "value": ANYTHING, "component": TEXT, "vhost": TEXT}))

USER_IN_FULL: Final = Object(
    {"name": TEXT, "password_hash": TEXT, "tags": Either(List(TEXT), TEXT)},
    {
        "hashing_algorithm": TEXT,
        "limits": Either(Object({}, {"max-connections": INTEGER, "max-channels": INTEGER}), EMPTY_LIST),
    },
)
USERS: Final = List(USER_IN_FULL)

LIMITS: Final = List(
    Object(
        {
            "value": Either(
                Object({}, {"max-queues": INTEGER, "max-connections": INTEGER, "max-channels": INTEGER}),
                EMPTY_LIST,
            )
        }
    )
)
CONNECTIONS_OR_CHANNELS: Final = List(Object({}, {"vhost": TEXT, "user": TEXT}))

_NUMBER_OR_WORD: Final = Either(INTEGER, TEXT)
"""RabbitMQ writes a word such as `unknown` where a node cannot tell a number."""
NODES: Final = List(
    Object(
        {"name": TEXT, "running": FLAG},
        {
            "partitions": List(TEXT),
            "being_drained": FLAG,
            "fd_used": _NUMBER_OR_WORD,
            "fd_total": _NUMBER_OR_WORD,
            "disk_free": _NUMBER_OR_WORD,
            "disk_free_limit": _NUMBER_OR_WORD,
            "disk_free_alarm": FLAG,
            "mem_alarm": FLAG,
        },
    )
)
DEPRECATED_FEATURES: Final = List(Object({"name": TEXT}, {"state": TEXT}))
FEATURE_FLAGS: Final = List(Object({"name": TEXT, "state": TEXT}, {"stability": TEXT}))
FAILED_CHECK: Final = Object({"status": TEXT})
FAILED_ALARMS: Final = Object({"status": TEXT, "alarms": List(Object({"node": TEXT, "resource": TEXT}))})

OF_VIRTUAL_HOSTS: Final = List(Object({"vhost": TEXT}))
NAMES: Final = _NAMES
NAMES_FOUND: Final = Object({"items": _NAMES})
NAMED: Final = Object({"name": TEXT})


class Unreadable(ValueError):
    """Bytes that are not JSON, or JSON that is refused."""


def decode(body: bytes) -> Any:
    """Return the JSON of an answer; raise `Unreadable` for anything that JSON or RabbitMQ has not."""
    try:
        text = body.decode()
        value = _DECODER.decode(text)
        if "\\" in text:  # an escaped half of a surrogate pair would fit in no output
            json.dumps(value, ensure_ascii=False).encode()
    except UnicodeDecodeError:
        raise Unreadable("it is not UTF-8") from None
    except UnicodeEncodeError:
        raise Unreadable("it holds half of a surrogate pair, which is no text") from None
    except RecursionError:
        raise Unreadable("it is nested too deeply") from None
    except json.JSONDecodeError as error:
        raise Unreadable(f"it is no JSON at character {error.pos} of {len(text)}") from None
    except Unreadable:
        raise
    except ValueError:  # Python's limit of digits
        raise Unreadable("it has an integer of more digits than Python takes") from None
    return value


def read_in_shares(body: bytes, shape: Shape, read: Callable[[list[Any]], list[_T]]) -> list[_T] | None:
    """Return what `read` makes of a JSON array, some thousand items at a time.

    So the objects of JSON, which take five times the memory of the text, are never all there at once. Return None
    for anything but a plain array that fits: `decode` and the shape find the fault.
    """
    found: list[_T] = []
    try:
        text = body.decode()
        if "\\" in text:
            return None
        for share in _shares(text):
            if fault_in(share, shape) is not None:
                return None
            found += read(share)
    except (ValueError, RecursionError):
        return None
    return found


def _shares(text: str) -> Iterator[list[Any]]:
    """Yield the objects of an array; raise `ValueError` for another text.

    A share that ended inside an object or a string would be no JSON.
    """
    if not (text.startswith("[{") and text.endswith("}]")):
        raise ValueError
    at, last = 1, len(text) - 1
    while at < last:
        cut = text.find("},{", at + _SHARE)
        end = last if cut < 0 else cut + 1
        yield _DECODER.decode(f"[{text[at:end]}]")
        at = end + 1


def _refuse(constant: str) -> NoReturn:
    raise Unreadable(f"it holds {constant}, which is no JSON")


_DECODER: Final = json.JSONDecoder(parse_constant=_refuse)
