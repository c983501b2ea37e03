"""Commands that ask nothing of a broker, as a user runs them beside settings for a broker that are wrong."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from attune_infra.settings import AMQP_URL, CA_FILE, MANAGEMENT_URL, Setting
from support.as_a_user import Command, Result

DOCUMENT = "exchanges: {e: {type: topic}}\nqueues: {q: {bindings: [{exchange: e, routing_key: k}]}}\n"
PURE = ("lint FILE", "trace e k --topology FILE", "graph FILE", "topology check FILE")
LIVE = (
    "setup --topology FILE",
    "verify --topology FILE",
    "diff --topology FILE",
    "lint --live",
    "trace e k --live",
    "graph --live",
)
WRONG = {
    AMQP_URL: "nonsense",
    MANAGEMENT_URL: "amqp://localhost",
    CA_FILE: "/no/such/file.pem",
}
SENTENCES = {
    AMQP_URL: "does not start with amqp:// or amqps://",
    MANAGEMENT_URL: "does not start with http:// or https://",
    CA_FILE: ": there is no file /no/such/file.pem",
}


FLAG_CODE = {AMQP_URL: 64, MANAGEMENT_URL: 64, CA_FILE: 1}
"""A value that cannot be is wrong usage; a file that is not there is found when it is read."""


@pytest.fixture
def document(tmp_path: Path) -> str:
    file = tmp_path / "mine.yaml"
    file.write_text(DOCUMENT, encoding="utf-8")
    return str(file)


def words(command: str, file: str) -> list[str]:
    return [file if word == "FILE" else word for word in command.split()]


def write_definitions(path: Path, *vhosts: str) -> str:
    """Write definitions with the same exchange, queue and binding in each virtual host."""
    exchange: dict[str, object] = {"name": "e", "type": "topic", "durable": True}
    queue: dict[str, object] = {"name": "q", "durable": True, "auto_delete": False}
    binding: dict[str, object] = {
        "source": "e",
        "destination": "q",
        "destination_type": "queue",
        "routing_key": "k",
    }
    sections = {
        section: [{**item, "vhost": vhost} for vhost in vhosts]
        for section, item in {"exchanges": exchange, "queues": queue, "bindings": binding}.items()
    }
    path.write_text(json.dumps(sections), encoding="utf-8")
    return str(path)


@pytest.mark.parametrize("setting", WRONG, ids=lambda setting: setting.flag)
@pytest.mark.parametrize("command", PURE)
def test_a_wrong_setting_of_the_broker_does_not_matter(
    attune_infra_alone: Command, document: str, tmp_path: Path, command: str, setting: Setting
) -> None:
    definitions = write_definitions(tmp_path / "one.json", "elsewhere")
    for file in (document, definitions):
        right = attune_infra_alone(*words(command, file))
        assert right.code in {0, 2}, right

        by_variable = attune_infra_alone(*words(command, file), environment={setting.variable: WRONG[setting]})
        assert by_variable == right
        assert attune_infra_alone(*words(command, file), setting.flag, WRONG[setting]).code == 64


@pytest.mark.parametrize("setting", WRONG, ids=lambda setting: setting.flag)
@pytest.mark.parametrize("command", LIVE)
def test_a_command_that_asks_the_broker_still_names_the_wrong_setting(
    attune_infra_alone: Command, document: str, command: str, setting: Setting
) -> None:
    by_flag = attune_infra_alone(*words(command, document), setting.flag, WRONG[setting])
    by_variable = attune_infra_alone(*words(command, document), environment={setting.variable: WRONG[setting]})

    for result, code, origin in ((by_flag, FLAG_CODE[setting], setting.flag), (by_variable, 1, setting.variable)):
        assert (result.code, result.stdout) == (code, "")
        assert result.stderr.startswith(f"error: {origin}")
        assert SENTENCES[setting] in result.stderr


@pytest.mark.parametrize("command", [command for command in PURE if command != "topology check FILE"])
def test_the_amqp_url_chooses_one_of_several_virtual_hosts(
    attune_infra_alone: Command, tmp_path: Path, command: str
) -> None:
    file = write_definitions(tmp_path / "two.json", "a", "b")
    others = {MANAGEMENT_URL.variable: WRONG[MANAGEMENT_URL], CA_FILE.variable: WRONG[CA_FILE]}

    def run(url: str) -> Result:
        return attune_infra_alone(*words(command, file), AMQP_URL.flag, url, environment=others)

    assert run("amqp://localhost/b").code in {0, 2}
    assert "two.json holds several virtual hosts: 'a', 'b'\n" in run("amqp://localhost/c").stderr
    wrong = run("nonsense")
    assert (wrong.code, wrong.stdout) == (64, "")
    assert wrong.stderr.startswith("error: --amqp-url does not start with amqp:// or amqps://\nhint:  ")
