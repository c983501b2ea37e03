"""Whatever is wrong outside: a sentence, a hint, the right exit code, no traceback, no secret, nothing changed."""

from __future__ import annotations

import http.server
import re
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from attune_infra.broker.http.management import Management
from attune_infra.broker.rabbitmq import RabbitMQ
from attune_infra.sandbox import BoundSandbox
from support.as_a_user import Command, Result
from support.virtual_host import VirtualHost

COMMANDS = [("setup",), ("diff",), ("verify",), ("worker", "provision", "--id", "1")]


@pytest.fixture(autouse=True)
def nothing_changes(broker: RabbitMQ) -> Iterator[None]:
    before = broker.read()
    yield
    assert broker.read() == before


def complaint(result: Result) -> tuple[str, str]:
    """Return the sentence and the hint of a failed command, wherever it had to put them."""
    assert result.code == 1, result
    assert "Traceback" not in result.stderr
    assert "s3cret" not in result.stdout + result.stderr
    if result.stderr:
        [sentence, hint] = result.stderr.splitlines()
        assert result.stdout == ""
        return sentence.removeprefix("error: "), hint.removeprefix("hint:  ")
    unknown = [line for line in result.lines if line.startswith("unknown ")]
    hints = [line for line in result.lines if line.startswith("         hint: ")]
    return unknown[0].partition(": ")[2], hints[0].partition(": ")[2]


def closed_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
        return port


@pytest.mark.parametrize("command", COMMANDS)
def test_a_wrong_password(attune_infra: Command, vhost: VirtualHost, command: tuple[str, ...]) -> None:
    url = vhost.amqp_url.replace("guest:guest", "guest:s3cret")

    sentence, hint = complaint(attune_infra(*command, "--amqp-url", url))

    assert sentence == "the management API refused the login of user 'guest'"
    assert hint.startswith("check user and password")


@pytest.mark.parametrize("command", COMMANDS)
def test_a_virtual_host_that_is_not_there(
    attune_infra: Command, vhost: VirtualHost, command: tuple[str, ...]
) -> None:
    url = vhost.amqp_url.rpartition("/")[0] + "/no%20such"

    result = attune_infra(*command, "--amqp-url", url)
    sentence, hint = complaint(result)

    assert "'no such'" in sentence
    assert "rabbitmqctl add_vhost 'no such'" in hint


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("tag", ["", "management"])
def test_a_user_without_tag_or_permission(
    attune_infra: Command, vhost: VirtualHost, management: Management, command: tuple[str, ...], tag: str
) -> None:
    management.put("users", "nobody", body={"password": "s3cret", "tags": tag})
    url = vhost.amqp_url.replace("guest:guest", "nobody:s3cret")

    sentence, hint = complaint(attune_infra(*command, "--amqp-url", url))

    if tag:
        assert "has no permissions" in sentence
        assert "rabbitmqctl set_permissions" in hint
    else:
        assert sentence == "user 'nobody' may not use the management API: Not management user"
        line = "rabbitmqctl set_user_tags nobody management"
        assert hint == f"an administrator can grant it: {line}, followed by its other tags"


@pytest.mark.any_broker
@pytest.mark.parametrize("command", COMMANDS)
def test_a_closed_management_port(attune_infra: Command, command: tuple[str, ...]) -> None:
    port = closed_port()

    sentence, hint = complaint(attune_infra(*command, "--management-url", f"http://127.0.0.1:{port}"))

    assert (
        sentence == f"cannot reach the management API at http://127.0.0.1:{port}: nothing listens on port {port}"
    )
    assert "--wait" in hint


@pytest.mark.parametrize("command", [("setup",), ("verify",), ("worker", "provision", "--id", "1")])
def test_a_closed_amqp_port(attune_infra: Command, vhost: VirtualHost, command: tuple[str, ...]) -> None:
    port = closed_port()
    url = f"amqp://guest:guest@127.0.0.1:{port}/{urlsplit(vhost.amqp_url).path.removeprefix('/')}"

    sentence, _ = complaint(attune_infra(*command, "--amqp-url", url))

    assert sentence == f"cannot open an AMQP connection to 127.0.0.1:{port}: nothing listens on port {port}"


