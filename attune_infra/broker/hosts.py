"""The hosts of one broker, tried in turn. Each protocol stays with the host that answered last.

A list is remembered as long as the process runs, so that a dead host costs its wait once, and not in each
connection.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from functools import cache
from typing import TYPE_CHECKING, Final, TypeAlias, TypeVar

from attune_infra.errors import BrokerError, BrokerUnreachable, LoginRefused, VirtualHostMissing

if TYPE_CHECKING:
    from attune_infra.settings import Endpoint

_T = TypeVar("_T")
Failed: TypeAlias = "tuple[Endpoint, BrokerError]"
"""A host, and the reason why it was passed over."""

LOG: Final = logging.getLogger("attune_infra.broker")


class Hosts:
    """The hosts of one URL."""

    def __init__(self, endpoint: Endpoint) -> None:
        self.all = endpoint.hosts
        self.current = self.all[0]
        """The host that answered last, or that is to be tried first."""

    @property
    def others(self) -> Sequence[Endpoint]:
        """The hosts behind the current one, in turn."""
        at = self.all.index(self.current)
        return (*self.all[at + 1 :], *self.all[:at])

    def first_answer(self, ask: Callable[[Endpoint], _T]) -> _T:
        """Return the answer of the first host that gives one.

        Raise `BrokerUnreachable` with the reason of each host if none does. A host that refuses user or virtual
        host has answered: the other nodes of its cluster would refuse them too, and are not asked.
        """
        failed: list[Failed] = []
        for host in (self.current, *self.others):
            try:
                found = ask(host)
            except BrokerUnreachable as error:
                failed.append((host, error))
            except (LoginRefused, VirtualHostMissing) as error:
                raise self.refused_by(host, error) from error
            else:
                self.chosen(host, failed)
                return found
        raise self.no_answer(failed) from failed[-1][1]

    def chosen(self, host: Endpoint, failed: Sequence[Failed]) -> None:
        """Stay with a host that has answered, after others have failed."""
        self.current = host
        for passed, error in failed:
            LOG.info("host %s was passed over: %s", passed.netloc, _reason(passed, error))

    def leave(self, host: Endpoint) -> None:
        """Begin with the next host from now on, if a host was the current one."""
        if host == self.current and self.others:
            self.current = self.others[0]

    def refused_by(self, host: Endpoint, error: BrokerError) -> BrokerError:
        """Return the error for a host that refused a login; it says why no other host was asked."""
        if not self.others:
            return error
        why = "the nodes of a cluster have the same users and virtual hosts, so no other host was asked"
        return type(error)(
            f"{error.sentence} (host {host.netloc})", hint=f"{error.hint}; {why}" if error.hint else why
        )

    def no_answer(self, failed: Sequence[Failed]) -> BrokerError:
        """Return the error for hosts that all failed."""
        if len(failed) == 1:
            return failed[0][1]
        over = "AMQP" if self.current.scheme.startswith("amqp") else "the management API"
        return BrokerUnreachable(
            f"cannot reach {over} at any of {len(failed)} hosts",
            hint=failed[-1][1].hint,
            parts=[f"{host.netloc}: {_reason(host, error)}" for host, error in failed],
        )


@cache
def hosts_of(endpoint: Endpoint) -> Hosts:
    """Return the hosts of a URL: the same ones for every connection of this process."""
    return Hosts(endpoint)


def current(endpoint: Endpoint) -> Endpoint:
    """Return the endpoint of the host that is asked now."""
    return hosts_of(endpoint).current if endpoint.others else endpoint


def host_name(endpoint: Endpoint) -> str | None:
    """Return host and port of the host that is asked now, if there are several."""
    return current(endpoint).netloc if endpoint.others else None


def attempt(endpoint: Endpoint) -> str:
    """Return the beginning of the sentence about a failure to connect."""
    if endpoint.scheme.startswith("amqp"):
        return f"cannot open an AMQP connection to {endpoint.netloc}"
    return f"cannot reach the management API at {endpoint.base_url}"


def is_made_from(cluster: str | None, node: str | None) -> bool:
    """Return True if a node has made up the name of its cluster: from its own name and that of its machine."""
    if not (cluster and node):
        return False
    (name, _, machine), (own_name, _, own_machine) = cluster.partition("@"), node.partition("@")
    return name == own_name and machine.partition(".")[0] == own_machine.partition(".")[0]


def _reason(host: Endpoint, error: BrokerError) -> str:
    """Return the reason of a failure, without the address of the host."""
    return error.sentence.removeprefix(f"{attempt(host)}: ").removeprefix(f"{host.base_url} ")
