"""Resources of the topology operator -> the topology of the virtual hosts that they name, and what is left out.

The file need not declare both ends of a binding: another one may. Such an end becomes an external object. Of a
Secret, the name of the user is read, and whether it has a hash; never a password.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial
from typing import Final

from attune_infra.errors import InvalidInput
from attune_infra.topology.document.foreign.assemble import Declared, Placed, Wish, assemble_file
from attune_infra.topology.document.foreign.kubernetes.credentials import read_logins
from attune_infra.topology.document.foreign.kubernetes.kinds import FIELDS, Found, Kinds
from attune_infra.topology.document.foreign.kubernetes.resource import (
    GROUP,
    Resource,
    check_plain_texts,
    read_resources,
)
from attune_infra.topology.document.foreign.kubernetes.write import API_VERSION
from attune_infra.topology.document.judge import Defect
from attune_infra.topology.document.places import Places
from attune_infra.topology.document.reading import Reading
from attune_infra.topology.document.sections.objects import Objects
from attune_infra.topology.document.text import group_left_out

_KEY: Final = r"""(?:"apiVersion"|'apiVersion'|apiVersion)\s*:"""
_SIGN: Final = re.compile(rf"^{_KEY}|\A\s*\{{\s*{_KEY}", re.MULTILINE)
"""The version of a resource: a key that begins a line, or a mapping in braces."""
_LEFT_OUT: Final = {
    "SchemaReplication": ("schema replications", "they belong to the whole broker, and to a commercial plugin"),
}
_OTHER: Final = "they are not of RabbitMQ's topology operator"


def looks_like_kubernetes(text: str) -> bool:
    """Tell resources of Kubernetes, even broken ones, from other texts."""
    return _SIGN.search(text) is not None


def read_kubernetes(text: str, *, source: str, vhost: str | None = None, everything: bool = False) -> Reading:
    """Read the resources of one virtual host, or of all that they name, and collect the problems.

    Only one becomes a topology of its own, unless `everything` asks for its settings too. Raise `InvalidInput` if
    `vhost` has no resources.
    """
    document = Objects(text, places=Places())
    resources = read_resources(document)
    kinds = Kinds(document, read_logins(document, resources))
    ours = [each for each in resources if _is_ours(each)]
    _name_others(kinds, [each for each in resources if not _is_ours(each)])
    _check_clusters(document, ours)
    found = [each for resource in ours for each in _objects(kinds, resource)]
    placed = [Placed(each.vhost, partial(_declared, document, each)) for each in found]
    places = document.places or Places()
    topology, chosen = assemble_file(placed, Wish(source, vhost, everything), places, kinds.left_out)
    if not any(each.group == GROUP for each in resources) and not document.problems:
        raise InvalidInput(
            f"{source} holds no resource of RabbitMQ's topology operator",
            hint=f"the apiVersion of such a resource is {API_VERSION}",
        )
    problems = tuple(sorted(set(document.problems)))
    return Reading(source, topology, group_left_out(kinds.left_out), places, problems, chosen)


def _is_ours(resource: Resource) -> bool:
    return resource.group == GROUP and resource.kind in FIELDS


def _name_others(kinds: Kinds, others: Sequence[Resource]) -> None:
    for each in others:
        kind, why = (f"resources of kind {each.kind}", _OTHER)
        if each.group == GROUP:
            kind, why = _LEFT_OUT.get(each.kind, (kind, "attune-infra does not know this kind"))
        kinds.left_out.append((kind, each.name, why))


def _check_clusters(document: Objects, resources: Sequence[Resource]) -> None:
    """Report the first resource of another cluster: a document describes one broker."""
    first: str | None = None
    for each in resources:
        spec = document.entries(each.members.get("spec"), f"the spec of {each.what}")
        reference = spec.get("rabbitmqClusterReference")
        named = document.entries(reference.value if reference else None, "rabbitmqClusterReference").get("name")
        name = document.string(named.value, "") if named else None
        if first is not None and name not in {first, None}:
            what = f"{each.what} is of cluster '{name}', others are of '{first}'; a document describes one broker"
            document.problem(each.node, what)
            return
        first = first or name


def _objects(kinds: Kinds, resource: Resource) -> Iterator[Found]:
    if "spec" in resource.members:
        check_plain_texts(kinds.document, resource.members["spec"])
    yield from kinds.objects(resource)


def _declared(document: Objects, found: Found, places: Places) -> Declared:
    there = replace(document, places=places)

    def complain(defect: Defect | None, sentence: str) -> None:
        node = found.parts.find_fault(defect) if defect else None
        document.problem(node or found.parts.start, sentence)

    return Declared(found.item, complain, lambda item: there.note(item, found.parts))