def test_the_http_port_given_for_amqp(attune_infra: Command, vhost: VirtualHost) -> None:
    port = urlsplit(vhost.management_url).port
    url = f"amqp://guest:guest@127.0.0.1:{port}/{urlsplit(vhost.amqp_url).path.removeprefix('/')}"

    sentence, hint = complaint(attune_infra("setup", "--amqp-url", url, "--timeout", "1"))

    assert sentence == f"cannot open an AMQP connection to 127.0.0.1:{port}: port {port} speaks HTTP, not AMQP"
    assert hint == "AMQP listens on port 5672 by default; 15672 is the management API"


@pytest.mark.parametrize("command", COMMANDS)
def test_the_amqp_port_given_for_http(attune_infra: Command, vhost: VirtualHost, command: tuple[str, ...]) -> None:
    port = urlsplit(vhost.amqp_url).port

    sentence, hint = complaint(attune_infra(*command, "--management-url", f"http://127.0.0.1:{port}"))

    assert sentence.endswith(f"port {port} speaks AMQP, not HTTP")
    assert hint == "the management API listens on port 15672 by default; 5672 is AMQP"


def test_tls_where_there_is_none(attune_infra: Command, vhost: VirtualHost) -> None:
    port = urlsplit(vhost.management_url).port
    sentence, hint = complaint(attune_infra("diff", "--management-url", f"https://127.0.0.1:{port}"))
    assert "TLS failed" in sentence
    assert hint == "the port does not speak TLS: write http://, or give the TLS port"

    url = vhost.amqp_url.replace("amqp://", "amqps://")
    sentence, hint = complaint(attune_infra("setup", "--amqp-url", url))
    assert "TLS failed" in sentence
    assert hint == "the port does not speak TLS: write amqp://, or give the TLS port"


@pytest.mark.any_broker
def test_a_host_that_has_no_address(attune_infra: Command) -> None:
    sentence, hint = complaint(attune_infra("diff", "--management-url", "http://no-such-host.invalid:1"))

    assert sentence.endswith("host 'no-such-host.invalid' has no address")
    assert hint == "check its name"


