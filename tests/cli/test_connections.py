"""Named connections: chosen as a whole, listed without secrets, with passwords from files, commands and people."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from urllib.parse import quote, urlsplit

import pytest
import yaml

from attune_infra.settings import AMQP_URL, MANAGEMENT_URL
from support.as_a_user import Command
from support.virtual_host import VirtualHost

pytestmark = pytest.mark.any_broker


def config_of(folder: Path, **connections: dict[str, object]) -> Path:
    file = folder / "config.yaml"
    file.write_text(yaml.safe_dump({"connections": connections}, sort_keys=False))
    return file


def entry_of(vhost: VirtualHost, **more: object) -> dict[str, object]:
    return {"url": vhost.amqp_url, "management_url": vhost.management_url, **more}


def without_password(url: str) -> str:
    return url.replace("guest:guest@", "guest@")


def test_a_connection_is_chosen_by_flag_or_variable(
    attune_infra_alone: Command, vhost: VirtualHost, tmp_path: Path
) -> None:
    config = str(config_of(tmp_path, staging=entry_of(vhost)))

    by_flag = attune_infra_alone("setup", "--connection", "staging", "--config", config)
    variables = {"ATTUNE_INFRA_CONNECTION": "staging", "ATTUNE_INFRA_CONFIG": config}
    by_variable = attune_infra_alone("diff", environment=variables)

    Path(config).write_text(f"connection: staging\n{Path(config).read_text()}")
    by_file = attune_infra_alone("diff", environment={"ATTUNE_INFRA_CONFIG": config})

    assert (by_flag.code, by_variable.code, by_file.code) == (0, 0, 0)
    assert by_file.target == by_variable.target == by_flag.target
    assert by_flag.target.endswith("user guest, connection staging\n")
    assert (
        attune_infra_alone("diff", "-o", "json", environment=variables).json["target"]["connection"] == "staging"
    )


def test_a_connection_is_taken_as_a_whole(attune_infra_alone: Command, vhost: VirtualHost, tmp_path: Path) -> None:
    """The accident: the URL of one broker from here, the management URL of another from there."""
    config = str(config_of(tmp_path, staging=entry_of(vhost)))
    stale = {
        MANAGEMENT_URL.variable: "http://127.0.0.1:1",
        "ATTUNE__DATABASE__URL": "postgresql://nobody@127.0.0.1:1/x",
    }

    result = attune_infra_alone(
        "worker", "provision", "--id", "1", "--connection", "staging", "--config", config, environment=stale
    )

    assert result.code == 0


def test_a_broker_that_is_named_twice_is_no_broker(
    attune_infra: Command, vhost: VirtualHost, tmp_path: Path
) -> None:
    config = str(config_of(tmp_path, production=entry_of(vhost)))

    flags = attune_infra("diff", "--config", config, "--connection", "production", "--amqp-url", vhost.amqp_url)
    variables = attune_infra("diff", "--config", config, environment={"ATTUNE_INFRA_CONNECTION": "production"})

    assert (flags.code, variables.code) == (64, 1)
    assert "the broker is named twice, by --connection and by --amqp-url" in flags.stderr
    assert f"by ATTUNE_INFRA_CONNECTION, which is 'production', and by {AMQP_URL.variable}" in variables.stderr


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("connections: []", "`connections` expects a mapping, got a list"),
        ("connections: {a: 1}", "`connections.a` expects a mapping, got an integer"),
        ("connections: {a: {}}", "`connections.a` has no `url`"),
        ("connections: {a: {ulr: x}}", "`connections.a` has no key 'ulr'; did you mean 'url'?"),
        (
            "connections: {a: {url: x, protected: 'yes'}}",
            "`connections.a.protected` expects a boolean, got a string",
        ),
        ("connections: {a: {url: 1}}", "`connections.a.url` expects a string, got an integer"),
    ],
)
def test_a_wrong_entry_is_named(attune_infra_alone: Command, tmp_path: Path, text: str, sentence: str) -> None:
    (tmp_path / "config.yaml").write_text(text)

    result = attune_infra_alone("diff", "--connection", "a", "--config", str(tmp_path / "config.yaml"))

    assert result.code == 1
    assert sentence in result.stderr


def test_a_connection_that_is_not_in_the_file_is_wrong_usage(attune_infra_alone: Command, tmp_path: Path) -> None:
    (tmp_path / "config.yaml").write_text("connections: {staging: {url: 'amqp://h'}}")

    result = attune_infra_alone("diff", "--connection", "stagin", "--config", str(tmp_path / "config.yaml"))

    assert result.code == 64
    assert "there is no connection 'stagin': " in result.stderr
    assert "did you mean 'staging'?" in result.stderr


def test_they_are_listed_without_secrets(attune_infra_alone: Command, vhost: VirtualHost, tmp_path: Path) -> None:
    config = config_of(
        tmp_path,
        staging=entry_of(vhost),
        production={"url": "amqp://ops:s3cret@127.0.0.1:1/attune", "protected": True},
        elsewhere=entry_of(vhost, expect_cluster="rabbit@elsewhere"),
        typed={"url": "amqp://ops@127.0.0.1:1"},
    )

    text = attune_infra_alone("connections", "--config", str(config))
    data = attune_infra_alone("connections", "--config", str(config), "-o", "json").json

    assert text.code == 0
    staging, production, elsewhere, typed = (line for line in text.lines if not line.startswith("      "))
    assert "answers: cluster " in staging
    assert production.startswith("! production (protected): ")
    assert "cannot reach" in production
    assert "expects 'rabbit@elsewhere'" in elsewhere
    assert "has a user and no password" in typed
    assert [each["answers"] for each in data["connections"]] == [True, False, False, False]
    assert "s3cret" not in text.stdout + str(data)


@pytest.mark.parametrize("way", ["file", "command", "variable", "file of a variable", "url in a file"])
def test_a_password_may_come_from_elsewhere(
    attune_infra_alone: Command, vhost: VirtualHost, tmp_path: Path, way: str
) -> None:
    secret = tmp_path / "secret"
    secret.write_text("guest\n")
    entry, variables = entry_of(vhost, url=without_password(vhost.amqp_url)), {}
    match way:
        case "file":
            entry["password_file"] = str(secret)
        case "command":
            entry["password_command"] = shlex.join([sys.executable, "-c", "print('guest')"])
        case "url in a file":
            secret.write_text(vhost.amqp_url)
            entry = {"url_file": str(secret), "management_url": vhost.management_url}
        case _:
            entry = {}
    if entry:
        config = config_of(tmp_path, here=entry)
        result = attune_infra_alone("diff", "--config", str(config), "--connection", "here")
    else:
        name = "ATTUNE__MESSAGE_QUEUE__PASSWORD"
        variables = {name: "guest"} if way == "variable" else {f"{name}_FILE": str(secret)}
        variables |= {
            AMQP_URL.variable: without_password(vhost.amqp_url),
            MANAGEMENT_URL.variable: vhost.management_url,
        }
        result = attune_infra_alone("diff", environment=variables)

    assert result.code == 2, result.stderr


@pytest.mark.parametrize(
    ("key", "text", "sentence"),
    [
        ("password_file", "/nowhere/at-all", "cannot be read: No such file or directory"),
        ("password_file", "nul\0", "cannot be read: no file has such a name"),
        ("password_command", "false", "ended with exit code 1"),
        ("password_command", "true", "printed no first line"),
        ("password_command", "no-such-program-at-all", "cannot be run: No such file or directory"),
    ],
)
def test_a_password_that_cannot_be_had_is_named(
    attune_infra_alone: Command, tmp_path: Path, key: str, text: str, sentence: str
) -> None:
    config = config_of(tmp_path, here={"url": "amqp://ops@127.0.0.1:1", key: text})

    result = attune_infra_alone("setup", "--config", str(config), "--connection", "here")

    assert result.code == 1
    assert sentence in result.stderr
    assert f"connections.here.{key}" in result.stderr


def test_a_user_without_a_password_is_asked_on_a_terminal(attune_infra: Command, vhost: VirtualHost) -> None:
    url = without_password(vhost.amqp_url)

    alone = attune_infra("diff", "--amqp-url", url)
    asked = attune_infra.at_terminal("diff", "--amqp-url", url, typed="guest\n")

    assert alone.code == 1
    assert "has a user and no password" in alone.stderr
    assert asked.code == 2
    assert f"Password of guest at amqp://{urlsplit(url).hostname}" in asked.stdout


@pytest.mark.parametrize("password", ["a/b", "a#b", "a?b"])
def test_special_characters_are_explained(attune_infra_alone: Command, password: str) -> None:
    result = attune_infra_alone("diff", "--amqp-url", f"amqp://ops:{password}@localhost:5672/attune")

    assert result.code == 64
    assert f"a password is percent-encoded: write {password[1]} as {quote(password[1], safe='')}" in result.stderr
    assert password not in result.stderr
