"""The objects of a definitions JSON -> those of a topology: each is judged, or left out with a reason.

A problem is reported if some RabbitMQ refuses an object, or silently takes it for another: an exchange without a
name becomes one named `undefined`, RabbitMQ 3.10 drops a binding to an undeclared queue. The rest of the object is
still read. Tried on 3.10, 4.0 and 4.3.
"""

from __future__ import annotations

from collections.abc import Iterator, Set
from dataclasses import field
from typing import Final

from attune_infra.dataclass import dataclass
from attune_infra.topology.document.definitions.entry import Entry
from attune_infra.topology.document.definitions.file import DefinitionsFile
from attune_infra.topology.document.definitions.mend import mend
from attune_infra.topology.document.places import Places
from attune_infra.topology.facts.exchanges import OWN_HEADERS_EXCHANGES, PREDECLARED_EXCHANGES, is_reserved
from attune_infra.topology.facts.releases import (
    FIRST_REFUSING_LOOSE_BINDINGS,
    FIRST_WITH_EXCHANGE_DEFAULTS,
    FIRST_WITH_QUEUE_DEFAULTS,
    OLDEST,
)
from attune_infra.topology.model import (
    Argument,
    Binding,
    End,
    Exchange,
    Policy,
    Queue,
    Structure,
    Topology,
    as_read,
    label,
)
from attune_infra.topology.words import describe, guess

_OWN: Final = "RabbitMQ creates them itself"
_PRIVATE: Final = "they belong to one connection, and RabbitMQ deletes them with it"


