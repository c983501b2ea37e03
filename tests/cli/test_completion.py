"""Completion: the words that a shell offers, taken from the right place, at once and in silence."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import amqp
import pytest

from attune_infra.cli._completion import Typed, for_bash, split
from attune_infra.cli._completion_scripts import SCRIPTS
from support import shells
from support.as_a_user import Command
from support.eventually import eventually
from support.virtual_host import VirtualHost

BREAKS = " \t\n\"'@><=;|&(:"
EVIL = "evil $(touch pwned) `touch pwned` \"x\" 'y' \\;"


def offered(command: Command, line: str, *, shell: str = "zsh", folder: Path | None = None) -> list[str]:
    """Return the answer to a shell: what else to offer, then the words with their explanations."""
    asked = {
        "_ATTUNE_INFRA_COMPLETE": shell,
        "_ATTUNE_INFRA_LINE": f"attune-infra {line}",
        "_ATTUNE_INFRA_BREAKS": BREAKS,
    }
    result = command(environment=asked, folder=folder)
    assert (result.code, result.stderr) == (0, "")
    return result.lines


def come_to(read: Callable[[], list[str]], wanted: list[str]) -> None:
    """Ask until an answer comes in time: one that takes a busy machine too long is empty."""
    eventually(read, lambda found: found == wanted, within=30)


def words(command: Command, line: str, *, folder: Path | None = None) -> list[str]:
    _, *lines = offered(command, line, folder=folder)
    return [each.partition("\t")[0] for each in lines]


@pytest.mark.any_broker
@pytest.mark.parametrize(
    ("line", "wanted"),
    [
        ("se", ["setup"]),
        ("worker en", ["enlist"]),
        ("no-such ", []),
        ("setup --dry", ["--dry-run"]),
        ("setup --via ", ["amqp", "http"]),
        ("setup --via h", ["http"]),
        ("setup --via=h", ["--via=http"]),
        ("setup 'a b.yaml' --via h", ["http"]),
        ("setup --topology at", ["attune"]),
        ("topology show ", ["attune"]),
        ("lint --select AI01", ["AI010", "AI011", "AI012"]),
        ("lint --select AI010,AI01", ["AI010,AI011", "AI010,AI012"]),
        ("lint --explain al", ["all"]),
        ("lint --broker-version 4.", ["4.0", "4.1", "4.2", "4.3"]),
        ("lint --fail-on ", ["error", "warning", "info"]),
        ("trace attune.e", ["attune.events", "attune.executions"]),
        ("trace attune.events x --expect attune.d", ["attune.dlx.queue"]),
        ("graph --highlight 'attune.n", ["attune.notifications"]),
        ("graph --focus attune.n", ["attune.notifications.queue"]),
        ("graph --group ", ["exchange", "prefix", "none"]),
        ("doctor worker reg", ["register"]),
        ("doctor se", ["setup"]),
        ("help worker disp", ["dispatch"]),
        ("help conn", ["connections", "connection"]),
        ("completion ", ["bash", "zsh", "fish"]),
        ("--vers", ["--version"]),
        ("worker run --prefetch ", []),
        ("sandbox run -- --", []),
        ("setup --allow-destructive q", ["queue:"]),
        ("worker list --id ", []),
        ("setup --allow-destructive queue:", []),
    ],
)
def test_words_without_a_server(attune_infra_alone: Command, line: str, wanted: list[str]) -> None:
    found = words(attune_infra_alone, line)

    assert set(wanted) <= set(found) if "AI" in line else found == wanted


@pytest.mark.any_broker
@pytest.mark.parametrize(
    ("line", "more"),
    [
        ("setup ", "files"),
        ("setup --config ", "files"),
        ("setup --topology ", "files"),
        ("lint a.yaml ", "files"),
        ("sandbox up --rabbitmq-root ", "folders"),
        ("setup --allow-destructive ", "nospace"),
        ("setup --via ", ""),
        ("worker run --name ", ""),
    ],
)
def test_files_are_left_to_the_shell(attune_infra_alone: Command, line: str, more: str) -> None:
    assert (offered(attune_infra_alone, line) or [""])[0] == more


@pytest.mark.any_broker
def test_an_option_is_explained_and_offered_once(attune_infra_alone: Command) -> None:
    _, *lines = offered(attune_infra_alone, "setup --yes --")

    assert "--prune\tAlso delete undeclared objects whose names the document manages." in lines
    assert [line for line in lines if line.startswith("--yes")] == []
    assert any(line.startswith("--allow-destructive") for line in lines)


@pytest.mark.any_broker
def test_connections_of_the_configuration_file(attune_infra_alone: Command, tmp_path: Path) -> None:
    config = tmp_path / "config.yaml"
    config.write_text("connections: {staging: {url: 'amqp://h'}, production: {url: 'amqp://h'}}")

    assert words(attune_infra_alone, f"diff --config {config} --connection ") == ["staging", "production"]
    config.write_text("connections: [")
    assert words(attune_infra_alone, f"diff --config {config} --connection ") == []


@pytest.mark.any_broker
def test_no_password_command_is_run(attune_infra_alone: Command, vhost: VirtualHost, tmp_path: Path) -> None:
    ran, config = tmp_path / "ran", tmp_path / "config.yaml"
    url = vhost.amqp_url.replace("guest:guest@", "guest@")
    config.write_text(f"connections: {{a: {{url: '{url}', password_command: 'touch {ran}'}}}}")
    line = f"setup --config {config} --connection a --allow-destructive exchange:amq.d"

    assert words(attune_infra_alone, line) == []
    assert not ran.exists()


@pytest.mark.any_broker
def test_names_on_the_broker(attune_infra: Command, channel: amqp.Channel) -> None:
    for queue in ("orders.new", "orders.old", "other"):
        channel.queue_declare(queue, durable=True, auto_delete=False)

    assert words(attune_infra, "setup --allow-destructive queue:orders.") == [
        "queue:orders.new",
        "queue:orders.old",
    ]
    come_to(
        lambda: words(attune_infra, "setup --allow-destructive exchange:amq.d"),
        ["exchange:amq.direct"],
    )
    come_to(lambda: words(attune_infra, "trace --live amq.t"), ["amq.topic"])
    come_to(lambda: words(attune_infra, "trace --live amq.topic k --expect ot"), ["other"])
    come_to(lambda: words(attune_infra, "worker run --dead-letter-exchange amq.f"), ["amq.fanout"])


@pytest.mark.any_broker
def test_ids_and_names_of_workers(attune_infra_with_registry: Command, attune_infra: Command) -> None:
    run = attune_infra_with_registry
    assert run("registry", "init").code == run("worker", "register", "--name", "worker-a").code == 0

    come_to(lambda: offered(run, "worker verify --id ")[1:], ["1\tworker-a"])
    come_to(lambda: offered(run, "worker deregister --name w")[1:], ["worker-a\tworker 1"])
    assert words(run, "worker list --worker 2") == []

    assert attune_infra("worker", "provision", "--id", "17").code == 0
    come_to(lambda: words(attune_infra, "worker deprovision --id "), ["17"])


@pytest.mark.any_broker
def test_sandboxes(attune_infra: Command) -> None:
    lines = [line for line in attune_infra("sandbox", "status").lines if line.startswith("sandbox ")]
    listed = [line.split()[1].rstrip(":") for line in lines]

    assert set(listed) <= set(words(attune_infra, "sandbox down --name "))


@contextmanager
def trickling() -> Iterator[str]:
    """Yield the URL of a server that sends a byte from time to time, for ever."""
    ended = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(10)

        def serve() -> None:
            with suppress(OSError):
                line, _ = server.accept()
                with line:
                    line.sendall(b"HTTP/1.1 200 OK\r\n")
                    while not ended.wait(0.2):  # slower than an answer, quicker than the time-out of a read
                        line.sendall(b"x")

        thread = threading.Thread(target=serve)
        thread.start()
        yield f"http://127.0.0.1:{server.getsockname()[1]}"
        ended.set()
        thread.join()


@pytest.mark.any_broker
def test_a_slow_broker_is_not_waited_for(attune_infra_alone: Command) -> None:
    with trickling() as url:
        line = f"setup --management-url {url} --via http --allow-destructive queue:"
        assert words(attune_infra_alone, line) == []
        assert (
            words(attune_infra_alone, "setup --management-url http://127.0.0.1:1 --allow-destructive queue:") == []
        )


@pytest.mark.parametrize(
    ("line", "typed"),
    [
        ("attune-infra", Typed((), "")),
        ("attune-infra ", Typed((), "")),
        ("attune-infra a b", Typed(("a",), "b")),
        ("attune-infra a b ", Typed(("a", "b"), "")),
        (r"attune-infra a\ b", Typed((), "a b")),
        ("attune-infra 'a b", Typed((), "a b", "'")),
        ('attune-infra x "a b', Typed(("x",), "a b", '"')),
        ("attune-infra x 'a b' ", Typed(("x", "a b"), "")),
        ("attune-infra x '", Typed(("x",), "", "'")),
        ("attune-infra x\\", Typed((), "x")),
        ("", Typed((), "")),
    ],
)
def test_a_line_is_split_as_a_shell_does(line: str, typed: Typed) -> None:
    assert split(line) == typed


def test_words_for_bash_are_quoted_and_cut() -> None:
    assert [*for_bash([EVIL], Typed((), "ev"), BREAKS)] == [
        r"evil\ \$\(touch\ pwned\)\ \`touch\ pwned\`\ \"x\"\ \'y\'\ \\\;"
    ]
    assert [*for_bash(["queue:a b"], Typed((), "queue:a"), BREAKS)] == [r"a\ b"]
    assert [*for_bash(["queue:a b"], Typed((), "queue:a", "'"), BREAKS)] == ["queue:a b"]
    assert [*for_bash(["it's"], Typed((), "i", "'"), BREAKS)] == []


@pytest.mark.any_broker
@pytest.mark.parametrize("shell", [*SCRIPTS])
def test_the_script_is_printed(attune_infra_alone: Command, shell: str) -> None:
    assert attune_infra_alone("completion", shell).stdout == SCRIPTS[shell]


@pytest.mark.any_broker
@pytest.mark.parametrize("shell", ["bash", "zsh"])
@pytest.mark.parametrize(
    ("typed", "wanted"),
    [
        ("set", ["setup"]),
        ("worker enl", ["worker", "enlist"]),
        ("setup --via h", ["setup", "--via", "http"]),
        ("setup --via=h", ["setup", "--via=http"]),
        ("setup --allow-destructive qu", ["setup", "--allow-destructive", "queue:"]),
        ("setup only-f", ["setup", "only-file.yaml"]),
        ("setup --config=only-f", ["setup", "--config=only-file.yaml"]),
        ("setup --topology on", ["setup", "--topology", "only-file.yaml"]),
        ("sandbox up --rabbitmq-root som", ["sandbox", "up", "--rabbitmq-root", "some-folder"]),
        ("setup --allow-destructive queue:orders.", ["setup", "--allow-destructive", "queue:orders.new"]),
        ("setup --allow-destructive queue:ev", ["setup", "--allow-destructive", f"queue:{EVIL}"]),
    ],
)
def test_a_shell_completes(
    channel: amqp.Channel, vhost: VirtualHost, tmp_path: Path, *, shell: str, typed: str, wanted: list[str]
) -> None:
    if not shells.has(shell):
        pytest.skip(f"{shell} is not installed")
    (tmp_path / "only-file.yaml").touch()
    (tmp_path / "some-folder").mkdir()
    for queue in ("orders.new", EVIL):
        channel.queue_declare(queue, durable=True, auto_delete=False)

    def complete() -> list[str]:
        completed = shells.complete_in(shell, typed, vhost.environment, tmp_path)
        return [word.removesuffix("/") for word in completed]

    come_to(complete, wanted)
    assert not (tmp_path / "pwned").exists()


@pytest.mark.any_broker
@pytest.mark.skipif(not shells.has("fish"), reason="fish is not installed")
def test_fish_completes(vhost: VirtualHost, channel: amqp.Channel, tmp_path: Path) -> None:
    (tmp_path / "only-file.yaml").touch()
    channel.queue_declare(EVIL, durable=True, auto_delete=False)

    def ask(line: str) -> list[str]:
        return shells.fish_candidates(line, vhost.environment, tmp_path)

    assert ask("set") == [
        "setup\tCreate missing objects and report drift. Nothing is deleted unless you allow it."
    ]
    assert ask("setup --via ") == ["amqp", "http"]
    assert ask("setup --via=h") == ["--via=http"]
    assert ask("setup only") == ["only-file.yaml"]
    come_to(lambda: ask("setup --allow-destructive queue:ev"), [f"queue:{EVIL}"])
    assert not (tmp_path / "pwned").exists()