@contextmanager
def answering(status: int, body: str, content_type: str = "text/html", **headers: str) -> Iterator[str]:
    """Yield the URL of a server that gives everybody the same answer, as a proxy or a wrong address would."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:  # the name is http.server's
            self.send_response(status)
            self.send_header("Content-Type", content_type)
            self.send_header("Content-Length", str(len(body)))
            for name, value in headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body.encode())

        def log_message(self, *_: object) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.mark.any_broker
@pytest.mark.parametrize("command", COMMANDS)
def test_a_management_api_that_answers_html(attune_infra: Command, command: tuple[str, ...]) -> None:
    with answering(200, "<html>welcome</html>") as url:
        sentence, hint = complaint(attune_infra(*command, "--management-url", url))

    assert sentence == f"{url} answered with a web page, not JSON; it is not RabbitMQ's management API"
    assert "15672" in hint


@pytest.mark.any_broker
@pytest.mark.parametrize("command", COMMANDS)
def test_a_management_api_that_answers_503(attune_infra: Command, command: tuple[str, ...]) -> None:
    with answering(503, "<html>later</html>") as url:
        sentence, hint = complaint(attune_infra(*command, "--management-url", url))

    assert sentence.startswith(
        f"{url} answered 503 with a web page: the management API is not ready; asked 4 times"
    )
    assert "--wait" in hint


@pytest.mark.any_broker
@pytest.mark.parametrize(
    ("status", "body", "content_type", "words"),
    [
        (404, "nothing here", "text/plain", "it does not look like RabbitMQ's management API"),
        (302, "", "text/html", "a redirection to https://sso.example/login"),
        (500, "", "text/html", "the management API answered 500: Internal Server Error"),
        (200, "[]", "application/json", "answer of GET /api/overview: it is an empty array, not an object"),
        (200, '{"a": 1}', "application/json", "answer of GET /api/overview: rabbitmq_version is missing"),
        (200, '{"broken', "application/json", "it is no JSON at character 1 of 8"),
    ],
)
def test_other_answers_that_are_not_rabbitmqs(
    attune_infra: Command, status: int, body: str, content_type: str, words: str
) -> None:
    with answering(status, body, content_type, Location="https://sso.example/login") as url:
        sentence, _ = complaint(attune_infra("diff", "--management-url", url))

    assert words in sentence


@pytest.mark.any_broker
def test_a_server_that_never_answers(attune_infra: Command) -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        sentence, _ = complaint(attune_infra("diff", "--management-url", url, "--timeout", "0.3"))

    assert sentence == f"cannot reach the management API at {url}: no answer within 0.3 s"


@pytest.mark.any_broker
def test_a_broker_that_is_still_booting_is_waited_for_no_longer_than_told(attune_infra: Command) -> None:
    with answering(503, "") as url:
        result = attune_infra("setup", "--management-url", url, "--wait", "0.5")

    assert complaint(result)[0].startswith(f"{url} answered 503: the management API is not ready; asked 4 times")


@pytest.mark.lengthy
@pytest.mark.any_broker
def test_a_broker_that_comes_up_in_time_is_waited_for(sandbox: BoundSandbox, attune_infra: Command) -> None:
    sandbox.kill_broker()
    waiting = attune_infra.start("diff", "--wait", "60", "--output", "json")
    try:
        assert "nothing listens" in complaint(attune_infra("diff"))[0]
    finally:
        sandbox.start_broker()
    stdout, stderr = waiting.communicate(timeout=60)

    assert waiting.returncode == 2
    assert re.fullmatch("target: .*\n", stderr)
    assert '"schema": "attune-infra/diff/1"' in stdout


@pytest.mark.any_broker
@pytest.mark.parametrize(
    ("text", "words"),
    [
        (b"message_queue: [", "invalid YAML"),
        (b"\xff\xfe", "it is not UTF-8 text"),
        (b"message_queue: {url: 5}", "`message_queue.url` expects a string, got an integer"),
        (b"message_queue: {url: 'amqp://'}", "has no host"),
    ],
)
def test_a_configuration_that_cannot_be_read(
    attune_infra_alone: Command, tmp_path: Path, text: bytes, words: str
) -> None:
    config = tmp_path / "attune.yaml"
    config.write_bytes(text)

    sentence, _ = complaint(attune_infra_alone("setup", "--config", str(config)))

    assert words in sentence
    assert str(config) in sentence


@pytest.mark.any_broker
def test_a_configuration_that_is_not_there(attune_infra_alone: Command, tmp_path: Path) -> None:
    for path, words in ((tmp_path / "no.yaml", "No such file"), (tmp_path, "Is a directory")):
        assert words in complaint(attune_infra_alone("setup", "--config", str(path)))[0]


def test_the_configuration_of_the_platform_is_all_that_is_needed(
    attune_infra_alone: Command, vhost: VirtualHost, tmp_path: Path
) -> None:
    config = tmp_path / "attune.yaml"
    config.write_text(
        f"server: {{port: 8080}}\nmessage_queue:\n  url: {vhost.amqp_url}\n"
        f"  management_url: {vhost.management_url}\n"
    )

    assert attune_infra_alone("diff", "--config", str(config)).code == 2


@pytest.mark.any_broker
@pytest.mark.parametrize(
    "arguments",
    [
        ("nope",),
        ("setup", "--nope"),
        ("setup", "--via", "pigeon"),
        ("setup", "--timeout", "0"),
        ("setup", "--timeout", "nan"),
        ("setup", "--wait", "inf"),
        ("setup", "--output", "xml"),
        ("setup", "one.yaml", "two.yaml"),
        ("worker",),
        ("worker", "provision"),
        ("verify", "--worker", "one"),
        (),
    ],
)
def test_wrong_usage(attune_infra: Command, arguments: tuple[str, ...]) -> None:
    result = attune_infra(*arguments)

    assert result.code == 64
    assert "Traceback" not in result.stderr
    if arguments in {("worker",), ()}:
        assert result.stderr.startswith("Usage:")
    else:
        assert result.stderr.startswith("error: ")
        assert "\nhint:  " in result.stderr
