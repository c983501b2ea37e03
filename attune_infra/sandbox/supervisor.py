"""The process that owns a sandbox: the servers are its children, and end with it.

It talks with the client that started it over a socket, its standard input. A bound sandbox ends with that client;
a detached one runs until SIGTERM. There is one thread, because Linux ties a child to the thread that started it.
"""

from __future__ import annotations

import os
import selectors
import shutil
import signal
import socket
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from secrets import token_hex
from typing import Final

from attune_infra.errors import SandboxError
from attune_infra.sandbox import postgres, rabbitmq
from attune_infra.sandbox.cluster import Broker, Cluster
from attune_infra.sandbox.conversation import Conversation, Message
from attune_infra.sandbox.folders import Claim, failure_log, folder_of, make_folder, no_place
from attune_infra.sandbox.ports import lost_a_port
from attune_infra.sandbox.processes import DidNotStart, Wait, kill_orphans, poll, reap_orphans, summarize_log
from attune_infra.sandbox.tether import SHARED, adopt_orphans
from attune_infra.sandbox.value import Sandbox, Server
from attune_infra.topology.words import counted

_MAX_ATTEMPTS: Final = 4
_END_TIMEOUT: Final = 10.0

_Service = Broker | postgres.Database


class Cancelled(Exception):
    """The sandbox must end: a signal asked for it, or its client is gone."""


class ServerFailed(SandboxError):
    """A server failed to start; its log says more."""

    def __init__(self, sentence: str, log: Path) -> None:
        super().__init__(sentence, hint=f"see the whole log in {log}")
        self.log = log


class PortTaken(ServerFailed):
    """Another process took a port before the server could listen on it."""


class Watch:
    """Waits that end early with `Cancelled`: after SIGTERM, or after the end of a client that is needed."""

    def __init__(self, client: Conversation, *, bound: bool) -> None:
        self._client = client
        self._needs_client = True
        self._parent = os.getppid() if bound else None
        self._stopping = False
        self._woken, waker = socket.socketpair()
        for end in (self._woken, waker):
            end.setblocking(False)
        self._waker = waker
        signal.set_wakeup_fd(waker.fileno(), warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, self._stop)
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._woken, selectors.EVENT_READ)
        self._selector.register(client, selectors.EVENT_READ)

    def _stop(self, *_: object) -> None:
        self._stopping = True

    def release_client(self) -> None:
        self._selector.unregister(self._client)
        self._client.end()
        self._needs_client = False

    def pause(self, seconds: float) -> None:
        """Wait until a child ends, the client sends something or the time is over."""
        for key, _ in self._selector.select(seconds):
            if key.fileobj is self._woken:
                with suppress(BlockingIOError):
                    self._woken.recv(4096)
            else:
                self._client.listen(within=1.0)
        if self._stopping or (self._needs_client and self._client.over):
            raise Cancelled
        # A forked copy of the client may keep its end of the socket open.
        if self._parent is not None and os.getppid() != self._parent:
            raise Cancelled

    def wait(self, ready: Callable[[], bool], *, within: float) -> bool:
        return poll(ready, within=within, pause=self.pause)


