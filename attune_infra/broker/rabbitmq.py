"""One virtual host of a RabbitMQ as `interfaces.Broker`: read over HTTP, declare over AMQP or HTTP."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import cached_property
from os import urandom
from types import TracebackType
from typing import TYPE_CHECKING, Final, Self

from attune_infra.broker.connections import Connections
from attune_infra.broker.failures import faults
from attune_infra.broker.failures.majority import without_majority
from attune_infra.broker.reading.virtual_host import Reader
from attune_infra.broker.same_broker import check_same_broker
from attune_infra.errors import AccessRefused, BrokerError, NoMajority, StrangeAnswer, VirtualHostMissing
from attune_infra.settings import Settings, Via

if TYPE_CHECKING:
    from attune_infra.broker.changing.deleting import Deleter
    from attune_infra.broker.changing.objects import Changer
    from attune_infra.broker.messages.loading import Loader
    from attune_infra.broker.messages.peeking import HeldMessages
    from attune_infra.broker.messages.tap import AmqpTap
    from attune_infra.broker.moving.mover import Mover
    from attune_infra.broker.shared import Shared
    from attune_infra.fleet.metrics import QueueStatistics
    from attune_infra.fleet.model import Depth
    from attune_infra.fleet.queues import Numbers
    from attune_infra.messages.loading import Failed
    from attune_infra.messages.moving import Moved, Orders
    from attune_infra.messages.peeking import Peekable
    from attune_infra.topology.diff import Create, Update
    from attune_infra.topology.doctor.diagnosis import Check
    from attune_infra.topology.facts.quorum import Members
    from attune_infra.topology.facts.refusals import Restrictions
    from attune_infra.topology.facts.trials import Trial
    from attune_infra.topology.model import Binding, Exchange, Message, Queue, Topology, TopologyObject
    from attune_infra.topology.permissions.needs import Need
    from attune_infra.topology.planning.obstacles import Contents
    from attune_infra.topology.planning.report import Outcome
    from attune_infra.topology.probe import Arrival
    from attune_infra.topology.routing.tap import Tap
    from attune_infra.topology.target import Target

THROWAWAY: Final = "attune-infra probe"
"""Prefix of the names of temporary virtual hosts."""


class RabbitMQ:
    """The virtual host of the settings. Connections open at their first use.

    A cluster without a majority of its nodes answers questions all the same; `warn` is told once.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        via: Via = Via.AMQP,
        warn: Callable[[str], None] = lambda _: None,
        shared: Shared | None = None,
    ) -> None:
        self.settings, self.via = settings, via
        self._warn: Callable[[str], None] | None = warn
        self._connections = Connections(settings, shared)
        self._reader = Reader(self._connections)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._connections.close(interrupted=kind is not None and not issubclass(kind, Exception))

    @cached_property
    def _changer(self) -> Changer:
        from attune_infra.broker.changing.objects import Changer

        return Changer(self._connections, self._reader, self.via)

    @cached_property
    def _deleter(self) -> Deleter:
        from attune_infra.broker.changing.deleting import Deleter

        return Deleter(self._connections, self._reader, self.via)

    @property
    def connections(self) -> Connections:
        return self._connections

    def check_http(self) -> str:
        return self._reader.version()

    def check_amqp(self) -> str:
        return self._connections.amqp.target().version

    def target(self) -> Target:
        return self._connections.target()

    def amqp_target(self) -> Target:
        return self._connections.amqp.target()

    def check_same_cluster(self) -> None:
        if self.via is Via.AMQP:
            try:
                check_same_broker(self._connections)
            except (StrangeAnswer, NoMajority):
                raise
            except BrokerError:
                pass  # what needs AMQP fails by itself, and with more to say

    def read(self, *, private: bool = False, controls: Collection[str] = ()) -> Topology:
        topology = self._reader.read(private=private, controls=controls)
        if self._warn and not all(queue.works for queue in topology.queues.values()):
            self._tell_once(without_majority(self.settings))
        return topology

    def _tell_once(self, error: NoMajority | None) -> None:
        warn, self._warn = self._warn, None
        if error is not None and warn is not None:
            warn(error.sentence)

    def restrictions(self) -> Restrictions:
        return self._changer.restrictions()

    def check_declaring(self, wanted: Iterable[TopologyObject]) -> None:
        self._changer.check_declaring(wanted)

    def apply(self, changes: Iterable[Create | Update]) -> Iterator[Outcome]:
        return self._changer.apply(changes)

    def delete(self, items: Iterable[TopologyObject], *, even_if_used: bool) -> Iterator[Outcome]:
        return self._deleter.delete(items, even_if_used=even_if_used)

    def contents(self, queue: str) -> tuple[int | None, int | None]:
        return self._reader.contents(queue)

    def contents_at_most(self, queues: Collection[str]) -> Mapping[str, tuple[int | None, int | None]]:
        return self._reader.contents_at_most(queues)

    def depths(self) -> Mapping[str, Depth]:
        return self._reader.depths()

    def numbers(self, on_progress: Callable[[int, int], None]) -> Mapping[str, Numbers]:
        from attune_infra.broker.reading.statistics import read_numbers

        return read_numbers(self._connections.http, self.settings.virtual_host, on_progress)

    def consumer_tags(self, queues: Collection[str]) -> Mapping[str, tuple[str, ...]]:
        return self._reader.consumer_tags(queues)

    def members(self) -> Mapping[str, Members | None]:
        return self._reader.members()

    def consumer_counts(self, queues: Collection[str]) -> Mapping[str, int]:
        return {queue: consumers for queue, (_, consumers) in self._connections.amqp.counts(queues).items()}

    def look_over_amqp(self, items: Iterable[Exchange | Queue]) -> Mapping[Exchange | Queue, Trial]:
        from attune_infra.broker.amqp.trying import look_at

        return look_at(self._connections.amqp, items)

    def try_over_amqp(self, items: Iterable[Exchange | Queue]) -> Mapping[Exchange | Queue, Trial]:
        from attune_infra.broker.amqp.trying import try_objects

        return try_objects(self._connections.amqp, items)

    def declare_over_amqp(self, items: Iterable[Exchange | Queue | Binding]) -> Iterator[Outcome]:
        return self._changer.declare_over_amqp(items)

    def statistics(self, queues: Collection[str]) -> Mapping[str, QueueStatistics]:
        return self._reader.statistics(queues)

    def publish(self, exchange: str, routing_key: str, body: str, *, message_id: str) -> bool:
        from attune_infra.broker.amqp.connection import json_message

        return self._connections.amqp.publish(exchange, routing_key, json_message(body, message_id))

    @contextmanager
    def throwaway(self) -> Iterator[RabbitMQ]:
        settings = replace(self.settings, virtual_host=f"{THROWAWAY} {urandom(4).hex()}")
        try:
            self._make_throwaway(settings)
            with RabbitMQ(settings, via=self.via) as own:
                yield own
        finally:
            self._remove_throwaway(settings.virtual_host)

    def arrivals(self, messages: Sequence[Message], queues: Collection[str]) -> Sequence[Arrival]:
        return self._connections.amqp.arrivals(messages, queues)

    def weigh(self, queue: str) -> Contents:
        from attune_infra.broker.reading.weighing import weigh

        counted = self._reader.contents_by_all_means(queue)
        return weigh(self._connections.http, self.settings.virtual_host, queue, counted)

    def last_offset(self, stream: str) -> int:
        from attune_infra.broker.moving.opening import last_offset

        return last_offset(self._connections, stream)

    def lacking(self, needs: Sequence[Need]) -> Sequence[Check]:
        from attune_infra.broker.reading.logins import logins_of
        from attune_infra.topology.doctor.diagnosis import Verdict
        from attune_infra.topology.doctor.permissions import permission_checks, rights_in
        from attune_infra.topology.facts.releases import version_of

        logins = logins_of(self._connections, rights_in(needs), over_http=True)
        checks = permission_checks(logins, needs, self.settings.virtual_host, version_of(self._reader.version()))
        return [check for check in checks if check.verdict is Verdict.PROBLEM]

    def carry(self, ledger: str, prints: Sequence[bytes]) -> None:
        from attune_infra.broker.moving.opening import carry

        carry(self._connections, ledger, prints)

    def unbind(self, binding: Binding) -> None:
        self._connections.amqp.unbind(binding)

    @contextmanager
    def moving(self, orders: Orders, on_progress: Callable[[Moved], None] = lambda _: None) -> Iterator[Mover]:
        from attune_infra.broker.moving.opening import opened

        with opened(self._connections, orders, on_progress) as mover:
            yield mover

    @contextmanager
    def peeking(self, queue: Peekable) -> Iterator[HeldMessages]:
        from attune_infra.broker.messages.peeking import peeking

        with peeking(self._connections, queue) as held:
            yield held

    @property
    def user(self) -> str:
        return self.settings.amqp.user

    @contextmanager
    def loading(self, on_outcome: Callable[[int, Failed | None], None]) -> Iterator[Loader]:
        from attune_infra.broker.messages.loading import loading

        with loading(self._connections, on_outcome) as loader:
            yield loader

    def ready(self, queues: Collection[str]) -> Mapping[str, int]:
        return self._reader.ready(queues)

    def purge(self, queue: str) -> int:
        from attune_infra.broker.messages.purging import purge

        return purge(self._connections.amqp, queue)

    def tapping(self, tap: Tap, topology: Topology, *, queue_length: int, counts: bool) -> AmqpTap:
        """Return a tap to be entered, which `counts` dropped messages; `topology` is that of the broker."""
        from attune_infra.broker.messages.tap import AmqpTap

        return AmqpTap(self.settings, tap, topology, queue_length=queue_length, counts=counts)

    def _make_throwaway(self, settings: Settings) -> None:
        """Make a virtual host. RabbitMQ permits all of it to the user of the request; permit it to AMQP's too."""
        http, vhost = self._connections.http, settings.virtual_host
        try:
            http.put("vhosts", vhost, body={"description": "temporary virtual host of attune-infra"})
        except AccessRefused as error:
            raise faults.no_throwaway(settings) from error
        if settings.amqp.user != settings.management.user:
            everything = {"configure": ".*", "write": ".*", "read": ".*"}
            http.put("permissions", vhost, settings.amqp.user, body=everything)

    def _remove_throwaway(self, name: str) -> None:
        try:
            self._connections.http.delete("vhosts", name)
        except (AccessRefused, VirtualHostMissing):
            pass  # it was never made
        except BrokerError as error:
            raise faults.left_behind(name, error) from error
