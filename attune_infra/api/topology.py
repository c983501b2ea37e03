"""A topology, as scripts use it, and the changes between two."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from os import PathLike
from os.path import normpath
from pathlib import Path

from attune_infra.dataclass import dataclass
from attune_infra.errors import InvalidInput
from attune_infra.files import documents_of, read_text
from attune_infra.topology import model
from attune_infra.topology.builtin import NAMES, text_of
from attune_infra.topology.diff import Changed
from attune_infra.topology.diff import diff as changes_between
from attune_infra.topology.document.definitions.virtual_host import looks_like_definitions, parse_definitions
from attune_infra.topology.document.export import as_definitions, as_document
from attune_infra.topology.document.merging.overlay import EXTENDS, Text
from attune_infra.topology.document.merging.several import read_several
from attune_infra.topology.document.parse import parse
from attune_infra.topology.document.places import BUILT_IN
from attune_infra.topology.document.variables import Given
from attune_infra.topology.document.write import write
from attune_infra.topology.model import (
    Binding,
    Exchange,
    GlobalParameter,
    Limit,
    Parameter,
    Permission,
    Policy,
    Queue,
    TopicPermission,
    TopologyObject,
    User,
    VirtualHost,
)
from attune_infra.topology.words import guess
from attune_infra.topology.worker import with_workers


@dataclass(frozen=True, slots=True)
class Topology:
    """The objects of one virtual host, from a document or a broker.

    It cannot be changed. Two are equal if all their objects are. `load`, `parse`, `builtin`, `of` and
    `Broker.read` make one.
    """

    _value: model.Topology

    @classmethod
    def load(
        cls,
        path: str | PathLike[str],
        *others: str | PathLike[str],
        vhost: str | None = None,
        values: Mapping[str, str | int | float | bool] | None = None,
    ) -> Topology:
        """Read a file: a document in YAML, or RabbitMQ's definitions; `vhost` chooses a virtual host.

        Several documents become one; a folder stands for those in it. The `values` are those of their variables.

        Raise `InvalidInput` with every problem, or if a file cannot be read.
        """
        files = dict.fromkeys(file for each in (path, *others) for file in documents_of(str(each)))
        texts = [Text(file, _text_in(file)) for file in files]
        if len(texts) == 1:
            return cls.parse(texts[0].text, source=texts[0].source, vhost=vhost, values=values)
        return cls(_within(_read(texts, values), vhost, " + ".join(files)))

    @classmethod
    def parse(
        cls,
        text: str,
        *,
        source: str = "text",
        vhost: str | None = None,
        values: Mapping[str, str | int | float | bool] | None = None,
    ) -> Topology:
        """Read a text as `load` reads a file; problems name its `source`, and it extends what is beside that."""
        if _holds_definitions(text):
            if values:
                raise InvalidInput(f"{source} holds definitions, which have no variables", hint="leave out values")
            return cls(parse_definitions(text, source=source, vhost=vhost)[0])
        return cls(_within(_read([Text(source, text)], values), vhost, source))

    @classmethod
    def builtin(cls, name: str = "attune") -> Topology:
        """Return a topology that is part of this package; raise `InvalidInput` if there is none of that name."""
        if name not in NAMES:
            known = ", ".join(NAMES)
            raise InvalidInput(f"there is no topology '{name}'{guess(name, NAMES)}", hint=f"built in: {known}")
        return cls.parse(text_of(name), source=f"{name}.yaml")

    @classmethod
    def of(cls, objects: Iterable[TopologyObject], *, name: str = "") -> Topology:
        """Return a topology of objects of any kind, in any order."""
        return cls(model.Topology.of(objects, name=name))

    @property
    def name(self) -> str:
        return self._value.name

    @property
    def exchanges(self) -> Mapping[str, Exchange]:
        """The exchanges by name, without RabbitMQ's own."""
        return self._value.exchanges

    @property
    def queues(self) -> Mapping[str, Queue]:
        """The queues by name, without private ones of a connection."""
        return self._value.queues

    @property
    def bindings(self) -> frozenset[Binding]:
        return self._value.bindings

    @property
    def policies(self) -> Mapping[str, Policy]:
        """The policies by name."""
        return self._value.policies

    @property
    def operator_policies(self) -> Mapping[str, Policy]:
        """The operator policies by name."""
        return self._value.operator_policies

    @property
    def users(self) -> Mapping[str, User]:
        """The users of the whole broker by name, as far as a document declares them."""
        return self._value.users

    @property
    def virtual_host(self) -> VirtualHost | None:
        """The settings of the virtual host, if a document names it."""
        return self._value.virtual_host

    @property
    def limits(self) -> Mapping[str, Limit]:
        """The limits of the virtual host by name; only those of a document, since `Broker.read` reads none."""
        return self._value.limits

    @property
    def permissions(self) -> Mapping[str, Permission]:
        """The permissions by user, as far as a document declares them."""
        return self._value.permissions

    @property
    def topic_permissions(self) -> Mapping[tuple[str, str], TopicPermission]:
        """The topic permissions by user and exchange, as far as a document declares them."""
        return self._value.topic_permissions

    @property
    def parameters(self) -> Mapping[tuple[str, str], Parameter]:
        """The federation upstreams, sets of these, shovels and other parameters, by component and name.

        They are as far there as a document declares them.
        """
        return self._value.parameters

    @property
    def global_parameters(self) -> Mapping[str, GlobalParameter]:
        """The parameters of the whole broker by name, as far as a document declares them."""
        return self._value.global_parameters

    def objects(self) -> tuple[TopologyObject, ...]:
        """Return all objects in an order in which they can be created."""
        return self._value.objects()

    def with_workers(self, ids: Iterable[int]) -> Topology:
        """Return the topology with the queues and bindings of these workers.

        Raise `InvalidInput` if the document has no workers section.
        """
        return Topology(with_workers(self._value, ids))

    def to_yaml(self) -> str:
        """Return the document that `parse` reads back as this topology."""
        if self._value.version is None:
            return write(self._value)
        return as_document(self._value).text

    def to_definitions(self) -> str:
        """Return JSON that RabbitMQ loads into a virtual host."""
        return as_definitions(self._value).text


