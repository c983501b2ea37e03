"""The example of a platform: a base, three environments, two teams."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from shutil import copytree

import pytest

from attune_infra.broker.http.management import Management
from attune_infra.errors import ExitCode
from support.as_a_user import Command
from support.folders import EXAMPLES

PLATFORM = EXAMPLES / "platform"
ENVIRONMENTS = ("dev", "staging", "production")


@pytest.fixture(params=ENVIRONMENTS)
def environment(request: pytest.FixtureRequest, management: Management) -> Iterator[str]:
    """An environment whose users exist."""
    users = [f"{request.param}-{team}" for team in ("orders", "billing")]
    for user in users:
        management.put("users", user, body={"password": user, "tags": ""})
    yield request.param
    for user in users:
        management.delete("users", user)


def test_every_document_of_the_platform_is_tried() -> None:
    assert {path.stem for path in PLATFORM.glob("*.yaml")} == {"base", *ENVIRONMENTS}


def test_a_platform_from_nothing_to_verified_and_pruned(
    attune_infra: Command, environment: str, tmp_path: Path
) -> None:
    folder = copytree(PLATFORM, tmp_path / "platform")
    own, teams = ("--topology", f"{folder}/{environment}.yaml"), ("--topology", f"{folder}/teams")
    orders, billing = f"{folder}/teams/orders.yaml", folder / "teams" / "billing.yaml"
    assert attune_infra("setup", orders).code == ExitCode.PARTLY_DONE, "it waits for the exchanges of the platform"

    assert attune_infra("setup", *own, *teams).code == ExitCode.DONE

    assert attune_infra("verify", *own, *teams).code == ExitCode.DONE
    for alone in (own, teams, ("--topology", orders), ("--topology", str(billing))):
        assert attune_infra("diff", *alone, "--prune").code == ExitCode.DONE
    exported = str(tmp_path / "all.yaml")
    assert attune_infra("export", "--all", "--to", exported).code == ExitCode.DONE
    assert attune_infra("diff", exported).code == ExitCode.DONE

    fewer = billing.read_text(encoding="utf-8").replace(
        "      - {exchange: shop.events, routing_key: invoice.*}\n", ""
    )
    billing.write_text(fewer, encoding="utf-8")
    assert "- binding shop.events -> shop.billing.due with routing key invoice.* is undeclared" in (
        attune_infra("diff", str(billing), "--prune").lines
    )
    pruned = attune_infra("setup", *own, *teams, "--prune", "--allow-destructive", "--yes")
    assert (pruned.code, "deleted" in pruned.lines[-1]) == (ExitCode.DONE, True)
    assert attune_infra("diff", *own, *teams, "--prune").code == ExitCode.DONE


def test_an_environment_says_what_it_changes(attune_infra_alone: Command) -> None:
    shown = attune_infra_alone("topology", "show", "--resolved", str(PLATFORM / "staging.yaml"))

    assert shown.code == ExitCode.DONE
    assert "#   changed variables / environment / default: production -> staging" in shown.lines
    assert any("'staging-orders':" in line for line in shown.lines)
