"""The needs of commands, held against the table of permissions, which is tried on brokers."""

from __future__ import annotations

import pytest

from attune_infra.errors import WrongUsage
from attune_infra.topology.builtin import attune
from attune_infra.topology.doctor.registry import PRIVILEGES
from attune_infra.topology.doctor.scope import EVERYTHING, SCOPES, Rows, scope_of
from attune_infra.topology.permissions.commands import USAGES, usage_of
from attune_infra.topology.permissions.needs import Over
from attune_infra.topology.permissions.steps import Case

COMMANDS = {name: f"{name} --live" if name in {"lint", "graph", "trace"} else name for name in SCOPES}


def test_every_command_that_asks_a_server_has_a_scope() -> None:
    assert set(SCOPES) == {usage.command.partition(" --")[0] for usage in USAGES}


@pytest.mark.parametrize("name", SCOPES)
def test_a_scope_asks_all_servers_that_the_command_has_needs_at(name: str) -> None:
    needs = usage_of(COMMANDS[name]).needs(Case(want=attune(), worker_ids=(1,)))
    over = {need.over for need in needs}

    assert SCOPES[name].http == (Over.HTTP in over)
    assert SCOPES[name].amqp >= (Over.AMQP in over)
    assert (SCOPES[name].rows is not Rows.NONE) == (Over.DATABASE in over)


@pytest.mark.parametrize("name", [name for name, scope in SCOPES.items() if scope.rows is not Rows.NONE])
def test_the_grants_are_those_of_the_table_of_permissions(name: str) -> None:
    if SCOPES[name].creates_table:
        return  # there may be no table yet
    found = {each.name for each in usage_of(COMMANDS[name]).database if each.kind in {"table", "sequence"}}

    assert set(PRIVILEGES[SCOPES[name].rows]) == found


def test_without_a_name_everything_is_in_scope() -> None:
    assert scope_of(None) is EVERYTHING
    assert scope_of("diff") is SCOPES["diff"]
    with pytest.raises(WrongUsage, match=r"^'sandbox up' is not a command that asks a server"):
        scope_of("sandbox up")
