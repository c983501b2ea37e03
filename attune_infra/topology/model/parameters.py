"""Parameters of a virtual host (federation upstreams and sets, shovels, others) and of the whole broker."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import field, replace
from typing import ClassVar, Final, TypeAlias, TypeVar, cast

from attune_infra.dataclass import dataclass
from attune_infra.masking import has_credentials, without_credentials
from attune_infra.topology.model.secrets import Secret, SecretReference
from attune_infra.topology.model.values import Argument

Held: TypeAlias = "Argument | Secret | SecretReference | list[Held] | dict[str, Held]"
"""A value in which each URI with credentials is a secret, or the reference of a document."""

_Leaf: TypeAlias = "Callable[[Secret | SecretReference], Argument | Secret | SecretReference]"


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameter:
    """A parameter of the virtual host: a component of RabbitMQ, or of a plugin, reads it.

    The `value` shows no URI with credentials: a masked one stands in its place, or the reference of a document.
    If there are such, `held` is the same value with the secrets; two parameters that differ only there are equal.
    """

    component: str
    name: str
    value: Argument = field(hash=False)
    held: Held = field(default=None, compare=False, repr=False)

    @property
    def kind(self) -> str:
        """The kind of the object, such as `shovel`; `parameter` for a component without a kind of its own."""
        return PARAMETER_KINDS.get(self.component, "parameter")


@dataclass(frozen=True, slots=True, kw_only=True)
class FederationUpstream(Parameter):
    """A broker whose exchanges or queues federation links to."""

    component: str = "federation-upstream"


@dataclass(frozen=True, slots=True, kw_only=True)
class FederationUpstreamSet(Parameter):
    """Several federation upstreams, each with settings of its own, under one name."""

    component: str = "federation-upstream-set"


@dataclass(frozen=True, slots=True, kw_only=True)
class Shovel(Parameter):
    """A dynamic shovel: the broker moves messages from a queue or exchange to another one, here or elsewhere."""

    component: str = "shovel"


@dataclass(frozen=True, slots=True, kw_only=True)
class GlobalParameter:
    """A parameter of the whole broker, for all its virtual hosts; its URIs are held as those of `Parameter`."""

    kind: ClassVar[str] = "global_parameter"
    name: str
    value: Argument = field(hash=False)
    held: Held = field(default=None, compare=False, repr=False)


PARAMETER_TYPES: Final[dict[str, type[Parameter]]] = {
    "federation-upstream": FederationUpstream,
    "federation-upstream-set": FederationUpstreamSet,
    "shovel": Shovel,
}
"""The components with a type of their own, in the order in which a plan names them."""

PARAMETER_KINDS: Final = {component: component.replace("-", "_") for component in PARAMETER_TYPES}

_P = TypeVar("_P", Parameter, GlobalParameter)


def parameter_of(component: str, name: str, value: Argument) -> Parameter:
    """Return a parameter as a broker holds it, without credentials in what it shows."""
    item = PARAMETER_TYPES.get(component, Parameter)(component=component, name=name, value=value)
    return holding(item, hide(value))


def global_parameter_of(name: str, value: Argument) -> GlobalParameter:
    """Return a parameter as a broker holds it, without credentials in what it shows."""
    return holding(GlobalParameter(name=name, value=value), hide(value))


def holding(item: _P, held: Held) -> _P:
    """Return a parameter with another value, and what it shows of that."""
    return replace(item, value=shown(held), held=held if any(_leaves(held)) else None)


def hide(value: Argument) -> Held:
    """Return a value with a secret in place of each URI that has credentials."""
    match value:
        case str() if has_credentials(value):
            return Secret(value)
        case list():
            return [hide(each) for each in value]
        case dict():
            return {key: hide(each) for key, each in value.items()}
        case _:
            return value


def shown(held: Held) -> Argument:
    """Return a value that may be printed: masked URIs, and the references of a document as it writes them."""
    return cast(Argument, _with_leaves(held, _show))


def revealed(item: Parameter | GlobalParameter) -> Argument:
    """Return the value as RabbitMQ takes it; raise `InvalidInput` if a reference was not read."""
    if item.held is None:
        return item.value
    whose = f"a URI of {item.kind.replace('_', ' ')} '{item.name}'"
    return cast(
        Argument,
        _with_leaves(item.held, lambda leaf: leaf.reveal() if isinstance(leaf, Secret) else leaf.reveal(whose)),
    )


def with_references(item: _P, read: Callable[[SecretReference], SecretReference]) -> _P:
    """Return a parameter whose references were read by a function."""
    if item.held is None:
        return item
    return replace(
        item, held=_with_leaves(item.held, lambda leaf: read(leaf) if isinstance(leaf, SecretReference) else leaf)
    )


def secrets_in(item: _P, change: Callable[[Secret], SecretReference]) -> _P:
    """Return a parameter with references in place of its secrets."""
    if item.held is None:
        return item
    return holding(item, _with_leaves(item.held, lambda leaf: change(leaf) if isinstance(leaf, Secret) else leaf))


def has_references(item: Parameter | GlobalParameter) -> bool:
    """Return whether a URI is a reference of a document."""
    return any(isinstance(leaf, SecretReference) for leaf in _leaves(item.held))


def _show(leaf: Secret | SecretReference) -> Argument:
    if isinstance(leaf, Secret):
        return without_credentials(leaf.reveal())
    words = list[Argument](leaf.words)
    return {leaf.kind.value: words if leaf.kind.value == "command" else words[0]}


def _with_leaves(held: Held, change: _Leaf) -> Held:
    match held:
        case Secret() | SecretReference():
            return change(held)
        case list():
            return [_with_leaves(each, change) for each in held]
        case dict():
            return {key: _with_leaves(each, change) for key, each in held.items()}
        case _:
            return held


def _leaves(held: Held) -> Iterator[Secret | SecretReference]:
    match held:
        case Secret() | SecretReference():
            yield held
        case list():
            for each in held:
                yield from _leaves(each)
        case dict():
            for each in held.values():
                yield from _leaves(each)
        case _:
            return
