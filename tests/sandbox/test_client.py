"""The start and the end of a sandbox, after which nothing of it remains."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from secrets import token_hex
from urllib.parse import urlsplit

import amqp
import psycopg
import pytest

from attune_infra.errors import SandboxError
from attune_infra.sandbox import BoundSandbox, Sandbox, Status, client, down, find, up
from support.eventually import eventually

ProcessesOf = Callable[[Sandbox], frozenset[int]]


@pytest.fixture
def name() -> Iterator[str]:
    name = f"test-{token_hex(4)}"
    yield name
    down(name)


def test_two_at_once_share_one_and_it_ends_with_its_supervisor(name: str, processes_of: ProcessesOf) -> None:
    program = f"from attune_infra.sandbox import up; print(up({name!r}).amqp_url)"
    both = [_python(program) for _ in range(2)]
    urls = {process.communicate(timeout=60)[0] for process in both}
    sandbox = find(name)

    assert sandbox is not None
    assert urls == {f"{sandbox.amqp_url}\n"}
    assert len(processes_of(sandbox)) > 3

    os.kill(sandbox.pid, signal.SIGKILL)

    eventually(lambda: processes_of(sandbox), lambda left: not left)
    assert find(name) is None
    assert not down(name)
    assert not sandbox.folder.exists()


def test_it_takes_other_ports_if_some_are_lost_and_goes_down(
    name: str, processes_of: ProcessesOf, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The ports of the first attempt are in use: here those of the port mapper and of the database."""
    supervisor = tmp_path / "supervisor.py"
    supervisor.write_text(_UNLUCKY, encoding="utf-8")
    monkeypatch.setattr(client, "_SUPERVISOR", (sys.executable, str(supervisor)))
    said: list[str] = []

    sandbox = up(name, say=said.append)

    assert sandbox.status is Status.RUNNING
    assert [line.split()[6].strip(";") for line in said if "took a port" in line] == ["PostgreSQL", "RabbitMQ"]
    assert down(name)
    assert not sandbox.folder.exists()
    eventually(lambda: processes_of(sandbox), lambda left: not left)


_UNLUCKY = """
import socket
from attune_infra.sandbox import postgres, rabbitmq, supervisor
from attune_infra.sandbox.ports import free_ports

taken = socket.create_server(("127.0.0.1", 0))
used = set()

def unlucky(count):
    ports = list(free_ports(count))
    if count not in used:
        used.add(count)
        ports[0] = taken.getsockname()[1]
    return tuple(ports)

postgres.free_ports = rabbitmq.free_ports = unlucky
supervisor.main()
"""


def test_a_bound_one_ends_with_its_process(processes_of: ProcessesOf) -> None:
    program = "from attune_infra.sandbox import bound\nwith bound() as it: print(it.name, flush=True), input()"
    with _python(program, stdin=subprocess.PIPE) as process:
        assert process.stdout
        name = process.stdout.readline().strip()
        sandbox = find(name)
        assert sandbox is not None
        assert sandbox.bound

        process.kill()

    eventually(lambda: (processes_of(sandbox), sandbox.folder.exists()), lambda left: not any(left))
    assert find(name) is None


def test_servers_crash_and_come_back_with_their_data(sandbox: BoundSandbox) -> None:
    assert sandbox.database_url is not None
    name = f"kept_{token_hex(4)}"
    with _channel(sandbox) as channel:
        channel.queue_declare(name, durable=True, auto_delete=False)
    with psycopg.connect(sandbox.database_url) as database:
        database.execute(f"CREATE TABLE {name} (id int)".encode())

    sandbox.kill_broker()
    os.kill(_look(sandbox).servers[1].pid, signal.SIGKILL)

    found = eventually(lambda: _look(sandbox), lambda found: found.status is Status.STOPPED)
    assert {server.ended for server in found.servers} == {"was killed by SIGKILL"}
    with pytest.raises(psycopg.OperationalError):
        psycopg.connect(sandbox.database_url)

    sandbox.start_database()
    assert _look(sandbox).status is Status.PARTLY
    sandbox.start_broker()

    assert _look(sandbox).status is Status.RUNNING
    with _channel(sandbox) as channel:
        channel.queue_delete(name)
    with psycopg.connect(sandbox.database_url) as database:
        database.execute(f"DROP TABLE {name}".encode())


def test_a_database_stops_in_good_order(sandbox: BoundSandbox) -> None:
    sandbox.stop_database()

    assert _look(sandbox).servers[1].ended == "ended with exit code 0"

    sandbox.start_database()
    assert _look(sandbox).status is Status.RUNNING


@contextmanager
def _channel(sandbox: Sandbox) -> Iterator[amqp.Channel]:
    with amqp.Connection(urlsplit(sandbox.amqp_url).netloc.rpartition("@")[2]) as connection:
        yield connection.channel()


def _look(sandbox: Sandbox) -> Sandbox:
    found = find(sandbox.name)
    assert found is not None
    return found


def test_a_failed_start_says_why_and_leaves_only_the_log(name: str) -> None:
    with pytest.raises(SandboxError) as caught:
        up(name, postgres=False, extra_config="no.such.setting = 1")

    assert "no.such.setting" in caught.value.sentence
    assert caught.value.hint is not None
    log = Path(caught.value.hint.split()[-1])
    assert "no.such.setting" in log.read_text(encoding="utf-8")
    assert [path.name for path in log.parent.glob(f"{name}*")] == [log.name]


def test_names_are_checked() -> None:
    with pytest.raises(SandboxError, match=r"a sandbox cannot have the name '\.\./etc'"):
        find("../etc")


def test_there_is_none_until_there_is() -> None:
    assert find("never-started") is None
    assert not down("never-started")


def _python(program: str, stdin: int = subprocess.DEVNULL) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", program], stdin=stdin, stdout=subprocess.PIPE, stderr=None, text=True
    )
