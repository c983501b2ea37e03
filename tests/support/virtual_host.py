"""Virtual hosts for tests."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlsplit

import amqp

from attune_infra.broker.http.management import Management
from attune_infra.settings import AMQP_URL, MANAGEMENT_URL, Settings, resolve


@dataclass(frozen=True)
class VirtualHost:
    """A virtual host of one test; its name has a space, as names may have."""

    name: str
    amqp_url: str
    management_url: str

    def settings(self, **changes: Any) -> Settings:
        flags = {AMQP_URL: self.amqp_url, MANAGEMENT_URL: self.management_url}
        return resolve(flags | changes.pop("flags", {}), {}, **changes)

    def amqp_url_through(self, port: int) -> str:
        """Return the AMQP URL with the port of a proxy on this machine."""
        parts = urlsplit(self.amqp_url)
        return parts._replace(netloc=f"{parts.netloc.rpartition(':')[0]}:{port}").geturl()

    def at(self, amqp: Sequence[int] = (), management: Sequence[int] = ()) -> VirtualHost:
        """Return the virtual host with other ports of this machine for a protocol, each a host of its URL."""
        amqp_url, management_url = self.amqp_url, self.management_url
        if amqp:
            amqp_url = _with_hosts(amqp_url, amqp)
        if management:
            management_url = _with_hosts(management_url, management)
        return VirtualHost(self.name, amqp_url, management_url)

    @property
    def ports(self) -> tuple[int, int]:
        """The ports of AMQP and of the management API."""
        return int(urlsplit(self.amqp_url).port or 0), int(urlsplit(self.management_url).port or 0)

    def client(self, user: str = "guest", password: str | None = None, *, timeout: float = 10) -> amqp.Connection:
        """Connect a plain AMQP client to the first host that answers; the password of guest is guest."""
        *others, last = self._hosts
        for host in others:
            with suppress(amqp.AMQPError, OSError):
                return self._client_of(host, user, password or user, timeout)
        return self._client_of(last, user, password or user, timeout)

    def is_open(self) -> bool:
        """Tell whether each host lets a client in; the nodes of a cluster start a new virtual host one by one."""
        try:
            for host in self._hosts:
                self._client_of(host, "guest", "guest", timeout=10).close()
        except amqp.AMQPError:
            return False
        return True

    @property
    def _hosts(self) -> list[str]:
        return urlsplit(self.amqp_url).netloc.rpartition("@")[2].split(",")

    def _client_of(self, host: str, user: str, password: str, timeout: float) -> amqp.Connection:
        connection = amqp.Connection(
            host,
            userid=user,
            password=password,
            virtual_host=self.name,
            connect_timeout=timeout,
            read_timeout=timeout,
        )
        try:
            connection.connect()
        except (amqp.AMQPError, OSError):
            connection.collect()  # py-amqp leaves the socket open
            raise
        return connection

    @property
    def environment(self) -> dict[str, str]:
        return {AMQP_URL.variable: self.amqp_url, MANAGEMENT_URL.variable: self.management_url}


def _with_hosts(url: str, ports: Sequence[int]) -> str:
    parts = urlsplit(url)
    user, at, _ = parts.netloc.rpartition("@")
    return parts._replace(netloc=user + at + ",".join(f"127.0.0.1:{port}" for port in ports)).geturl()


@contextmanager
def create_virtual_host(beside: VirtualHost, name: str) -> Iterator[VirtualHost]:
    """Yield another virtual host of the same broker, for as long as the block lasts."""
    base = beside.amqp_url.rpartition("/")[0]
    created = VirtualHost(name, f"{base}/{quote(name, safe='')}", beside.management_url)
    management = Management(beside.settings())
    management.put("vhosts", name, body={})
    try:
        yield created
    finally:
        management.delete("vhosts", name)
        management.close()
