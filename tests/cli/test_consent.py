"""Consent to destroy: narrow, up to a threshold, never for what is protected; and the file that undoes it."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from attune_infra.broker.rabbitmq import RabbitMQ
from attune_infra.settings import AMQP_URL, MANAGEMENT_URL
from support.as_a_user import Command
from support.virtual_host import VirtualHost

pytestmark = pytest.mark.any_broker
OLD = """
manages: ['^jobs']
exchanges:
  jobs.in: {type: topic}
queues:
  jobs: {arguments: {x-max-length: 5}, bindings: [{exchange: jobs.in, routing_key: 'a.#'}]}
  jobs.two: {bindings: [{exchange: jobs.in, routing_key: b}, {exchange: amq.topic, routing_key: c}]}
  jobs.three: {}
policies:
  jobs: {pattern: '^jobs', apply_to: queues, definition: {message-ttl: 60000}}
"""
NEW = """
manages: ['^jobs']
exchanges:
  jobs.in: {type: topic}
queues:
  jobs: {arguments: {x-max-length: 6}, bindings: [{exchange: jobs.in, routing_key: 'a.#'}]}
"""
ALL = ("--prune", "--allow-destructive", "--yes")


@pytest.fixture
def new(attune_infra: Command, tmp_path: Path) -> str:
    """Return the new document, on a broker that holds the old one."""
    (tmp_path / "old.yaml").write_text(OLD)
    (tmp_path / "new.yaml").write_text(NEW)
    assert attune_infra("setup", str(tmp_path / "old.yaml")).code == 0
    return str(tmp_path / "new.yaml")


def names(broker: RabbitMQ) -> list[str]:
    return sorted(broker.read().queues)


@pytest.mark.parametrize(
    "words", [("--allow-destructive", "queue:jobs.two"), ("--allow-destructive=queue:jobs.t?o",)]
)
def test_only_what_is_named_is_deleted(
    attune_infra: Command, new: str, broker: RabbitMQ, words: tuple[str, ...]
) -> None:
    result = attune_infra("setup", new, "--prune", "--yes", *words)

    assert result.code == 3
    assert names(broker) == ["jobs", "jobs.three"]
    assert "! queue jobs.three is kept: it is undeclared, but deleting was not allowed" in result.lines
    assert broker.read().queues["jobs"].arguments == {"x-max-length": 5}
    assert "jobs" in broker.read().policies


def test_a_file_behind_the_bare_flag_is_a_file(attune_infra: Command, new: str, broker: RabbitMQ) -> None:
    assert attune_infra("setup", "--prune", "--yes", "--allow-destructive", new).code == 0
    assert names(broker) == ["jobs"]


@pytest.mark.parametrize(("selector", "sentence"), [("queue:", "has no name behind"), (" ", "is empty")])
def test_a_wrong_selector_is_wrong_usage(attune_infra: Command, new: str, selector: str, sentence: str) -> None:
    result = attune_infra("setup", new, f"--allow-destructive={selector}")

    assert result.code == 64
    assert sentence in result.stderr


def test_no_flag_deletes_what_is_protected(attune_infra: Command, new: str, broker: RabbitMQ) -> None:
    protecting = NEW + "protect: ['queue:jobs*', 'binding:*']\n"
    Path(new).write_text(protecting)

    result = attune_infra("setup", new, *ALL)

    assert result.code == 3
    assert names(broker) == ["jobs", "jobs.three", "jobs.two"]
    assert len(broker.read().bindings) == 3
    assert "jobs" not in broker.read().policies
    assert any("`protect` of the document names it: queue:jobs*" in line for line in result.lines)


def test_no_policy_expires_what_is_protected(attune_infra: Command, new: str, broker: RabbitMQ) -> None:
    text = yaml.safe_load(OLD)
    text["policies"]["jobs"]["definition"] = {"expires": 1000}
    Path(new).write_text(yaml.safe_dump({**text, "protect": ["queue:jobs.three"]}))

    result = attune_infra("setup", new, "--allow-destructive", "--yes")

    assert result.code == 4
    assert broker.read().policies["jobs"].definition == {"message-ttl": 60000}
    assert "`protect` of the document names it: queue:jobs.three" in result.stdout


@pytest.mark.parametrize(
    ("limit", "code"), [("5", 4), ("50%", 0), ("6", 0), ("100%", 0), ("many", 64), ("30.5%", 0), ("-1", 64)]
)
def test_a_threshold_stops_a_mistake(
    attune_infra: Command, new: str, broker: RabbitMQ, limit: str, code: int
) -> None:
    result = attune_infra("setup", new, *ALL, f"--max-deletes={limit}")

    assert result.code == code
    assert (names(broker) == ["jobs"]) is (code == 0)
    if code == 4:
        assert "the plan deletes 6 of 8 objects, and --max-deletes is 5; nothing was changed" in result.stderr


def test_most_of_a_virtual_host_goes_only_if_that_is_said(
    attune_infra: Command, tmp_path: Path, broker: RabbitMQ
) -> None:
    document = tmp_path / "many.yaml"
    document.write_text(yaml.safe_dump({"manages": ["^q"], "queues": {f"q{n}": {} for n in range(20)}}))
    attune_infra("setup", str(document))
    document.write_text("manages: ['^q']\nqueues: {q0: {}}\n")

    refused = attune_infra("setup", str(document), *ALL)
    planned = attune_infra("setup", str(document), *ALL, "--dry-run")

    assert refused.code == planned.code == 4
    assert "the plan deletes 19 of 20 objects" in planned.lines[-1]
    assert "the plan deletes 19 of 20 objects, and --max-deletes is 30%" in refused.stderr
    assert len(names(broker)) == 20
    assert attune_infra("setup", str(document), *ALL, "--max-deletes", "19").code == 0


def test_what_was_deleted_can_be_made_again(
    attune_infra: Command, new: str, tmp_path: Path, broker: RabbitMQ
) -> None:
    before, undo = broker.read(), tmp_path / "undo.yaml"
    done = attune_infra("setup", new, *ALL, "--undo-file", str(undo))
    assert done.code == 0
    assert broker.read() != before

    again = attune_infra("setup", str(undo), "--allow-destructive", "--yes")

    assert again.code == 0, again.stdout + again.stderr
    assert f"undo: `attune-infra setup {undo}` makes again what is deleted now" in done.stderr
    assert broker.read() == before
    assert attune_infra("diff", str(tmp_path / "old.yaml")).code == 0


def test_an_undo_file_is_kept_by_default(attune_infra: Command, new: str, tmp_path: Path) -> None:
    state = {"XDG_STATE_HOME": str(tmp_path / "state")}
    assert attune_infra("setup", new, *ALL, environment=state).code == 0

    [undo] = (tmp_path / "state" / "attune-infra" / "undo").iterdir()

    assert set(yaml.safe_load(undo.read_text())["queues"]) == {"jobs", "jobs.two", "jobs.three"}


@pytest.mark.parametrize("where", ["exists", "nowhere/undo.yaml", "state"])
def test_without_an_undo_file_nothing_is_deleted(
    attune_infra: Command, new: str, tmp_path: Path, broker: RabbitMQ, where: str
) -> None:
    (tmp_path / "exists").touch()
    if where == "state":
        result = attune_infra("setup", new, *ALL, environment={"XDG_STATE_HOME": str(tmp_path / "exists")})
    else:
        result = attune_infra("setup", new, *ALL, "--undo-file", str(tmp_path / where))

    assert result.code == 1
    assert "--undo-file" in result.stderr or "cannot write" in result.stderr
    assert names(broker) == ["jobs", "jobs.three", "jobs.two"]


def test_deprovision_asks_with_numbers_and_the_target(
    attune_infra: Command, vhost: VirtualHost, broker: RabbitMQ
) -> None:
    attune_infra("setup")
    attune_infra("worker", "provision", "--id", "1-30")

    silent = attune_infra("worker", "deprovision", "--id", "1-30")
    no = attune_infra.at_terminal("worker", "deprovision", "--id", "1-30", typed="n\n")
    assert silent.code == no.code == 4
    assert f"Delete 30 queues (0 messages, 0 consumers) in virtual host {vhost.name} of cluster " in no.stdout
    assert len([name for name in names(broker) if name.startswith("worker.")]) == 30
    yes = attune_infra.at_terminal("worker", "deprovision", "--id", "1-30", typed="y\n")

    assert yes.code == 0
    assert not [name for name in names(broker) if name.startswith("worker.")]


def test_a_protected_connection_wants_a_digest_or_its_name(
    attune_infra_alone: Command, vhost: VirtualHost, broker: RabbitMQ, tmp_path: Path
) -> None:
    cluster, config, document = str(broker.target().cluster), tmp_path / "config.yaml", tmp_path / "jobs.yaml"
    entry = {"url": vhost.amqp_url, "management_url": vhost.management_url, "protected": True}
    config.write_text(yaml.safe_dump({"connections": {"production": {**entry, "expect_cluster": cluster}}}))
    document.write_text("queues: {jobs: {}}\n")
    chosen = ("--config", str(config), "--connection", "production")
    command = ("setup", str(document), *chosen)

    silent = attune_infra_alone(*command)
    wrong = attune_infra_alone.at_terminal(*command, typed="staging\n")
    assert silent.code == wrong.code == 4
    assert "connection production is protected; nothing was changed" in silent.stderr
    assert f"'staging' is not the name of the cluster, '{cluster}'" in wrong.stdout
    url = attune_infra_alone(
        "setup",
        str(document),
        "--config",
        str(config),
        environment={AMQP_URL.variable: vhost.amqp_url, MANAGEMENT_URL.variable: vhost.management_url},
    )
    assert url.code == 4
    assert f"cluster {cluster} is protected" in url.stderr
    without_plan = ["dispatch --id 1", "run", "register --name a", "deregister --id 1"]
    for words in ("worker provision --id 1", *(f"worker {each}" for each in without_plan), "registry init"):
        refused = attune_infra_alone(*words.split(), *chosen)
        assert (refused.code, "is protected" in refused.stderr) == (4, True), refused
        if words.startswith("worker re") or words == "registry init":
            wrong = attune_infra_alone(*words.split(), *chosen, "--expect-cluster", "rabbit@staging")
            named = attune_infra_alone(*words.split(), *chosen, "--expect-cluster", cluster)
            assert (wrong.code, named.code) == (4, 1)
            assert "no database is configured" in named.stderr
    assert names(broker) == []
    digest = attune_infra_alone("diff", str(document), *chosen, "-o", "json").json["digest"]
    assert attune_infra_alone(*command, "--expect", digest).code == 0
    document.write_text("queues: {more: {}}\n")
    assert attune_infra_alone.at_terminal(*command, typed=f"{cluster}\n").code == 0
    assert names(broker) == ["jobs", "more"]
