"""A broker, as scripts use it: read, plan, apply, verify."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import TracebackType
from typing import Literal

from attune_infra.api.results import Plan, Report, Verification, consent_to, report_of, verification_of
from attune_infra.api.topology import Topology
from attune_infra.broker.rabbitmq import RabbitMQ
from attune_infra.errors import InvalidInput, PlanRefused, WrongTarget
from attune_infra.operations import setup, verify
from attune_infra.operations.secrets import with_secrets
from attune_infra.operations.wait import wait_for
from attune_infra.settings import (
    AMQP_URL,
    CA_FILE,
    CERT_FILE,
    CONNECTION,
    EXPECT_CLUSTER,
    KEY_FILE,
    MANAGEMENT_URL,
    Expectation,
    Setting,
    Via,
    resolve,
)
from attune_infra.topology import model
from attune_infra.topology.planning.consent import DEFAULT_THRESHOLD, refuse_excess
from attune_infra.topology.planning.virtual_host import as_release_takes_it
from attune_infra.topology.verify import Demands


class Broker:
    """One virtual host of a RabbitMQ; `connect` makes one, and `with` closes its connections.

    Each method may raise a `BrokerError`: `BrokerUnreachable`, `LoginRefused`, `AccessRefused` and others.
    """

    def __init__(self, rabbitmq: RabbitMQ) -> None:
        self._rabbitmq = rabbitmq

    def __enter__(self) -> Broker:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._rabbitmq.__exit__(kind, value, trace)

    def close(self) -> None:
        """Close the connections, as the end of a `with` block does."""
        self._rabbitmq.__exit__(None, None, None)

    @property
    def version(self) -> str:
        """The version of RabbitMQ."""
        return self._rabbitmq.check_http()

    @property
    def cluster(self) -> str | None:
        """The name of the cluster."""
        return self._rabbitmq.target().cluster

    def read(self) -> Topology:
        """Return the objects of the virtual host, without RabbitMQ's own, private ones, limits and permissions."""
        return Topology(self._rabbitmq.read())

    def plan(self, want: Topology, *, prune: bool = False) -> Plan:
        """Return the plan that `attune-infra diff` shows; nothing is changed.

        With `prune`, it also deletes undeclared objects whose names the document manages. Raise `WrongTarget` if
        the document is made for another cluster or another virtual host.
        """
        value = with_secrets(want._value)  # noqa: SLF001 # the API is one room
        self._insist_on_target(value)
        have = self._rabbitmq.read(controls=value.control_kinds)
        value, _ = as_release_takes_it(value, have)
        return Plan(setup.make_plan(self._rabbitmq, have, value, prune=prune), have, value)

    def apply(
        self,
        plan: Plan,
        *,
        allow: str | Iterable[str] = (),
        max_deletes: str = DEFAULT_THRESHOLD,
        expect: str | None = None,
    ) -> Report:
        """Make the changes of a plan and return the outcome of every wanted object, as read back afterwards.

        Nothing is deleted, and no policy is set that can lose something, unless `allow` is or has its selector:
        `queue:orders` or `exchange:old.*`, for instance; `*` allows all. `max_deletes` is a number, or a share of
        all objects. A protected connection wants the plan's digest as `expect`.

        Raise `PlanRefused` if more would be deleted or `expect` is another digest, `RequestRefused` or
        `FeatureDenied` if RabbitMQ is certain to refuse an object, and `InvalidInput` if neither `connect` nor a
        setting names the broker. Nothing was changed then.
        """
        inner, want = plan._plan, plan._want  # noqa: SLF001 # the API is one room
        consent = consent_to(allow, want, max_deletes)
        inner.insist_on(expect, again="Broker.plan")
        inner.check_possible()
        refuse_excess(inner.excess(consent))
        if inner.changes:
            self._insist_on_target(want)
            self._insist_on_permission(expect)
        return report_of(setup.apply_plan(inner, self._rabbitmq, want, consent=consent))

    def verify(
        self, want: Topology, *, workers: Iterable[int] = (), require_consumers: bool = False, strict: bool = False
    ) -> Verification:
        """Return the checks of `attune-infra verify`, also of the queues of these workers.

        A broker that does not answer is a result. With `strict`, undeclared objects fail.
        """
        demands = Demands(worker_ids=tuple(workers), require_consumers=require_consumers, strict=strict)
        return verification_of(verify.verify(self._rabbitmq, want._value, demands))  # noqa: SLF001 # one room

    def _insist_on_target(self, want: model.Topology) -> None:
        """Raise `WrongTarget` if the settings or the document expect another cluster or virtual host."""
        target = self._rabbitmq.target()
        target.insist_on(self._expected(want))
        if want.virtual_host is not None and want.virtual_host.name != target.virtual_host:
            raise WrongTarget(
                f"the topology is for virtual host '{want.virtual_host.name}', and this connection is to"
                f" '{target.virtual_host}'; nothing was changed",
                hint="connect to the virtual host that the topology names",
            )

    def _expected(self, want: model.Topology) -> Iterator[Expectation]:
        yield from self._rabbitmq.settings.expected
        if want.demands.cluster:
            yield Expectation(want.demands.cluster, f"`expect_cluster` of topology '{want.name}'")

    def _insist_on_permission(self, expect: str | None) -> None:
        settings = self._rabbitmq.settings
        if not (settings.amqp_is_named or settings.management_is_named):
            raise InvalidInput(
                "no broker is named, so nothing was changed: changes never fall back to localhost",
                hint=f"give connect() a URL or a connection, or set {AMQP_URL.variable}",
            )
        if expect is None and (settings.protected or self.cluster in settings.protected_clusters):
            raise PlanRefused(
                f"cluster {self.cluster} is protected; nothing was changed",
                hint="give the plan's digest as `expect`",
            )


def connect(
    url: str | None = None,
    *,
    management_url: str | None = None,
    connection: str | None = None,
    expect_cluster: str | None = None,
    ca_file: str | None = None,
    cert_file: str | None = None,
    key_file: str | None = None,
    config: str | os.PathLike[str] | None = None,
    timeout: float = 10.0,
    wait: float = 0.0,
    via: Literal["amqp", "http"] = "amqp",
) -> Broker:
    """Return a broker that has answered: `amqp://USER:PASSWORD@HOST:5672/VHOST`, or `amqps://`.

    Both URLs may list the nodes of a cluster: `HOST1:5672,HOST2:5672`.

    Each argument is an option of the command line. Without it, the value comes from the environment, or from the
    file `config`. `timeout` and `wait` are seconds: for one answer, and for a broker that is starting.

    Raise `InvalidInput` for a setting that is wrong, `BrokerError` if the broker does not answer or refuses the
    login, and `WrongTarget` if it is not the expected cluster.
    """
    flags: dict[Setting, str | None] = {
        AMQP_URL: url,
        MANAGEMENT_URL: management_url,
        CONNECTION: connection,
        EXPECT_CLUSTER: expect_cluster,
        CA_FILE: ca_file,
        CERT_FILE: cert_file,
        KEY_FILE: key_file,
    }
    settings = resolve(flags, os.environ, config=Path(config) if config else None, timeout=timeout)
    return _meet(RabbitMQ(settings, via=Via(via)), wait)


def _meet(rabbitmq: RabbitMQ, wait: float) -> Broker:
    """Return a broker that has answered, and is the expected one."""
    try:
        target = wait_for(rabbitmq.target, seconds=wait)
        target.insist_on(rabbitmq.settings.expected)
    except BaseException:
        rabbitmq.__exit__(None, None, None)
        raise
    return Broker(rabbitmq)
