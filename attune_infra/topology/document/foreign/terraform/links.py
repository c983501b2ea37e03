"""Federation upstreams and shovels <-> blocks of Terraform's provider.

The provider takes one URI for each end. It sends no attribute that is false, 0 or empty; but `reconnect_delay` and
`trust_user_id` of an upstream are always sent.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final, cast

from attune_infra.dataclass import dataclass
from attune_infra.topology.document.sections.parameters import with_placeholders
from attune_infra.topology.facts.parameters import DELETE_AFTER, URI_KEYS
from attune_infra.topology.model import Argument, FederationUpstream, Parameter, Shovel, parameter_of


@dataclass(frozen=True, slots=True)
class Link:
    """A type of the provider: the parameter that it declares, its block, and its attributes by key."""

    type: str
    component: str
    block: str
    keys: Mapping[str, str]
    always_sent: Mapping[str, Argument]


_KEYS_OF_UPSTREAMS: Final = (
    *("uri", "prefetch-count", "reconnect-delay", "ack-mode", "trust-user-id", "exchange", "max-hops", "expires"),
    *("message-ttl", "queue"),
)
_KEYS_OF_SHOVELS: Final = (
    *("src-uri", "dest-uri", "ack-mode", "add-forward-headers", "delete-after", "prefetch-count"),
    *("reconnect-delay", "src-address", "src-delete-after", "src-exchange", "src-exchange-key"),
    *("src-prefetch-count", "src-protocol", "src-queue", "dest-add-forward-headers", "dest-add-timestamp-header"),
    *("dest-address", "dest-exchange", "dest-exchange-key", "dest-protocol", "dest-queue"),
)
_ENDS: Final = {"src": "source", "dest": "destination"}
_DEFAULTS: Final[Mapping[str, Argument]] = {"reconnect-delay": 5}
"""Values of RabbitMQ where a parameter has none: those of upstreams are the provider's, that of shovels is not."""
_ONE_URI: Final = "the provider takes one URI for each end"


def _attribute(key: str) -> str:
    first, *others = key.split("-")
    return "_".join((_ENDS.get(first, first), *others))


UPSTREAM: Final = Link(
    "rabbitmq_federation_upstream",
    "federation-upstream",
    "definition",
    {key: _attribute(key) for key in _KEYS_OF_UPSTREAMS},
    {"reconnect-delay": 0, "trust-user-id": False},
)
SHOVEL: Final = Link("rabbitmq_shovel", "shovel", "info", {key: _attribute(key) for key in _KEYS_OF_SHOVELS}, {})


def link_for(item: Parameter) -> Link | None:
    """Return the type that declares a parameter; None if there is none."""
    return next((each for each in (UPSTREAM, SHOVEL) if each.component == item.component), None)


def reason_to_refuse_link(item: Parameter) -> str | None:
    """Return the reason why the provider cannot declare a parameter, None if it can."""
    link = link_for(item)
    if link is None or not isinstance(item.value, dict):
        return "the provider has no type for them"
    for key, value in sorted(item.value.items()):
        if key not in link.keys:
            return f"the provider's type {link.type} has no attribute for {key}"
        if key in URI_KEYS[item.component] and isinstance(value, list) and len(value) != 1:
            return _ONE_URI
        if type(value) is int and value == 0 and key not in link.always_sent:
            return f"the provider does not send {key} if it is 0"
    return None


def attributes_of(item: Parameter, link: Link) -> tuple[dict[str, Argument], list[str]]:
    """Return the attributes of a parameter without its secret URIs, and the attributes of these."""
    opened, _ = with_placeholders(cast("FederationUpstream | Shovel", item))
    value = {**_DEFAULTS, **opened.value} if isinstance(opened.value, dict) else {}
    found: dict[str, Argument] = {}
    secret: list[str] = []
    for key, attribute in link.keys.items():
        if key not in value:
            continue
        given = value[key]
        if key in URI_KEYS[item.component] and isinstance(given, list):
            [given] = given
        if isinstance(given, dict):  # a reference
            secret.append(attribute)
        else:
            found[attribute] = str(given) if key in DELETE_AFTER else given
    return found, secret


def parameter_from(
    link: Link, name: str, attributes: Mapping[str, Any], vhost: str
) -> tuple[Parameter, list[str]]:
    """Return the parameter that the provider declares, and the variables that its secret URIs are read from."""
    value: dict[str, Argument] = dict(link.always_sent)
    for key, attribute in link.keys.items():
        given = attributes.get(attribute)
        is_number = key in DELETE_AFTER and isinstance(given, str) and re.fullmatch(r"[0-9]{1,18}", given)
        if given:
            value[key] = int(str(given)) if is_number else given
    return with_placeholders(cast("FederationUpstream | Shovel", parameter_of(link.component, name, value)), vhost)