def _text_in(path: str | PathLike[str]) -> str:
    try:
        return read_text(Path(path))
    except OSError as error:
        raise InvalidInput(f"cannot read {path}: {error.strerror}", hint="give a file") from error
    except UnicodeDecodeError as error:
        raise InvalidInput(f"{path} is not UTF-8 at byte {error.start}", hint="save it as UTF-8") from error


def _holds_definitions(text: str) -> bool:
    return text.lstrip("\ufeff \t\r\n").startswith("{") and looks_like_definitions(text)


def _read(texts: Sequence[Text], values: Mapping[str, str | int | float | bool] | None) -> model.Topology:
    """Return the topology of documents; raise `InvalidInput` with every problem of them."""
    given = {name: Given(value, "`values`") for name, value in (values or {}).items()}
    documents = [Text(each.source, each.text.removeprefix("\ufeff")) for each in texts]
    if len(documents) == 1 and EXTENDS not in documents[0].text:
        return parse(documents[0].text, source=documents[0].source, values=given)
    for each in documents if len(documents) > 1 else ():
        if _holds_definitions(each.text):
            raise InvalidInput(
                f"{each.source} holds RabbitMQ's definitions, and another file is given too",
                hint="load it alone, or make a document of it with `to_yaml`",
            )
    return read_several(documents, values=given, read=_read_base).topology


def _read_base(name: str, source: str) -> Text:
    """Return the document that another one extends: a built-in one, or a file beside it."""
    if name in NAMES:
        return Text(f"{BUILT_IN}{name}.yaml", text_of(name))
    path = normpath(Path(source).parent / name)
    return Text(path, _text_in(path).removeprefix("\ufeff"))


def diff(have: Topology, want: Topology) -> tuple[Changed, ...]:
    """Return the changes after which `have` holds all of `want`, in an order in which they can be made.

    Each is a `Create`, `Update`, `Recreate` or `Await`. Further objects of `have` are left alone.
    """
    return changes_between(have._value, want._value)  # noqa: SLF001 # two of a kind


def _within(found: model.Topology, vhost: str | None, source: str) -> model.Topology:
    """Return one of the virtual hosts of a document; raise `InvalidInput` if it has several, or not this one."""
    known = tuple(found.virtual_hosts)
    if not known and vhost is not None:
        raise InvalidInput(f"{source} is a document that names no virtual host", hint="leave out vhost")
    if not known:
        return found
    if vhost is None and len(known) == 1:
        [vhost] = known
    if vhost is not None and vhost in found.virtual_hosts:
        return found.virtual_hosts[vhost]
    what = f"has no virtual host '{vhost}'{guess(vhost, known)}" if vhost else "has several virtual hosts"
    raise InvalidInput(f"{source} {what}", hint=f"choose one with vhost: {', '.join(known)}")
