"""Read the secrets that a wanted topology names, before it is compared with a broker."""

from __future__ import annotations

from functools import partial
from typing import TypeVar

from attune_infra.errors import InvalidInput
from attune_infra.masking import remember_url
from attune_infra.settings.secrets import read_secret
from attune_infra.topology.facts.parameters import uri_problem
from attune_infra.topology.model import (
    GlobalParameter,
    Parameter,
    SecretReference,
    Topology,
    has_references,
    kind_of,
    with_references,
)

_P = TypeVar("_P", Parameter, GlobalParameter)


def with_secrets(want: Topology) -> Topology:
    """Return a topology whose secrets were read; raise `InvalidInput` for one that is missing, or is no URI."""
    want = want.with_passwords(read_secret)
    items = [*want.parameters.values()]
    if not any(map(has_references, items)):
        return want
    read = [_read_uris(item) for item in items]
    return want.holding([*(each for each in want.objects() if not isinstance(each, Parameter)), *read])


def _read_uris(item: _P) -> _P:
    whose = f"a URI of {kind_of(item).replace('_', ' ')} '{item.name}'"
    return with_references(item, partial(_read_uri, whose))


def _read_uri(whose: str, reference: SecretReference) -> SecretReference:
    uri = read_secret(reference.kind.value, reference.words, whose)
    remember_url(uri)
    if what := uri_problem(uri):  # only a URI can be shown without its password
        raise InvalidInput(
            f"{whose}, read from {reference}, {what}", hint="nothing of it is shown, as it is secret"
        )
    return reference.with_secret(uri)