@dataclass(slots=True)
class DefinitionsObjects:
    """The objects of one virtual host. Names and `places` fill up as they are read."""

    file: DefinitionsFile
    vhost: str
    exchanges: set[str] = field(default_factory=set)
    queues: set[str] = field(default_factory=set)
    private: set[str] = field(default_factory=set)
    headers: set[str] = field(default_factory=lambda: set(OWN_HEADERS_EXCHANGES))
    kept: set[End] = field(default_factory=set)
    """The exchanges and queues that are in the topology."""

    places: Places = field(default_factory=Places)

    def topology(self) -> Topology:
        """Return the topology of the virtual host; its problems and omissions are in the file."""
        self.file.check_members()
        objects: tuple[Structure, ...] = (
            *self.read_exchanges(),
            *self.read_queues(),
            *self.read_bindings(),
            *self.read_policies(),
        )
        default_type = self.file.default_queue_type(self.vhost)
        return Topology.of(objects, name=self.vhost, default_queue_type=default_type)

    def read_exchanges(self) -> Iterator[Structure]:
        for entry in self.file.entries("exchanges", self.vhost, "an exchange"):
            if is_reserved(str(entry.value.get("name"))) or entry.value.get("name") == "":
                self.leave_out("exchanges", entry.value["name"] or "(default)", _OWN)
                continue
            exchange = Exchange(
                name=entry.name("exchange", self.exchanges),
                type=entry.string("type"),
                durable=entry.boolean(
                    "durable",
                    default=True,
                    if_missing="; RabbitMQ 4.3 assumes true, older releases refuse that",
                    required_before=FIRST_WITH_EXCHANGE_DEFAULTS,
                ),
                auto_delete=entry.boolean(
                    "auto_delete",
                    default=False,
                    if_missing="; RabbitMQ 4.3 assumes false, older releases store no value",
                    required_before=OLDEST,
                ),
                internal=entry.boolean("internal", default=False),
                arguments=entry.table("arguments"),
            )
            if exchange.routing_type == "headers":
                self.headers.add(exchange.name)
            if accepted := self.accept(exchange, entry):
                self.kept.add(("exchange", exchange.name))
                yield accepted

    def read_queues(self) -> Iterator[Structure]:
        for entry in self.file.entries("queues", self.vhost, "a queue"):
            if is_reserved(str(entry.value.get("name"))) or entry.boolean("exclusive", default=False):
                self.private.add(str(entry.value.get("name")))
                self.leave_out("queues", str(entry.value.get("name")), _PRIVATE)
                continue
            name, arguments = entry.name("queue", self.queues), dict(entry.table("arguments"))
            queue = Queue(
                name=name,
                type=self.queue_type(entry, arguments.pop("x-queue-type", None)),
                durable=entry.boolean(
                    "durable",
                    default=True,
                    if_missing="; RabbitMQ 3.10 refuses that, 4.x assumes true",
                    required_before=FIRST_WITH_QUEUE_DEFAULTS,
                ),
                auto_delete=entry.boolean(
                    "auto_delete",
                    default=False,
                    if_missing="; RabbitMQ 3.10 refuses that, 4.x assumes false",
                    required_before=FIRST_WITH_QUEUE_DEFAULTS,
                ),
                arguments=arguments,
            )
            if accepted := self.accept(queue, entry):
                self.kept.add(("queue", name))
                yield accepted

    def queue_type(self, entry: Entry, argument: Argument) -> str | None:
        """Return the type that the argument x-queue-type sets; RabbitMQ does not read the key `type`."""
        beside = entry.value.get("type")
        if beside not in (None, argument or "classic"):
            why = "RabbitMQ reads the type only from the argument x-queue-type"
            self.leave_out("types", f"{beside} of {entry.what}", why)
        if argument is None or isinstance(argument, str):
            return argument
        entry.problem(f": x-queue-type expects a string, got {describe(argument)}")
        return None

    def read_bindings(self) -> Iterator[Structure]:
        seen: set[Binding] = set()
        for entry in self.file.entries("bindings", self.vhost, "a binding"):
            binding = self.binding(entry)
            if why := self.reason_to_leave_out(binding, seen):
                self.leave_out("bindings", label(binding).removeprefix("binding "), why)
                continue
            seen.add(binding)
            self.check_ends(binding, entry)
            accepted = self.accept(binding, entry, from_headers=binding.source in self.headers)
            if accepted and self.has_ends(binding):
                yield binding

    def binding(self, entry: Entry) -> Binding:
        source, destination = entry.string("source"), entry.string("destination")
        entry.what = f"binding '{source}' -> '{destination}'"
        destination_type = entry.string("destination_type")
        if destination_type not in {"queue", "exchange", ""}:
            entry.problem(f": destination_type expects queue or exchange, got {describe(destination_type)}")
            entry.is_lost = True
        binding = Binding(
            source=source,
            destination=destination,
            destination_type=destination_type,
            routing_key=entry.routing_key(),
            arguments=entry.table("arguments"),
            key_is_text=isinstance(entry.value.get("routing_key"), str),
        )
        return as_read(binding) if source in self.headers else binding

    def reason_to_leave_out(self, binding: Binding, seen: Set[Binding]) -> str | None:
        if binding.source == "":
            return "RabbitMQ binds each queue to the default exchange itself"
        if binding.destination_type == "queue" and self.is_private(binding.destination):
            return _PRIVATE
        return "in JSON they are equal to another binding of the file" if binding in seen else None

    def is_private(self, queue: str) -> bool:
        """Return whether a queue belongs to one connection, as far as the file tells."""
        missing = queue not in self.queues and self.file.has_loose_ends()
        return missing or queue in self.private or is_reserved(queue)

    def check_ends(self, binding: Binding, entry: Entry) -> None:
        exchanges = self.exchanges | PREDECLARED_EXCHANGES
        known = {"exchange": exchanges, "queue": self.queues}.get(binding.destination_type)
        if "source" in entry.value and not is_reserved(binding.source):
            self.check_end(entry, "exchange", binding.source, exchanges)
        if "destination" in entry.value and known is not None:
            self.check_end(entry, binding.destination_type, binding.destination, known)

    def has_ends(self, binding: Binding) -> bool:
        """Return whether both ends of a binding are in the topology, or are RabbitMQ's own."""
        ends = (("exchange", binding.source), (binding.destination_type, binding.destination))
        return all(end in self.kept or (end[0] == "exchange" and is_reserved(end[1])) for end in ends)

    def check_end(self, entry: Entry, kind: str, name: str, known: Set[str]) -> None:
        if name in known:
            return
        hint = guess(name, sorted(known))
        if kind == "exchange" and self.file.has_loose_ends():
            hint = "; RabbitMQ 4.3 does not export internal exchanges, but `attune-infra export` does"
        entry.problem(
            f" needs {kind} '{name}', which is not in this file (RabbitMQ 4.x refuses that){hint}",
            taken_before=FIRST_REFUSING_LOOSE_BINDINGS,
        )

    def read_policies(self) -> Iterator[Structure]:
        names: set[str] = set()
        for entry in self.file.entries("policies", self.vhost, "a policy"):
            policy = Policy(
                name=entry.name("policy", names),
                pattern=entry.string("pattern"),
                definition=entry.table("definition"),
                apply_to=entry.string("apply-to", default="all"),
                priority=entry.integer("priority", default=0),
            )
            if accepted := self.accept(policy, entry):
                yield accepted

    def accept(self, item: Structure, entry: Entry, *, from_headers: bool = False) -> Structure | None:
        """Report the defects of an object; remember the place of what remains of it, and return that."""
        entry.judge(item, from_headers=from_headers)
        mended = None if entry.is_lost else mend(item, entry.defective)
        if mended is not None:
            self.places.add(mended, {"": self.file.place(entry.at)})
        return mended

    def leave_out(self, kind: str, name: str, why: str) -> None:
        self.file.left_out.append((kind, name, why))
