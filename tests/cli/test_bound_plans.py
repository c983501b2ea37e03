"""Plans are bound to a broker, a virtual host, and the state of the objects; a file holds exactly one of them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from attune_infra.broker.rabbitmq import RabbitMQ
from attune_infra.sandbox import BoundSandbox
from attune_infra.settings import AMQP_URL, MANAGEMENT_URL
from support.as_a_user import Command
from support.contract import check_contract
from support.virtual_host import VirtualHost, create_virtual_host

pytestmark = pytest.mark.any_broker
JOBS = "manages: ['^jobs']\nqueues: {jobs: {}, jobs.more: {}}\n"


@pytest.fixture
def document(tmp_path: Path) -> Path:
    path = tmp_path / "jobs.yaml"
    path.write_text(JOBS)
    return path


@pytest.fixture
def elsewhere(vhost: VirtualHost) -> Iterator[VirtualHost]:
    with create_virtual_host(vhost, f"{vhost.name} elsewhere") as found:
        yield found


def digest_in(text: str) -> str:
    found = re.search(r"^plan (\w+)$", text, re.MULTILINE)
    assert found, text
    return found[1]


def names(broker: RabbitMQ) -> list[str]:
    return sorted(broker.read().queues)


def test_a_digest_holds_for_one_virtual_host(
    attune_infra: Command, document: Path, elsewhere: VirtualHost, broker: RabbitMQ
) -> None:
    digest = digest_in(attune_infra("diff", str(document)).stdout)

    other = attune_infra("setup", str(document), "--expect", digest, environment=elsewhere.environment)

    assert other.code == 4
    assert f"not {digest}" in other.stderr
    assert "another broker or virtual host" in other.stderr
    assert attune_infra("setup", str(document), "--expect", digest).code == 0
    assert names(broker) == ["jobs", "jobs.more"]


def test_a_digest_holds_for_one_broker(
    attune_infra: Command, document: Path, second_sandbox: BoundSandbox, vhost: VirtualHost
) -> None:
    here = second_sandbox.environment()
    there = {AMQP_URL.variable: f"{vhost.amqp_url.rpartition('/')[0]}/%2F"} | {
        MANAGEMENT_URL.variable: vhost.management_url
    }
    digest = digest_in(attune_infra("diff", str(document), environment=here).stdout)
    again = attune_infra("diff", str(document), environment=here)
    refused = attune_infra("setup", str(document), "--expect", digest, environment=there)

    assert digest_in(again.stdout) == digest
    assert refused.code == 4


def test_the_empty_plan_is_bound_too(attune_infra: Command, document: Path, elsewhere: VirtualHost) -> None:
    for environment in ({}, elsewhere.environment):
        assert attune_infra("setup", str(document), environment=environment).code == 0
    here = attune_infra("diff", str(document))
    there = attune_infra("diff", str(document), environment=elsewhere.environment)
    document.write_text("queues: {jobs: {}}\n")
    less = attune_infra("diff", str(document))

    assert here.code == there.code == less.code == 0
    assert len({digest_in(result.stdout) for result in (here, there, less)}) == 3


def test_a_plan_in_a_file_is_applied_as_it_is(
    attune_infra: Command, document: Path, tmp_path: Path, broker: RabbitMQ
) -> None:
    plan = tmp_path / "plan.json"

    made = attune_infra("diff", str(document), "--out", str(plan), "--worker", "7", "--topology", str(document))
    assert made.code == 64  # the document is given twice
    made = attune_infra("diff", str(document), "--out", str(plan))
    document.write_text("queues: {other: {}}\n")
    applied = attune_infra("setup", str(plan))

    assert (made.code, applied.code) == (2, 0)
    assert f"`attune-infra setup {plan}` applies exactly it" in made.stderr
    assert names(broker) == ["jobs", "jobs.more"]
    held = json.loads(plan.read_text())
    check_contract(plan.read_text())
    assert held["schema"] == "attune-infra/plan/1"
    assert [change["name"] for change in held["changes"]] == ["jobs", "jobs.more"]
    stale = attune_infra("setup", str(plan))
    assert stale.code == 4
    assert "the broker or the document has changed" in stale.stderr


def test_the_options_of_a_plan_are_kept_in_its_file(
    attune_infra: Command, tmp_path: Path, document: Path, broker: RabbitMQ
) -> None:
    assert attune_infra("setup", str(document)).code == 0
    document.write_text("manages: ['^jobs']\nqueues: {jobs: {}}\n")
    plan = tmp_path / "plan.json"
    attune_infra("diff", str(document), "--prune", "--out", str(plan))

    twice = attune_infra("setup", str(plan), "--prune")
    unallowed = attune_infra("setup", str(plan))
    done = attune_infra("setup", str(plan), "--allow-destructive", "--yes")

    assert (twice.code, unallowed.code, done.code) == (64, 4, 0)
    assert names(broker) == ["jobs"]
    assert "jobs.more" in (tmp_path / "plan.undo.yaml").read_text()


def test_a_plan_with_workers_makes_their_queues(attune_infra: Command, tmp_path: Path, broker: RabbitMQ) -> None:
    plan = str(tmp_path / "plan.json")

    made = attune_infra("diff", "--worker", "3", "--worker-queue-ttl", "2h", "--out", plan)
    applied = attune_infra("setup", plan)

    assert (made.code, applied.code) == (2, 0)
    assert "worker.3.executions" in names(broker)
    assert any(policy.definition.get("expires") == 7_200_000 for policy in broker.read().policies.values())


def test_a_plan_of_another_place_is_refused(
    attune_infra: Command, document: Path, tmp_path: Path, elsewhere: VirtualHost
) -> None:
    plan = tmp_path / "plan.json"
    attune_infra("diff", str(document), "--out", str(plan))

    refused = attune_infra("setup", str(plan), environment=elsewhere.environment)

    assert refused.code == 4
    assert f"{plan} is a plan for virtual host {elsewhere.name.removesuffix(' elsewhere')} of" in refused.stderr
    assert f"this is virtual host {elsewhere.name} of" in refused.stderr


@pytest.mark.parametrize(
    ("old", "new", "code"),
    [
        ("jobs.more", "jobs.less", 4),
        ('"prune": false', '"prune": true', 4),
        ('"seal"', '"sael"', 1),
        ('"prune": false,', "", 1),
    ],
)
def test_a_plan_that_was_changed_is_refused(
    attune_infra: Command, document: Path, old: str, new: str, code: int
) -> None:
    plan = document.with_name("plan.json")
    attune_infra("diff", str(document), "--out", str(plan))
    plan.write_text(plan.read_text().replace(old, new))

    refused = attune_infra("setup", str(plan))

    assert refused.code == code
    sentence = "was changed after the plan was made" if code == 4 else "is no plan that can be read"
    assert f"{plan} {sentence}" in refused.stderr
    assert "queue jobs is missing" in attune_infra("diff", str(document)).stdout


def test_workers_have_plans_too(attune_infra_with_registry: Command, broker: RabbitMQ) -> None:
    run = attune_infra_with_registry
    run("registry", "init")
    run("worker", "register", "--name", "a")

    looked = run("worker", "provision", "--id", "1", "--dry-run")
    assert names(broker) == []
    wrong = run("worker", "provision", "--id", "1", "--expect", "000000000000")
    done = run("worker", "provision", "--id", "1", "--expect", digest_in(looked.stdout))

    assert (looked.code, wrong.code, done.code) == (0, 4, 0)
    assert "worker provision --dry-run" in wrong.stderr
    for command in (("worker", "prune"), ("worker", "deprovision", "--id", "1")):
        run("worker", "deregister", "--id", "1")
        run("worker", "provision", "--id", "1")
        digest = run(*command, "--dry-run", "-o", "json").json["digest"]
        assert run(*command, "--expect", "000000000000", "--yes").code == 4
        assert names(broker) == ["worker.1.executions"]
        assert run(*command, "--expect", digest, "--yes").code == 0
        assert names(broker) == []