class Supervisor:
    """One sandbox, from its start to its removal."""

    def __init__(self, wanted: Message, client: Conversation, claim: Claim) -> None:
        self._bound = bool(wanted["bound"])
        self._client = client
        self._claim = claim
        self._watch = Watch(client, bound=self._bound)
        self._wait: Wait = self._watch.wait
        self._folder = folder_of(claim.name)
        self._cluster: Cluster | None = None
        self._database: postgres.Database | None = None
        self._root = Path(wanted["rabbitmq_root"]) if wanted["rabbitmq_root"] else None
        self._extra_config = str(wanted["extra_config"])
        self._postgres = bool(wanted["postgres"])
        self._nodes = int(wanted["nodes"])
        self._known: Sandbox | None = None

    def run(self) -> None:
        """Start the servers, answer the client until the sandbox must end, and remove the sandbox."""
        try:
            self._start()
            self._write()
            self._client.send(ready=True)
            if not self._bound:
                self._watch.release_client()
            self._serve()
        except Cancelled:
            pass
        except ServerFailed as error:
            kept = self._keep_log(error.log)
            self._client.send(failed=error.sentence, hint=f"see the whole log in {kept}")
        except SandboxError as error:
            self._client.send(failed=error.sentence, hint=error.hint)
        except OSError as error:
            trouble = no_place(error)
            self._client.send(failed=trouble.sentence, hint=trouble.hint)
        finally:
            self._end()

    def _start(self) -> None:
        broker_folder = self._folder / "rabbitmq"
        if self._root and not broker_folder.is_relative_to(SHARED):
            # The broker cannot see this folder. No other user may guess the name of its own.
            broker_folder = self._root / f"tmp/attune-infra-sandbox-{token_hex(8)}"
        self._claim.sign([self._folder, broker_folder])
        make_folder(self._folder)
        self._cluster = Cluster(
            rabbitmq.find_installation(self._root),
            broker_folder,
            size=self._nodes,
            extra_config=self._extra_config,
            logs=self._folder,
        )
        if self._postgres:
            make_folder(self._folder / "postgresql")
            self._database = postgres.Database(self._folder / "postgresql", log=self._folder / "postgresql.log")
        self._say(f"starting {self._titles()}")
        # The broker takes longest, so start it first and wait for it last.
        for service in self._services:
            self._launch(service, fresh=True)
        if self._database:
            self._finish([self._database])
        self._finish(self._cluster.brokers)

    @property
    def _services(self) -> tuple[_Service, ...]:
        brokers = self._cluster.brokers if self._cluster else ()
        return (*brokers, self._database) if self._database else brokers

    def _titles(self) -> str:
        services = self._services
        cluster = f"{self._nodes} nodes of {_title(services[0])}" if self._nodes > 1 else _title(services[0])
        return " and ".join([cluster, *map(_title, services[self._nodes :])])

    def _say(self, sentence: str) -> None:
        self._client.send(say=sentence)

    def _launch(self, service: _Service, *, fresh: bool) -> None:
        try:
            if fresh:
                service.prepare(self._wait)
            service.launch(self._wait)
        except DidNotStart as error:
            raise self._failure(service, str(error)) from error

    def _finish(self, services: Sequence[_Service]) -> None:
        """Wait until servers are ready; try other ports for all if another process took one of them."""
        for _ in range(_MAX_ATTEMPTS - 1):
            try:
                return self._await_all(services)
            except PortTaken:
                self._say(f"another process took a port of {services[0].title}; trying other ports")
                self._discard(services)
                services[0].change_ports()
                for service in services:
                    self._launch(service, fresh=True)
        return self._await_all(services)

    def _await_all(self, services: Sequence[_Service]) -> None:
        for service in services:
            self._await(service, fresh=True)

    def _discard(self, services: Sequence[_Service]) -> None:
        for service in services:
            service.discard()
        self._wait(lambda: not any(map(_is_alive, services)), within=_END_TIMEOUT)

    def _await(self, service: _Service, *, fresh: bool) -> None:
        def ready() -> bool:
            if failure := service.start_failure:
                raise self._failure(service, failure)
            return service.is_ready()

        if not self._wait(ready, within=service.start_timeout):
            raise self._failure(service, f"was not ready within {service.start_timeout:g} s")
        if fresh and isinstance(service, postgres.Database):
            try:
                service.create_database(self._wait)
            except DidNotStart as error:
                raise self._failure(service, str(error)) from error

    def _keep_log(self, log: Path) -> Path:
        kept = failure_log("bound" if self._bound else self._claim.name, log)
        with suppress(OSError):
            shutil.copyfile(log, kept)
        return kept

    def _failure(self, service: _Service, how: str) -> ServerFailed:
        output = "".join(child.output for child in service.children)
        sentence = f"{_title(service)} {how}\n{summarize_log(output)}".rstrip()
        service.discard()
        self._wait(lambda: service.process is None or service.process.ended is not None, within=_END_TIMEOUT)
        failure = PortTaken if lost_a_port(service.ports.values(), output) else ServerFailed
        return failure(sentence, service.log)

    def _serve(self) -> None:
        while True:
            self._watch.pause(1.0)
            while (request := self._client.next()) is not None:
                self._carry_out(request)
            with suppress(OSError):  # a full disk: the next round tries again
                self._write()
            reap_orphans(self._known_children())

    def _carry_out(self, request: Message) -> None:
        try:
            services = self._chosen(str(request["server"]), request["node"])
            match request["do"]:
                case "start":
                    self._restart(services)
                case "stop":
                    self._end_servers(services, at_once=False)
                case _:
                    self._end_servers(services, at_once=True)
        except SandboxError as error:
            self._client.send(failed=error.sentence, hint=error.hint)
        else:
            with suppress(OSError):
                self._write()
            self._client.send(done=True)

    def _chosen(self, server: str, node: int | None) -> Sequence[_Service]:
        """Return the database, one node of RabbitMQ, or all of them."""
        if server == "broker":
            brokers = self._cluster.brokers if self._cluster else ()
            if node is not None and not 1 <= node <= len(brokers):
                raise SandboxError(f"this sandbox has no node {node}: it has {counted(len(brokers), 'node')}")
            return brokers if node is None else brokers[node - 1 : node]
        if self._database is None:
            raise SandboxError("this sandbox has no database")
        return [self._database]

    def _restart(self, services: Sequence[_Service]) -> None:
        ended = [each for each in services if each.process is None or each.process.ended]
        if ended:
            self._kill_orphans()
        for _ in range(_MAX_ATTEMPTS - 1 if len(ended) > 1 else 0):
            with suppress(ServerFailed):  # nodes of 3.10 that start together may trip over each other
                return self._start_again(ended)
        return self._start_again(ended)

    def _start_again(self, services: Sequence[_Service]) -> None:
        """Start all servers before waiting for any, because the nodes of a cluster wait for each other."""
        for service in services:
            if service.process is None or service.process.ended:
                self._launch(service, fresh=False)
        for service in services:
            self._await(service, fresh=False)

    def _end_servers(self, services: Sequence[_Service], *, at_once: bool) -> None:
        for service in services:
            if at_once:
                service.kill()
            else:
                service.ask_to_stop()
        for service in services:
            self._wait_for_end(service)
        for service in services:
            if isinstance(service, Broker) and not self._wait(service.is_noticed, within=service.stop_timeout):
                raise SandboxError(f"{service.node.name} ended, but other nodes still take it for running")

    def _wait_for_end(self, service: _Service) -> None:
        process = service.process
        if process is None:
            return
        if not self._wait(lambda: process.ended is not None, within=service.stop_timeout):
            service.kill()
            self._wait(lambda: process.ended is not None, within=_END_TIMEOUT)
        self._kill_orphans()

    def _known_children(self) -> frozenset[int]:
        return frozenset(child.pid for service in self._services for child in service.children)

    def _kill_orphans(self) -> None:
        known = self._known_children()
        poll(lambda: kill_orphans(known), within=_END_TIMEOUT)

    def _write(self) -> None:
        found = self._look()
        if found != self._known:
            found.write()
            self._known = found

    def _look(self) -> Sandbox:
        cluster, database = self._cluster, self._database
        assert cluster is not None  # noqa: S101 - for the type checker
        return Sandbox(
            name=self._claim.name,
            bound=self._bound,
            pid=os.getpid(),
            folder=self._folder,
            amqp_url=cluster.url,
            management_url=cluster.management_url,
            database_url=database.url if database else None,
            brokers=tuple(map(_server, cluster.brokers)),
            database=_server(database) if database else None,
            nodes=tuple(each.node for each in cluster.brokers),
        )

    def _end(self) -> None:
        services = self._services
        for service in services:
            service.discard()
        if not poll(lambda: not any(map(_is_alive, services)), within=_END_TIMEOUT):
            for service in services:
                for child in service.children:
                    child.kill()
        self._kill_orphans()
        self._claim.release()


def _title(service: _Service) -> str:
    return f"{service.title} {service.version}".rstrip()


def _is_alive(service: _Service) -> bool:
    return any(child.ended is None for child in service.children)


def _server(service: _Service) -> Server:
    process = service.process
    return Server(
        title=service.title,
        version=service.version,
        pid=process.pid if process else 0,
        ended=process.ended if process else "was never started",
        ports=service.ports,
        log=service.log,
        node=service.node.name if isinstance(service, Broker) else None,
    )


def main() -> None:
    """Read a request from standard input, and run the sandbox."""
    client = Conversation(socket.socket(fileno=os.dup(0)))
    with Path(os.devnull).open("rb") as nothing:
        os.dup2(nothing.fileno(), 0)
    os.umask(0o077)
    wanted = client.wait(within=30.0)
    if wanted is None:
        return
    if not wanted["bound"] and os.fork():
        # The client waits for this process only, and so is never the parent of the other.
        os._exit(0)
    try:
        claim = Claim.take(wanted["name"])
    except SandboxError as error:
        client.send(failed=error.sentence, hint=error.hint)
        return
    if claim is None:
        client.send(taken=True)
        return
    adopt_orphans()
    Supervisor(wanted, client, claim).run()


if __name__ == "__main__":
    main()
