"""What a command works with: the real broker and registry, as the options name them, and a way to end."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import typer

from attune_infra.cli._output import Output, patience, show, tell_left_out
from attune_infra.errors import ExitCode, InvalidInput, WrongUsage
from attune_infra.settings import (
    DATABASE_URL,
    TOPOLOGY,
    Setting,
    Settings,
    Via,
    resolve,
    topology_name,
    virtual_host,
    worker_queue_ttl,
)

if TYPE_CHECKING:
    from attune_infra.broker.rabbitmq import RabbitMQ
    from attune_infra.cli._topology import TopologyText
    from attune_infra.registry.workers import PostgresRegistry
    from attune_infra.render.showable import Showable
    from attune_infra.topology.model import Topology


@dataclass(frozen=True)
class Session:
    """The options that every command has, put to use; nothing is opened before it is asked for."""

    flags: Mapping[Setting, str | None]
    config: Path | None
    timeout: float
    wait: float
    output: Output

    @cached_property
    def settings(self) -> Settings:
        return resolve(self.flags, os.environ, config=self.config, timeout=self.timeout)

    @cached_property
    def topology(self) -> Topology:
        """The topology to use; what a file holds beyond that is named on standard error."""
        from attune_infra.topology.worker import with_queue_ttl

        topology, left_out = self.topology_text.parse_for(self.virtual_host)
        tell_left_out(left_out)
        ttl = worker_queue_ttl(self.flags, os.environ, config=self.config)
        return topology if ttl is None else with_queue_ttl(topology, ttl)

    @cached_property
    def topology_text(self) -> TopologyText:
        from attune_infra.cli._topology import read_topology

        return read_topology(topology_name(self.flags, os.environ, config=self.config))

    def virtual_host(self) -> str:
        """Return the virtual host of the AMQP URL; no other setting has to be right."""
        return virtual_host(self.flags, os.environ, config=self.config)

    def using(self, file: str | None) -> Session:
        """Return the session for a topology that is named as an argument; `--topology` beside it is a mistake."""
        if file is None:
            return self
        if self.flags.get(TOPOLOGY):
            raise WrongUsage("the topology is named twice", hint="give either FILE or --topology FILE")
        return replace(self, flags={**self.flags, TOPOLOGY: file})

    @contextmanager
    def broker(self, via: Via = Via.AMQP) -> Iterator[RabbitMQ]:
        """Yield the broker, when it has come up or the time to wait for that is over."""
        from attune_infra.broker.rabbitmq import RabbitMQ

        with RabbitMQ(self.settings, via=via) as broker:
            if self.wait:
                with patience(self.wait, "RabbitMQ") as wait_for:
                    wait_for(broker.check_http)
                    if via is Via.AMQP:
                        wait_for(broker.check_amqp)
            yield broker

    @contextmanager
    def registry(self) -> Iterator[PostgresRegistry]:
        """Yield the registry; raise `InvalidInput` if none is configured."""
        from attune_infra.registry.workers import PostgresRegistry

        url = self.settings.database_url
        if url is None:
            raise InvalidInput(
                "no database is configured, so there is no registry",
                hint=f"give {DATABASE_URL.flag}, or set {DATABASE_URL.variable}",
            )
        registry = PostgresRegistry(url, timeout=self.timeout, schema=self.settings.schema)
        with patience(self.wait, "PostgreSQL") as wait_for:
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

    def finish(self, command: str, result: Showable, exit_code: ExitCode = ExitCode.DONE) -> NoReturn:
        """Print a result and leave."""
        show(command, result, exit_code, self.output)
        raise typer.Exit(exit_code)
