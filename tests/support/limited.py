"""Users of RabbitMQ with exactly the permissions that a test gives them."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from secrets import token_hex
from urllib.parse import quote

import amqp

from attune_infra.broker.http.management import Management
from attune_infra.errors import VirtualHostMissing
from attune_infra.topology.facts.permissions import Access, Right
from attune_infra.topology.model import Argument
from attune_infra.topology.permissions.lacks import pattern_for
from support.virtual_host import VirtualHost

PASSWORD = "s3cret"
OTHERS = "^nothing else$"
"""A pattern for no name and no routing key that a test uses."""


@dataclass(frozen=True)
class LimitedUser:
    """A user of the broker, for one virtual host."""

    name: str
    vhost: VirtualHost
    management: Management

    @property
    def amqp_url(self) -> str:
        return self.vhost.amqp_url.replace("guest:guest", self._login)

    @property
    def management_url(self) -> str:
        return self.vhost.management_url.replace("://", f"://{self._login}@")

    @property
    def _login(self) -> str:
        return f"{quote(self.name)}:{PASSWORD}"

    def may(self, rights: Iterable[Right] | None, *, tags: Iterable[str] = (), topics: Sequence[str] = ()) -> None:
        """Give the user exactly these rights and tags; None keeps it out of the virtual host.

        The user has topic permissions on the exchanges in `topics`, and only there.
        """
        http, vhost = self.management, self.vhost.name
        http.put("users", self.name, body={"password": PASSWORD, "tags": ",".join(tags)})
        if rights is None:
            with suppress(VirtualHostMissing):  # it was not there
                http.delete("permissions", vhost, self.name)
            return
        given = list(rights)
        with suppress(VirtualHostMissing):  # a 404: it has none
            http.delete("topic-permissions", vhost, self.name)
        names: dict[str, Argument] = {access: pattern_for(_names(given, access)) for access in Access}
        http.put("permissions", vhost, self.name, body=names)
        for exchange in topics:
            keys: dict[str, Argument] = {"exchange": exchange}
            for access in (Access.WRITE, Access.READ):
                keys[access] = pattern_for(_keys(given, access, exchange), OTHERS)
            http.put("topic-permissions", vhost, self.name, body=keys)

    def obey(self, line: str) -> None:
        """Do what a line of `rabbitmqctl` does, over HTTP, which is faster."""
        program, command, *words = shlex.split(line)
        assert program == "rabbitmqctl"
        http = self.management
        match (command, *words):
            case ("set_user_tags", self.name, *tags):
                http.put("users", self.name, body={"password": PASSWORD, "tags": ",".join(tags)})
            case ("set_permissions", "-p", self.vhost.name, self.name, configure, write, read):
                body = {"configure": configure, "write": write, "read": read}
                http.put("permissions", self.vhost.name, self.name, body=body)
            case ("set_topic_permissions", "-p", self.vhost.name, self.name, exchange, write, read):
                body = {"exchange": exchange, "write": write, "read": read}
                http.put("topic-permissions", self.vhost.name, self.name, body=body)
            case _:
                raise AssertionError(f"this line is about something else: {line}")

    def client(self) -> amqp.Connection:
        """Connect a plain AMQP client."""
        return self.vhost.client(self.name, PASSWORD)


@contextmanager
def limited_user(vhost: VirtualHost, management: Management, name: str = "limited") -> Iterator[LimitedUser]:
    """Yield a user without any permission, for as long as the block lasts."""
    user = LimitedUser(f"{name} {token_hex(3)}", vhost, management)
    management.put("users", user.name, body={"password": PASSWORD, "tags": ""})
    management.put("permissions", vhost.name, user.name, body={"configure": "", "write": "", "read": ""})
    try:
        yield user
    finally:
        management.delete("users", user.name)


def _names(rights: Iterable[Right], access: Access) -> list[str]:
    return [right.name for right in rights if right.access is access and right.routing_key is None]


def _keys(rights: Iterable[Right], access: Access, exchange: str) -> list[str]:
    return [
        right.routing_key
        for right in rights
        if right.access is access and right.name == exchange and right.routing_key is not None
    ]
