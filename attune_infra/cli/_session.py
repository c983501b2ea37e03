"""The session of a command: the broker, registry and topology that its options name, and its end."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import field, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Final, NoReturn

from attune_infra.cli._display import Display
from attune_infra.cli._output import Warnings, finish, tell, tell_reading
from attune_infra.cli._progress import waiting
from attune_infra.cli._reports import finish_reviewed
from attune_infra.cli._requests import load_requests
from attune_infra.cli._target import Asked, Meeting, ask_password, do_not_ask, require_named
from attune_infra.dataclass import dataclass
from attune_infra.errors import InvalidInput, WrongUsage
from attune_infra.settings import (
    CA_FILE,
    CERT_FILE,
    DATABASE_URL,
    DEFAULT_TIMEOUT,
    EXPECT_CLUSTER,
    KEY_FILE,
    MANAGEMENT_URL,
    TOPOLOGY,
    WORKER_QUEUE_TTL,
    Expectation,
    Setting,
    Settings,
    Via,
    resolve,
    topology_names,
    virtual_host,
    worker_queue_ttl,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from attune_infra.broker.rabbitmq import RabbitMQ
    from attune_infra.broker.shared import Shared
    from attune_infra.cli._topology import TopologyText
    from attune_infra.interfaces import Broker
    from attune_infra.registry.workers import PostgresRegistry
    from attune_infra.render.page import Page, R, ReviewedPage
    from attune_infra.topology.document.origin import Origin
    from attune_infra.topology.document.reading import Reading
    from attune_infra.topology.model import Topology
    from attune_infra.topology.target import Target


BROKER_ONLY: Final = (MANAGEMENT_URL, EXPECT_CLUSTER, CA_FILE, CERT_FILE, KEY_FILE)
"""Settings of the broker that say nothing about a document; the AMQP URL names its virtual host."""


@dataclass(frozen=True)
class Session:
    """The options that every command has. Nothing is opened before it is used."""

    flags: Mapping[Setting, str | None]
    config: Path | None
    given_timeout: float | None
    given_wait: float | None
    display: Display
    vhosts: tuple[str, ...] = ()
    """The virtual hosts of --vhost; without any, all of a document, and of definitions that of the AMQP URL."""
    place: str | None = None
    """The virtual host of a document that this session is for, in place of that of the AMQP URL."""
    given_values: tuple[tuple[str, ...], tuple[str, ...]] = ((), ())
    """Values of variables: pairs NAME=VALUE, and files."""
    kept_queue_ttl: tuple[int | None] | None = None
    """The expiry of worker queues that a saved plan was made with, in place of the setting."""
    interactive: bool = True
    """False if nobody is to be asked for a password."""
    has_deadline: bool = False
    met: Meeting = field(default_factory=Meeting)
    shared: Shared | None = None
    """The answers that the sessions for several virtual hosts share."""

    @property
    def timeout(self) -> float:
        return DEFAULT_TIMEOUT if self.given_timeout is None else self.given_timeout

    @property
    def wait(self) -> float:
        return self.given_wait or 0.0

    @cached_property
    def settings(self) -> Settings:
        found = self._resolved() if self.shared is None else self.shared.settings(self._resolved)
        return found if self.place is None else replace(found, virtual_host=self.place)

    def _resolved(self) -> Settings:
        ask = ask_password if self.interactive else do_not_ask
        return resolve(self.flags, os.environ, config=self.config, timeout=self.timeout, ask=ask)

    @cached_property
    def topology(self) -> Topology:
        """The topology to use, from a file without problems; see `readable_topology`."""
        self.reading.refuse_problems()
        return self.readable_topology

    @cached_property
    def readable_topology(self) -> Topology:
        """The readable part of the topology; problems, and parts left out, are named on standard error."""
        tell_reading(self.reading)
        return self.with_queue_ttl(self.reading.topology)

    def with_queue_ttl(self, topology: Topology) -> Topology:
        """Return a topology with the expiry of worker queues that the settings give, if they do."""
        from attune_infra.topology.worker import with_queue_ttl

        ttl = self.queue_ttl
        return topology if ttl is None else with_queue_ttl(topology, ttl)

    @property
    def queue_ttl(self) -> int | None:
        """Milliseconds after which an unused worker queue expires; None for those of the document."""
        if self.kept_queue_ttl is not None:
            return self.kept_queue_ttl[0]
        return worker_queue_ttl(self.flags, os.environ, config=self.config)

    def with_text(self, source: str, text: str) -> Session:
        """Return the session with another text for its topology."""
        from attune_infra.cli._topology import TopologyText

        other = replace(self)
        vars(other)["topology_text"] = TopologyText(source, text)
        return other

    def topology_on(self, broker: Broker) -> Topology:
        """Return the topology; raise `InvalidInput` if its file has a problem that this broker refuses."""
        from attune_infra.cli._release import release_of

        if self.reading.problems:
            self.reading.refuse_problems(release_of(broker, over_amqp=self.met.is_over_amqp))
        return self.readable_topology

    def with_reading(self) -> Session:
        """Return the session once its topology is read, for use on a broker.

        It is for one virtual host, if the document names any: that of --vhost, the only one, or that of the AMQP
        URL. Raise `InvalidInput` if the text holds no topology, or not this virtual host. Print a warning if
        definitions are those of another virtual host.
        """
        if self.place is None and self.whole.topology.virtual_hosts:
            return self.within(self._chosen())
        described = self.reading.vhost
        if described is not None and described != (used := self.virtual_host()):
            tell(
                f"warning: {self.reading.source} describes the virtual host '{described}'; "
                f"the command uses '{used}', which the AMQP URL names"
            )
        return self

    @cached_property
    def whole(self) -> Reading:
        """All that the text of the topology holds."""
        wants_places, chosen = self.display.wants_places, next(iter(self.vhosts), None)
        return self.topology_text.read_for(self.virtual_host, chosen=chosen, with_places=wants_places)

    @cached_property
    def reading(self) -> Reading:
        """The part of it for one virtual host; see `with_reading`."""
        return self.whole.within(self._chosen()) if self.whole.topology.virtual_hosts else self.whole

    def _chosen(self) -> str:
        """Return the one virtual host of the document to use; raise `InvalidInput` if several could be meant."""
        known = self.whole.topology.virtual_hosts
        if (vhost := self.vhost) is not None:
            return vhost
        return next(iter(known)) if len(known) == 1 else self.whole.own_of_several(self.virtual_host())

    @property
    def is_for_several(self) -> bool:
        """True if the document names virtual hosts, and not exactly one of them is asked for."""
        return self.place is None and len(self.vhosts) != 1 and bool(self.whole.topology.virtual_hosts)

    def each(self) -> Sequence[Session]:
        """Return a session for each virtual host of the document, or for those of --vhost."""
        from attune_infra.broker.shared import Shared

        names = [*dict.fromkeys(self.vhosts or self.whole.topology.virtual_hosts)]
        shared = Shared(names)
        return [self.within(name, shared) for name in names]

    def of_several(self) -> Topology:
        """Return the topologies of the virtual hosts of the document, or of those of --vhost."""
        tell_reading(self.whole)
        chosen = {str(each.place): self.with_queue_ttl(each.reading.topology) for each in self.each()}
        return replace(self.whole.topology, virtual_hosts=chosen)

    def on(self, name: str) -> Session:
        """Return the session for a virtual host of the broker, whatever the document has."""
        return replace(self, place=name)

    def several(self, *, live: bool = False) -> Sequence[Session] | None:
        """Return the sessions for several virtual hosts of a document, or `live` of the broker; None for one."""
        if live:
            return self.each_on_broker() if len(self.vhosts) > 1 else None
        return self.each() if self.is_for_several else None

    def with_one_on_broker(self) -> Session:
        """Return the session for one virtual host of the broker; raise `WrongUsage` if several are named."""
        return self if self.vhost is None else self.on(self.vhost)

    def each_on_broker(self) -> Sequence[Session]:
        """Return a session for each virtual host of the broker that --vhost names, or for that of the AMQP URL."""
        from attune_infra.broker.shared import Shared

        shared = Shared(self.vhosts)
        return [replace(self.on(name), shared=shared) for name in dict.fromkeys(self.vhosts)] or [self]

    def within(self, name: str, shared: Shared | None = None) -> Session:
        """Return the session for a virtual host of the document, which is not read again."""
        other = replace(self, place=name, shared=shared)
        vars(other).update(topology_text=self.topology_text, whole=self.whole, reading=self.whole.within(name))
        return other

    @property
    def vhost(self) -> str | None:
        """The virtual host of --vhost; raise `WrongUsage` for several, of which a command uses one."""
        if self.place is None and len(self.vhosts) > 1:
            raise WrongUsage(f"--vhost is given {len(self.vhosts)} times, and this takes one", hint="give it once")
        return self.place or next(iter(self.vhosts), None)

    @property
    def origin(self) -> Origin:
        """The file of the topology, with the places of its objects if the display wants them."""
        from attune_infra.topology.document.origin import Origin

        places, workers = self.reading.places, self.reading.topology.workers
        return Origin(self.topology_text.file, places, workers)

    @property
    def topology_options(self) -> tuple[str, ...]:
        """The options by which another command uses the same topology, in the same environment."""
        from attune_infra.topology.builtin import NAMES

        others = {setting: value for setting, value in self.flags.items() if setting is not TOPOLOGY}
        names = topology_names(self.flags, os.environ, config=self.config)
        usual = topology_names(others, os.environ, config=self.config)
        is_usual = names == usual and set(names) <= set(NAMES)
        return (
            *(word for name in names if not is_usual for word in (TOPOLOGY.flag, name)),
            *(() if self.vhost is None else ("--vhost", self.vhost)),
            *(word for pair in self.given_values[0] for word in ("--set", pair)),
            *(word for file in self.given_values[1] for word in ("--values", file)),
        )

    @cached_property
    def topology_text(self) -> TopologyText:
        from attune_infra.cli._topology import read_topologies

        text = read_topologies(topology_names(self.flags, os.environ, config=self.config))
        if not self.has_values:
            return text
        from attune_infra.cli._values import read_values

        return replace(text, values=read_values(*self.given_values))

    @property
    def topology_source(self) -> str | tuple[str, ...]:
        """The name of the topology in a saved plan; the names of several as they were given."""
        names = topology_names(self.flags, os.environ, config=self.config)
        return names if len(names) > 1 else self.topology_text.source

    @property
    def has_values(self) -> bool:
        """True if values of variables are given."""
        return any(self.given_values)

    def virtual_host(self) -> str:
        """Return the virtual host of the AMQP URL; no other setting has to be right."""
        return self.place or virtual_host(self.flags, os.environ, config=self.config)

    def using(self, file: str | None) -> Session:
        """Return the session with a topology given as FILE; raise `WrongUsage` if --topology is given too."""
        if file is None:
            return self
        if self.flags.get(TOPOLOGY):
            raise WrongUsage("the topology is given twice", hint="give either FILE or --topology FILE")
        return replace(self, flags={**self.flags, TOPOLOGY: file})

    def refuse_broker_options(
        self,
        *,
        why: str = "without --live no broker is asked",
        alternative: str = "give --live instead of the document",
    ) -> None:
        """Raise `WrongUsage` for an option about the broker, in a command that asks none for the reason `why`."""
        flags = [each.flag for each in BROKER_ONLY if self.flags.get(each)]
        flags += ["--timeout"] if self.given_timeout is not None else []
        flags += ["--wait"] if self.given_wait is not None else []
        if flags:
            raise WrongUsage(
                f"{flags[0]} is about the broker, and {why}",
                hint=f"leave out {flags[0]}, or {alternative}",
            )

    def refuse_deadline(self, flag: str) -> None:
        """Raise `WrongUsage` for --deadline beside a flag that makes the command stay until it is stopped."""
        if self.has_deadline:
            raise WrongUsage(
                f"--deadline ends a command, and {flag} lets it run until it is stopped",
                hint=f"leave out --deadline, or leave out {flag}",
            )

    def require_live_alone(self, file: str | Sequence[str] | None = None, *, workers: bool = False) -> None:
        """Raise `WrongUsage` if a document, or workers to add to one, are given beside --live."""
        if file or self.flags.get(TOPOLOGY) or self.flags.get(WORKER_QUEUE_TTL) or self.has_values or workers:
            raise WrongUsage(
                "--live reads the topology and its workers from the broker; a document or workers are given too",
                hint="leave out --live, or leave out the document and --worker",
            )

    @contextmanager
    def broker(
        self, via: Via = Via.AMQP, *, writes: bool = False, asked: Asked = Asked.HTTP
    ) -> Iterator[RabbitMQ]:
        """Yield the broker; wait for it first, as long as --wait says, and say which one it is.

        Raise `WrongTarget` if another one is expected, and `InvalidInput` if no setting names the broker that a
        command `writes` to.
        """
        if writes:
            require_named(self.settings, via)
        with Warnings(at_end=writes) as warn, self._rabbitmq(via, warn) as broker:
            if self.wait:
                with waiting(self.wait, "RabbitMQ") as wait_for:
                    if asked is not Asked.HTTP_OR_AMQP:
                        wait_for(broker.check_http)
                    if via is Via.AMQP:
                        wait_for(broker.check_amqp)
            self.met.ask(broker, asked, self._expected())
            yield broker

    def _rabbitmq(self, via: Via, warn: Callable[[str], None]) -> RabbitMQ:
        load_requests()
        from attune_infra.broker.rabbitmq import RabbitMQ

        return RabbitMQ(self.settings, via=via, warn=warn, shared=self.shared)

    def note(self, target: Target) -> None:
        """Say which broker a worker has connected to; raise `WrongTarget` if another one is expected."""
        self.met.note(target, self._expected())

    def _expected(self) -> Iterator[Expectation]:
        """Yield the expectations of the settings, and that of the document, if the command has read one."""
        yield from self.settings.expected
        if (reading := vars(self).get("reading")) and (cluster := reading.topology.demands.cluster):
            yield Expectation(cluster, f"`expect_cluster` in {reading.source}")

    @contextmanager
    def registry(self) -> Iterator[PostgresRegistry]:
        """Yield the registry; raise `InvalidInput` if none is configured."""
        from attune_infra.registry.workers import PostgresRegistry

        url = self.settings.database_url
        if url is None:
            raise InvalidInput(
                "no database is configured, so there is no registry of workers",
                hint=f"give {DATABASE_URL.flag}, or set {DATABASE_URL.variable}",
            )
        registry = PostgresRegistry(url, timeout=self.timeout, schema=self.settings.schema)
        with waiting(self.wait, "PostgreSQL") as wait_for:
            wait_for(registry.open)
        with registry:
            yield registry

    @contextmanager
    def registry_if_configured(self, *, insist: bool = False) -> Iterator[PostgresRegistry | None]:
        if self.settings.database_url is None and not insist:
            yield None
            return
        with self.registry() as registry:
            yield registry

    def finish(self, command: str, page: Page[R], result: R) -> NoReturn:
        """Print a result and exit with its exit code."""
        finish(command, page, result, self.display, self.met.target)

    def finish_reviewed(self, command: str, page: ReviewedPage[R], result: R) -> NoReturn:
        """Write the reports for CI, print a result and exit with its exit code."""
        finish_reviewed(command, page, result, self.display, self.met.target)
