"""A sandbox, as its users see it."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from urllib.parse import urlsplit

import amqp
import psycopg
import pytest

from attune_infra.errors import SandboxError
from attune_infra.sandbox import Sandbox, Status, find, running
from attune_infra.settings import resolve

ProcessesOf = Callable[[Sandbox], frozenset[int]]


def test_everything_answers(sandbox: Sandbox) -> None:
    assert sandbox.database_url is not None
    with amqp.Connection(urlsplit(sandbox.amqp_url).netloc.rpartition("@")[2]) as broker:
        assert broker.server_properties["product"] == "RabbitMQ"
    with psycopg.connect(sandbox.database_url) as database:
        assert database.info.dbname == "attune"
    assert _overview(sandbox)["rabbitmq_version"] == sandbox.broker.version


def _overview(sandbox: Sandbox) -> dict[str, object]:
    passwords = urllib.request.HTTPPasswordMgrWithDefaultRealm()
    passwords.add_password(None, sandbox.management_url, "guest", "guest")
    opener = urllib.request.build_opener(urllib.request.HTTPBasicAuthHandler(passwords))
    with opener.open(f"{sandbox.management_url}/api/overview", timeout=10) as answer:
        overview = json.load(answer)
    assert isinstance(overview, dict)
    return overview


def test_the_program_finds_it_by_the_environment(sandbox: Sandbox) -> None:
    settings = resolve({}, sandbox.environment())

    assert settings.amqp.port == sandbox.broker.ports["amqp"]
    assert settings.management.base_url == sandbox.management_url
    assert settings.database_url == sandbox.database_url


def test_others_find_it_by_name(sandbox: Sandbox) -> None:
    found = find(sandbox.name)

    assert found is not None
    assert found in running()
    assert found.status is Status.RUNNING
    assert found.environment() == sandbox.environment()


def test_it_listens_on_loopback_only(sandbox: Sandbox, processes_of: ProcessesOf) -> None:
    addresses = set(_listening(processes_of(sandbox)))

    assert {port for _, port in addresses} == {
        port for server in sandbox.servers for port in server.ports.values()
    }
    # 127.0.0.1, and ::1 which Erlang's port mapper adds, as the kernel writes them.
    assert {address for address, _ in addresses} <= {"0100007F", "0" * 24 + "01000000"}


def _open_files(process: int) -> Iterator[str]:
    """Yield the open files of a process; those that it closes meanwhile, or all if it ends, are left out."""
    with suppress(FileNotFoundError):
        for link in Path(f"/proc/{process}/fd").iterdir():
            with suppress(FileNotFoundError):
                yield str(link.readlink())


def _listening(processes: frozenset[int]) -> Iterator[tuple[str, int]]:
    sockets = {link for pid in processes for link in _open_files(pid)}
    for table in ("tcp", "tcp6"):
        for line in Path(f"/proc/net/{table}").read_text(encoding="ascii").splitlines()[1:]:
            _, local, _, state, *_, inode = line.split()[:10]
            if state == "0A" and f"socket:[{inode}]" in sockets:
                address, port = local.split(":")
                yield address, int(port, 16)


def test_no_secret_is_told(sandbox: Sandbox, processes_of: ProcessesOf) -> None:
    assert sandbox.database_url is not None
    password = urlsplit(sandbox.database_url).password
    cookie = (sandbox.node.folder / ".erlang.cookie").read_text(encoding="ascii")
    told = repr(sandbox) + "".join(
        Path(f"/proc/{pid}/cmdline").read_text(encoding="utf-8") for pid in processes_of(sandbox)
    )

    assert password
    assert password not in told
    assert cookie not in told
    assert (sandbox.folder / "state.json").stat().st_mode & 0o077 == 0


def test_the_machines_own_configuration_is_not_read(sandbox: Sandbox) -> None:
    assert str(sandbox.node.folder / "rabbitmq.conf") in sandbox.rabbitmqctl("status")
    assert "/etc/rabbitmq" not in sandbox.rabbitmqctl("environment")


def test_rabbitmqctl_speaks_to_this_broker(sandbox: Sandbox) -> None:
    assert sandbox.node.name in sandbox.rabbitmqctl("cluster_status")


def test_rabbitmqctl_complains_in_its_own_words(sandbox: Sandbox) -> None:
    with pytest.raises(SandboxError, match=r"`rabbitmqctl delete_user` failed[\s\S]*nobody_of_that_name"):
        sandbox.rabbitmqctl("delete_user", "nobody_of_that_name")


def test_a_sandbox_of_an_earlier_release_is_read(sandbox: Sandbox, tmp_path: Path) -> None:
    state = json.loads((sandbox.folder / "state.json").read_text(encoding="utf-8"))
    [broker], [node] = state.pop("brokers"), state.pop("nodes")
    del broker["node"]
    earlier = {**state, "broker": broker, "node": node, "of another release": 1}
    (tmp_path / "state.json").write_text(json.dumps(earlier), encoding="utf-8")

    read = Sandbox.read(tmp_path)

    assert read is not None
    # The present process: other tests restart the broker.
    assert (read.broker.pid, read.node, read.amqp_url) == (broker["pid"], sandbox.node, sandbox.amqp_url)
