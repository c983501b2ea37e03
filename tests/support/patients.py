"""Servers that a test breaks, and the fix lines of `doctor`, run as an administrator would."""

from __future__ import annotations

import shlex
import shutil
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import psycopg
import trustme

from attune_infra.broker.http.management import Management
from attune_infra.sandbox import BoundSandbox
from attune_infra.settings import AMQP_URL, CA_FILE, MANAGEMENT_URL
from support.as_a_user import Command, Result
from support.eventually import eventually
from support.plugins import enable_plugins
from support.virtual_host import VirtualHost

Found = dict[str, Any]
PASSWORD = "s3cret"


def findings(result: Result) -> list[Found]:
    """Return the checks of a diagnosis in JSON that are not ok."""
    return [check for check in result.json["checks"] if check["verdict"] != "ok"]


def problems(result: Result) -> list[Found]:
    return [check for check in findings(result) if check["verdict"] == "problem"]


def only_problem(result: Result) -> Found:
    """Return the one problem of a diagnosis."""
    assert result.code == 2, result
    [found] = problems(result)
    return found


@dataclass(frozen=True)
class Patient:
    """A broker that a test may break: its certificates are files of the test."""

    sandbox: BoundSandbox
    folder: Path
    amqps: int
    https: int
    authority: trustme.CA
    topology: Mapping[str, str]
    """The variable that names the topology that this broker allows; empty for the built-in one."""

    @property
    def vhost(self) -> VirtualHost:
        return VirtualHost("/", self.sandbox.amqp_url, self.sandbox.management_url)

    @property
    def plain(self) -> Command:
        return Command({**self.topology, **self.vhost.environment})

    @property
    def with_tls(self) -> Command:
        """The command that uses TLS and trusts the authority."""
        return Command(
            {
                **self.topology,
                AMQP_URL.variable: f"amqps://guest:guest@localhost:{self.amqps}",
                MANAGEMENT_URL.variable: f"https://localhost:{self.https}",
                CA_FILE.variable: str(self.folder / "ca.pem"),
            }
        )

    def present(self, name: str = "localhost", *, days: float = 365, authority: trustme.CA | None = None) -> None:
        """Let the broker present a new certificate."""
        issue(authority or self.authority, self.folder, "server", name, days=days)
        wanted = (self.folder / "server.pem").read_text()
        for port in (self.amqps, self.https):
            eventually(partial(ssl.get_server_certificate, ("localhost", port)), wanted.__eq__)

    def run(self, line: str) -> None:
        """Run a fix line on the broker."""
        program, *words = shlex.split(line)
        if program == "rabbitmq-plugins":
            enable_plugins(self.sandbox, *words[1:])
        else:
            assert program == "rabbitmqctl", line
            self.sandbox.rabbitmqctl(*words, within=180)  # on a busy machine, a minute has been too short


def issue(authority: trustme.CA, folder: Path, file: str, name: str, *, days: float) -> None:
    """Write a certificate that ends in so many days, and its key."""
    issued = authority.issue_cert(name, not_after=datetime.now(UTC) + timedelta(days=days))
    for path, blob in ((f"{file}.pem", issued.cert_chain_pems[0]), (f"{file}-key.pem", issued.private_key_pem)):
        blob.write_to_path(folder / f"{path}.new")
        shutil.move(folder / f"{path}.new", folder / path)


def as_user(vhost: VirtualHost, user: str, password: str = PASSWORD) -> dict[str, str]:
    """Return the environment of a user of a virtual host."""
    parts = urlsplit(vhost.amqp_url)
    netloc = f"{quote(user)}:{password}@{parts.netloc.rpartition('@')[2]}"
    return {**vhost.environment, AMQP_URL.variable: parts._replace(netloc=netloc).geturl()}


def make_user(
    management: Management, vhost: VirtualHost, user: str, *, tags: str, may: tuple[str, str, str]
) -> Command:
    """Make a user with tags and permissions, and return the command as this user."""
    management.put("users", user, body={"password": PASSWORD, "tags": tags})
    configure, write, read = may
    body = {"configure": configure, "write": write, "read": read}
    management.put("permissions", vhost.name, user, body=body)
    return Command(as_user(vhost, user))


def run_sql(database_url: str, *lines: str) -> None:
    """Run SQL as the owner of the database."""
    with psycopg.connect(database_url, autocommit=True) as connection:
        for line in lines:
            connection.execute(line.encode())
