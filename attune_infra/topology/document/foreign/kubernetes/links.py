"""Federation upstreams and shovels <-> fields of the operator's kinds Federation and Shovel.

The operator takes URIs from a Secret only. It sends no field that is false, 0 or empty; but `reconnect-delay` and
`trust-user-id` of an upstream are always sent.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final, cast

from attune_infra.topology.document.foreign.go_values import changed_by_go
from attune_infra.topology.document.sections.parameters import with_placeholders
from attune_infra.topology.facts.parameters import DELETE_AFTER, URI_KEYS
from attune_infra.topology.model import Argument, FederationUpstream, Held, Parameter, Secret, Shovel, holding

LINKS: Final[dict[str, type[FederationUpstream | Shovel]]] = {"Federation": FederationUpstream, "Shovel": Shovel}
"""The kinds of the operator, and the parameters that they declare."""

URIS: Final = "uriSecret"
"""The field that names the Secret with the URIs."""

SECRET_KEYS: Final = {"Federation": ("uri",), "Shovel": ("srcUri", "destUri")}
"""The keys of the Secret."""

_UPSTREAM: Final = (
    *("exchange", "queue", "prefetch-count", "reconnect-delay", "max-hops", "expires", "message-ttl"),
    *("trust-user-id", "ack-mode", "queue-type", "resource-cleanup-mode"),
)
_SHOVEL: Final = (
    *("ack-mode", "add-forward-headers", "delete-after", "prefetch-count", "reconnect-delay"),
    *("src-address", "src-consumer-args", "src-delete-after", "src-exchange", "src-exchange-key"),
    *("src-prefetch-count", "src-protocol", "src-queue", "src-queue-args"),
    *("dest-add-forward-headers", "dest-add-timestamp-header", "dest-address", "dest-application-properties"),
    *("dest-exchange", "dest-exchange-key", "dest-message-annotations", "dest-properties", "dest-protocol"),
    *("dest-publish-properties", "dest-queue", "dest-queue-args"),
)
_ODD_FIELDS: Final = {"message-ttl": "messageTTL", ("Federation", "prefetch-count"): "prefetch-count"}
_ALWAYS_SENT: Final[Mapping[str, Argument]] = {"reconnect-delay": 0, "trust-user-id": False}
_DEFAULT_DELAY: Final = 5
"""Seconds before RabbitMQ connects an upstream again, if no parameter says so."""
_HIGHEST_TTL: Final = 2**31 - 1


def _field(kind: str, key: str) -> str:
    first, *others = key.split("-")
    camel = first + "".join(each.capitalize() for each in others)
    return _ODD_FIELDS.get((kind, key)) or _ODD_FIELDS.get(key) or camel


FIELDS_OF_LINKS: Final = {
    "Federation": {_field("Federation", key): key for key in _UPSTREAM},
    "Shovel": {_field("Shovel", key): key for key in _SHOVEL},
}
"""The keys of parameters, by the fields of each kind."""


def kind_of_link(item: Parameter) -> str | None:
    """Return the kind of the operator that declares a parameter; None if there is none."""
    return next((kind for kind, made in LINKS.items() if isinstance(item, made)), None)


def reason_to_refuse_link(item: Parameter) -> str | None:
    """Return the reason why no resource can declare a parameter, None if one can."""
    kind = kind_of_link(item)
    if kind is None or not isinstance(item.value, dict):
        return "the operator has no kind for them"
    given = {key: value for key, value in item.value.items() if key not in URI_KEYS[item.component]}
    for key, value in sorted(given.items()):
        if key not in FIELDS_OF_LINKS[kind].values():
            return f"the operator's kind {kind} has no field for {key}"
        if type(value) is int and value == 0 and (kind == "Shovel" or key not in _ALWAYS_SENT):
            return f"the operator does not send {key} if it is 0"
        if key == "message-ttl" and isinstance(value, int) and value > _HIGHEST_TTL:
            return f"the operator takes a message-ttl up to {_HIGHEST_TTL}"
    return next((f"the operator changes {key}: it holds {what}" for key, what in changed_by_go(given)), None)


def fields_of(item: Parameter, kind: str) -> dict[str, Argument]:
    """Return the fields that declare a parameter, but for the Secret."""
    value = dict(item.value) if isinstance(item.value, dict) else {}
    if kind == "Federation":
        value.setdefault("reconnect-delay", _DEFAULT_DELAY)
    fields = {field: value[key] for field, key in FIELDS_OF_LINKS[kind].items() if key in value}
    return {
        field: str(each) if FIELDS_OF_LINKS[kind][field] in DELETE_AFTER else each
        for field, each in fields.items()
    }


def link_of(kind: str, name: str, fields: Mapping[str, Argument], vhost: str = "") -> tuple[Parameter, list[str]]:
    """Return the parameter that the operator declares, and the variables that its URIs are read from."""
    keys = FIELDS_OF_LINKS[kind]
    sent = {keys[field]: _as_sent(keys[field], value) for field, value in fields.items()}
    value: dict[str, Held] = dict(_ALWAYS_SENT) if kind == "Federation" else {}
    value |= {key: each for key, each in sent.items() if each}
    item = LINKS[kind](name=name, value={})
    uris: dict[str, Held] = {key: Secret("") for key in URI_KEYS[item.component]}
    held = holding(item, {**uris, **value})
    return with_placeholders(cast("FederationUpstream | Shovel", held), vhost)


def _as_sent(key: str, value: Argument) -> Argument:
    is_number = key in DELETE_AFTER and isinstance(value, str) and re.fullmatch(r"[0-9]{1,18}", value)
    return int(str(value)) if is_number else value
