"""Topology -> resources of the topology operator, a YAML document for each.

The fields and their defaults are those of the operator's CRDs. A super stream becomes a SuperStream only if it is
what the operator makes of one; else it is written as its exchange, streams and bindings.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final

from attune_infra.dataclass import dataclass
from attune_infra.errors import WrongUsage
from attune_infra.topology.document.foreign.go_values import changed_by_go
from attune_infra.topology.document.foreign.kubernetes.links import (
    SECRET_KEYS,
    URIS,
    fields_of,
    kind_of_link,
    reason_to_refuse_link,
)
from attune_infra.topology.document.foreign.kubernetes.super_streams import (
    SUPER_STREAM,
    names_of_resources,
    spec_of_super_stream,
    split_super_streams_of_operator,
)
from attune_infra.topology.document.foreign.kubernetes.yaml_text import block
from attune_infra.topology.document.foreign.slugs import dns_name, is_dns_label
from attune_infra.topology.document.text import Document, group_left_out
from attune_infra.topology.document.write import sort_arguments
from attune_infra.topology.model import (
    Argument,
    Binding,
    Exchange,
    GlobalParameter,
    Limit,
    OperatorPolicy,
    Parameter,
    Permission,
    Policy,
    Queue,
    TopicPermission,
    Topology,
    TopologyObject,
    User,
    VirtualHost,
)
from attune_infra.topology.words import plural

API_VERSION: Final = "rabbitmq.com/v1beta1"
_VERSION_OF_SUPER_STREAMS: Final = "rabbitmq.com/v1alpha1"
DEFAULT_VHOST: Final = "/"
"""The virtual host of a resource that names none."""
CREDENTIALS: Final = "importCredentialsSecret"
"""The field that names the Secret with the name and the password of a user."""
LIMITS_OF_USERS: Final = {"max-connections": "connections", "max-channels": "channels"}
"""Fields of a User, by the limit that each sets."""
LIMITS: Final = {"max-connections": "connections", "max-queues": "queues"}
"""Fields of a Vhost, by the limit that each sets."""
_OPERATOR_APPLY_TO: Final = {"queues", "classic_queues", "quorum_queues", "streams"}
_OF_THE_BROKER: Final = {"User", "Vhost"}
"""Kinds that are in no virtual host."""
_TAGS: Final = frozenset({"management", "policymaker", "monitoring", "administrator"})
_HIGHEST_LIMIT: Final = 2**31 - 1

_Spec = dict[str, Argument]


@dataclass(frozen=True, slots=True)
class ClusterReference:
    """The RabbitmqCluster that resources belong to, and its namespace if it is in another one."""

    name: str = "rabbitmq"
    namespace: str | None = None

    @classmethod
    def parse(cls, text: str) -> ClusterReference:
        """Read NAME or NAME.NAMESPACE; raise `WrongUsage` for names that Kubernetes refuses."""
        name, dot, namespace = text.partition(".")
        if not is_dns_label(name) or (dot and not is_dns_label(namespace)):
            raise WrongUsage(
                f"--cluster-reference '{text}' does not name a cluster of Kubernetes",
                hint="write NAME or NAME.NAMESPACE, of lowercase letters, digits and hyphens",
            )
        return cls(name, namespace if dot else None)

    def as_spec(self) -> _Spec:
        return {"name": self.name, **({} if self.namespace is None else {"namespace": self.namespace})}


def reason_to_refuse(item: TopologyObject) -> str | None:
    """Return the reason why no resource can declare an object, None if one can."""
    match item:
        case Exchange(external=False, internal=True):
            return "the operator's exchanges have no field `internal`"
        case Binding() if None in item.arguments.values():
            return "they match any value of a header, which the operator cannot say; a document can"
        case OperatorPolicy() if item.apply_to not in _OPERATOR_APPLY_TO:
            return f"the operator applies them to queues, not to {item.apply_to}"
        case User():
            return _reason_for_user(item)
        case GlobalParameter():
            return "the operator has no kind for them"
        case Limit() if item.value > _HIGHEST_LIMIT:
            return f"the operator takes limits up to {_HIGHEST_LIMIT}"
        case Exchange(external=False) | Queue(external=False) | Binding():
            return _change(item.arguments)
        case Policy():
            return _change(item.definition)
        case Parameter():
            return reason_to_refuse_link(item)
    return None


def _reason_for_user(item: User) -> str | None:
    if unknown := sorted(item.tags - _TAGS):
        return f"the operator knows no tag {unknown[0]}"
    if any(value > _HIGHEST_LIMIT for value in item.limits.values()):
        return f"the operator takes limits up to {_HIGHEST_LIMIT}"
    return None


def _change(values: Any) -> str | None:
    return next((f"the operator changes {name}: it holds {what}" for name, what in changed_by_go(values)), None)


def write_kubernetes(topology: Topology, cluster: ClusterReference) -> Document:
    """Return the resources that declare a topology, or each of several virtual hosts.

    Those of external objects are somebody else's. A topology without a name is that of the virtual host `/`.
    """
    parts = [*topology.virtual_hosts.values()] or [topology]
    found: list[_Spec] = [
        {
            "apiVersion": _VERSION_OF_SUPER_STREAMS if kind == SUPER_STREAM else API_VERSION,
            "kind": kind,
            "metadata": {"name": name},
            "spec": {**spec, "rabbitmqClusterReference": cluster.as_spec()},
        }
        for kind, name, spec in _resources(parts)
    ]
    text = "---\n".join("\n".join(block(each)) + "\n" for each in found)
    items = {"apiVersion": "v1", "kind": "List", "items": found}
    left_out = group_left_out(note for each in parts for note in _notes(each))
    return Document(text or "# no resources\n", left_out, value=items)


def _resources(parts: Sequence[Topology]) -> Iterator[tuple[str, str, _Spec]]:
    """Yield the kind, the name and the fields of each resource."""
    taken, made = names_of_resources(parts), set[str]()
    for part in parts:
        vhost = part.vhost or DEFAULT_VHOST
        streams, rest = split_super_streams_of_operator(part, taken, made)
        made |= {stream.name for stream in streams}
        for stream in streams:
            yield SUPER_STREAM, stream.name, spec_of_super_stream(stream, vhost)
        specs = [_vhost(rest, vhost)] if rest.limits or rest.virtual_host else []
        specs += [_spec(item, vhost) for item in rest.objects() if _has_resource(item)]
        for kind, names, spec in specs:
            shown = 2 if kind in {"Binding", "TopicPermission"} else 1
            prefix = () if vhost == DEFAULT_VHOST or kind in _OF_THE_BROKER else (vhost,)
            yield kind, dns_name(*prefix, *names, shown=len(prefix) + shown), spec


def _has_resource(item: TopologyObject) -> bool:
    return not isinstance(item, VirtualHost | Limit) and not (isinstance(item, Exchange | Queue) and item.external)


def _vhost(topology: Topology, vhost: str) -> tuple[str, tuple[str, ...], _Spec]:
    limits: _Spec = {LIMITS[name]: limit.value for name, limit in sorted(topology.limits.items())}
    settings = topology.virtual_host or VirtualHost(name=vhost)
    tags: list[Argument] = [*(settings.tags or ())]
    kind = settings.default_queue_type
    given: _Spec = {"tags": tags, "defaultQueueType": kind, "limits": limits}
    return "Vhost", (vhost,), {"name": vhost, **{name: value for name, value in given.items() if value}}


def _spec(item: TopologyObject, vhost: str) -> tuple[str, tuple[str, ...], _Spec]:
    """Return the kind of a resource, the parts of its name, and its fields."""
    match item:
        case Exchange():
            return "Exchange", (item.name,), {"name": item.name, "vhost": vhost, **_exchange(item)}
        case Queue():
            return "Queue", (item.name,), {"name": item.name, "vhost": vhost, **_queue(item)}
        case Binding():
            key = (item.routing_key, repr(sort_arguments(item.arguments)))
            names = (item.source, item.destination, item.destination_type, *key)
            return "Binding", names, {"vhost": vhost, **_binding(item)}
        case Policy():
            kind = "OperatorPolicy" if isinstance(item, OperatorPolicy) else "Policy"
            return kind, (item.name,), {"name": item.name, "vhost": vhost, **_policy(item)}
        case Permission():
            patterns: _Spec = {"configure": item.configure, "write": item.write, "read": item.read}
            return "Permission", (item.user,), {"vhost": vhost, "user": item.user, "permissions": patterns}
        case TopicPermission():
            patterns = {"exchange": item.exchange, "write": item.write, "read": item.read}
            return (
                "TopicPermission",
                (item.user, item.exchange),
                {"vhost": vhost, "user": item.user, "permissions": patterns},
            )
        case Parameter():
            kind = kind_of_link(item) or ""
            secret: _Spec = {URIS: {"name": _secret(item, vhost)}}
            return kind, (item.name,), {"name": item.name, "vhost": vhost, **secret, **fields_of(item, kind)}
        case User():
            return "User", (item.name,), _user(item)
        case VirtualHost() | Limit() | GlobalParameter():
            raise ValueError("a virtual host and its limits are one resource; global parameters are refused")


def _user(item: User) -> _Spec:
    """Return the fields of a user, whose name is in the Secret too."""
    limits: _Spec = {LIMITS_OF_USERS[name]: value for name, value in sorted(item.limits.items())}
    return {
        **({"tags": list[Argument](sorted(item.tags))} if item.tags else {}),
        **({"limits": limits} if limits else {}),
        CREDENTIALS: {"name": _secret_of(item)},
    }


def _secret_of(item: User) -> str:
    return dns_name(item.name, "credentials", shown=1)


def _secret(item: Parameter, vhost: str) -> str:
    """Return the name of the Secret with the URIs of an upstream or a shovel."""
    prefix = () if vhost == DEFAULT_VHOST else (vhost,)
    return dns_name(*prefix, item.name, item.kind, "uris", shown=len(prefix) + 1)


def _notes(topology: Topology) -> Iterator[tuple[str, str, str]]:
    """Yield the passwords and URIs that a resource cannot hold, with the Secret that has to, and descriptions."""
    vhost = topology.vhost or DEFAULT_VHOST
    for item in topology.objects():
        if isinstance(item, User):
            why = f"the operator reads it from Secret '{_secret_of(item)}': make it, with username and password"
            yield "passwords of users", item.name, why
        elif isinstance(item, Parameter):
            keys = " and ".join(SECRET_KEYS[kind_of_link(item) or ""])
            why = f"the operator reads them from Secret '{_secret(item, vhost)}': make it, with {keys}"
            yield f"URIs of {plural(item.kind)}", item.name, why
        elif isinstance(item, VirtualHost):
            if item.description:
                yield "descriptions of virtual hosts", item.name, "the operator has no field for them"
            if item.protected_from_deletion:
                yield "protection of virtual hosts from deletion", item.name, "the operator has no field for it"


def _exchange(item: Exchange) -> _Spec:
    return {
        "type": item.type,
        "durable": item.durable,
        "autoDelete": item.auto_delete,
        **_arguments(item),
    }


def _queue(item: Queue) -> _Spec:
    named: _Spec = {} if item.type is None else {"type": item.type}
    return {**named, "durable": item.durable, "autoDelete": item.auto_delete, **_arguments(item)}


def _binding(item: Binding) -> _Spec:
    key: _Spec = {"routingKey": item.routing_key} if item.routing_key else {}
    return {
        "source": item.source,
        "destination": item.destination,
        "destinationType": item.destination_type,
        **key,
        **_arguments(item),
    }


def _policy(item: Policy) -> _Spec:
    return {
        "pattern": item.pattern,
        "applyTo": item.apply_to,
        "priority": item.priority,
        "definition": sort_arguments(item.definition),
    }


def _arguments(item: Exchange | Queue | Binding) -> _Spec:
    return {"arguments": sort_arguments(item.arguments)} if item.arguments else {}
