"""Rules about federation and shovels: what they name may be missing, or be in another virtual host than meant."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from attune_infra.topology.facts.exchanges import is_reserved
from attune_infra.topology.facts.uris import leads_to, local_path, uris_of
from attune_infra.topology.lint.finding import Flaw
from attune_infra.topology.lint.subject import Subject
from attune_infra.topology.model import FederationUpstreamSet, Shovel, Topology
from attune_infra.topology.worker import owner_of

_ALL: Final = "all"
"""The set of all upstreams, which RabbitMQ has by itself."""
_SET, _UPSTREAM = "federation-upstream-set", "federation-upstream"
_DEFAULT: Final = "/"
_ENDS: Final = (("src", "from"), ("dest", "to"))


def set_names_missing_upstream(subject: Subject) -> Iterator[Flaw]:
    """A set names a federation upstream that is not declared.

    RabbitMQ accepts the set and makes no link for the missing upstream, without a word.
    """
    known = _names(subject, _UPSTREAM)
    for item in subject.topology.parameters.values():
        if not isinstance(item, FederationUpstreamSet) or not known or not isinstance(item.value, list):
            continue
        for number, each in enumerate(item.value):
            name = each.get("upstream") if isinstance(each, dict) else None
            if isinstance(name, str) and name not in known:
                what = f"it names upstream '{name}', which is not declared"
                yield Flaw(item, what, "declare the upstream, or correct the name", f"{number}")


def policy_names_missing_upstream(subject: Subject) -> Iterator[Flaw]:
    """A policy names a federation upstream, or a set of them, that is not declared.

    RabbitMQ accepts the policy and federates nothing. A document without any upstreams is not judged: another one
    may have them.
    """
    upstreams, sets = _names(subject, _UPSTREAM), _names(subject, _SET)
    known = {_UPSTREAM: upstreams, _SET: {*sets, _ALL} if sets or upstreams else sets}
    for _, policy in sorted(subject.topology.policies.items()):
        for key, names in known.items():
            name = policy.definition.get(key)
            if isinstance(name, str) and names and name not in names:
                what = f"its {key} is '{name}', which is not declared"
                yield Flaw(policy, what, f"declare the {key.replace('-', ' ')}, or correct the name", key)


def shovel_end_is_missing(subject: Subject) -> Iterator[Flaw]:
    """A shovel takes from, or puts into, a queue or exchange of this broker that is not declared.

    RabbitMQ makes a missing queue by itself: durable, of the default type and without arguments, so that the one
    that was meant can no longer be declared. Without the exchange, the shovel fails and tries again for ever.
    Judged are ends whose URI names no host, in this virtual host and in others of the same document that have
    exchanges or queues.
    """
    for item, value in _shovels(subject):
        for end, words in _ENDS:
            place = leads_to(value.get(f"{end}-uri"))
            there = subject.virtual_host(place)
            if there is None:
                continue
            whose = "this virtual host" if there is subject.topology else f"virtual host '{place}'"
            for kind, known in (("queue", there.queues), ("exchange", there.exchanges)):
                name = value.get(f"{end}-{kind}")
                if isinstance(name, str) and not (name in known or _needs_no_declaration(kind, name, there)):
                    what = f"it moves {words} {kind} '{name}' of {whose}, which is not declared"
                    yield Flaw(item, what, f"declare the {kind}, or correct the name", f"{end}-{kind}")


def shovel_uses_default_virtual_host(subject: Subject) -> Iterator[Flaw]:
    """The URI of a shovel names neither a host nor a virtual host.

    RabbitMQ then takes the virtual host `/` of the same broker, not that of the shovel, and makes the queue there.
    """
    for item, value in _shovels(subject):
        for end, words in _ENDS:
            key = f"{end}-uri"
            if subject.topology.vhost != _DEFAULT and any(
                local_path(uri) == "" for uri in uris_of(value.get(key))
            ):
                what = f"it moves {words} the virtual host '/': its {key} names none"
                yield Flaw(item, what, "write amqp:///NAME, with %2F for a slash", key)


def _needs_no_declaration(kind: str, name: str, topology: Topology) -> bool:
    """Tell whether there is nothing to declare under a name: RabbitMQ has it, or a worker gets it."""
    of_worker = kind == "queue" and topology.workers and owner_of(topology.workers, name) is not None
    return not name or is_reserved(name) or bool(of_worker)


def _names(subject: Subject, component: str) -> set[str]:
    return {name for kind, name in subject.topology.parameters if kind == component}


def _shovels(subject: Subject) -> Iterator[tuple[Shovel, dict[str, object]]]:
    for _, item in sorted(subject.topology.parameters.items()):
        if isinstance(item, Shovel) and isinstance(item.value, dict):
            yield item, dict(item.value)
