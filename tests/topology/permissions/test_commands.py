"""The table of commands: it has every command, and docs/permissions.md is made from it."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
import typer

from attune_infra.cli import COMMANDS, app
from attune_infra.cli._app import Group
from attune_infra.topology.builtin import attune
from attune_infra.topology.facts.permissions import Access, Right, Tag
from attune_infra.topology.model import (
    Argument,
    Binding,
    Exchange,
    GlobalParameter,
    Limit,
    OperatorPolicy,
    Permission,
    Policy,
    Queue,
    Topology,
    TopologyObject,
    parameter_of,
)
from attune_infra.topology.permissions.commands import ASKING_NOTHING, TELLING_WHAT_LACKS, USAGES, usage_of
from attune_infra.topology.permissions.moving import rights_after_migration
from attune_infra.topology.permissions.needs import Privilege
from attune_infra.topology.permissions.steps import Case, to_look, to_set
from attune_infra.topology.worker import worker_family
from support.folders import ROOT

PAGE = ROOT / "docs/permissions.md"


def commands() -> Iterator[str]:
    """Yield the names of all commands, such as `worker list`, as the command line resolves them."""
    group: Any = typer.main.get_command(app)
    for name in COMMANDS:
        _, loaded, _ = group.resolve_command(typer.Context(group), [name])
        below = loaded.list_commands(typer.Context(loaded)) if isinstance(loaded, Group) else ()
        yield from (f"{name} {each}" for each in below)
        if not below:
            yield name


def test_every_command_is_in_the_table_or_asks_nothing() -> None:
    known = {usage.command.partition(" --")[0] for usage in USAGES} | {*ASKING_NOTHING, *TELLING_WHAT_LACKS}

    assert {re.sub("^sandbox .*", "sandbox", each) for each in commands()} == known


def test_the_page_is_what_the_table_says() -> None:
    """Mend it: .venv/bin/python .ci/permissions-page >docs/permissions.md."""
    script = [sys.executable, str(ROOT / ".ci/permissions-page")]

    printed = subprocess.run(script, cwd=ROOT, capture_output=True, text=True, check=True).stdout

    assert PAGE.read_text(encoding="utf-8") == printed


def rights(command: str, case: Case) -> list[str]:
    return [str(need) for need in usage_of(command).needs(case) if isinstance(need.what, Right)]


@pytest.mark.parametrize(
    ("named", "arguments", "expected"),
    [
        (None, {}, ["attune.dlx"]),
        ("rejected", {}, ["rejected"]),
        ("rejected", {"x-dead-letter-exchange": "own"}, []),
    ],
)
def test_a_worker_publishes_rejected_messages_itself_unless_its_queue_does(
    named: str | None, arguments: dict[str, Argument], expected: list[str]
) -> None:
    [template] = attune().workers.queues  # type: ignore[union-attr] # it has workers
    family = replace(worker_family(attune()), queues=(replace(template, arguments=arguments),))
    exchanges = {**attune().exchanges, "rejected": Exchange(name="rejected", type="fanout")}
    case = Case(
        want=replace(attune(), workers=family, exchanges=exchanges), worker_ids=(1,), dead_letter_exchange=named
    )

    found = [each for each in rights("worker run", case) if each.startswith("write permission on exchange ")]

    assert [each.rpartition(" ")[2] for each in found if each.endswith(("dlx", "rejected"))] == expected


def test_undeclared_queues_are_no_exchanges() -> None:
    old = Exchange(name="old", type="topic")
    case = Case(want=Topology(), undeclared=(Queue(name="q"), old, Binding(source="old", destination="q")))

    assert case.exchanges == {"old": old}


def test_a_migration_needs_rights_on_all_that_stands_between() -> None:
    binding = Binding(source="shop", destination="orders", routing_key="new")
    want = Topology.of([Exchange(name="shop"), Queue(name="orders"), binding])

    found = rights("migrate", Case(want=want, queues=("orders",)))

    own = [f"attune-infra.{role}.orders" for role in ("switch", "aside", "back")]
    assert {each for each in found if each.startswith("configure")} == {
        *(f"configure permission on exchange {name}" for name in own),
        *(f"configure permission on queue {name}" for name in ("orders", "attune-infra.held.orders")),
        "configure permission on queue attune-infra.ledger.orders",
        "configure permission on queue attune-infra.ledger.attune-infra.held.orders",
    }
    assert {each for each in found if "exchange" in each and not each.startswith("configure")} == {
        "read permission on exchange shop",
        "write permission on exchange amq.default",
        *(f"read permission on exchange {name}" for name in own),
        *(f"write permission on exchange {name}" for name in own),
    }


def test_after_a_migration_its_own_bindings_go_with_their_exchanges() -> None:
    want = Topology.of([Exchange(name="shop"), Queue(name="orders"), Binding(source="shop", destination="orders")])

    found = set(rights_after_migration(Case(want=want, queues=("orders",))))

    assert {right.name for right in found if right.access is Access.READ} == {"shop"}
    assert {right.name for right in found if right.access is Access.CONFIGURE} == {
        "orders",
        *(f"attune-infra.{role}.orders" for role in ("switch", "aside", "back", "held", "ledger")),
        "attune-infra.ledger.attune-infra.held.orders",
    }


def test_privileges_are_told_in_words() -> None:
    assert str(Privilege("SELECT", "table", "worker")) == "SELECT on the table worker"
    assert str(Privilege("CONNECT", "database", "database")) == "CONNECT on the database"


def test_pruning_needs_rights_on_what_is_undeclared() -> None:
    case = Case(want=Topology(), undeclared=(Queue(name="old"), Exchange(name="gone")))

    assert rights("setup --prune --allow-destructive", case) == [
        "configure permission on queue old",
        "configure permission on exchange gone",
    ]


def test_moving_messages_needs_the_source_and_its_ledger() -> None:
    want = Topology.of([Queue(name="a"), Queue(name="b")])

    found = set(rights("queue move", Case(want=want, queues=("a", "b"))))

    assert {
        "read permission on queue a",
        "configure permission on queue attune-infra.ledger.a",
        "read permission on queue attune-infra.ledger.a",
        "configure permission on exchange attune-infra.move.b",
        "write permission on queue b",
        "write permission on exchange attune-infra.move.b",
    } <= found


def test_a_tap_reads_its_own_queue() -> None:
    tapped = Binding(source="shop", destination="amq.gen-tap")
    case = Case(want=Topology.of([Exchange(name="shop", type="fanout")]), tapped=(tapped,))

    assert rights("tap", case) == [
        "configure permission on queue amq.gen-tap",
        "write permission on queue amq.gen-tap",
        "read permission on exchange shop",
        "read permission on queue amq.gen-tap",
    ]


PERMISSION = Permission(user="ann", configure="", write="", read="")


@pytest.mark.parametrize(
    ("items", "look", "change"),
    [
        ([Queue(name="q")], None, None),
        ([Policy(name="p", pattern="^q")], None, Tag.POLICYMAKER),
        ([OperatorPolicy(name="p", pattern="^q")], None, Tag.ADMINISTRATOR),
        ([Limit(name="max-queues", value=5)], None, Tag.ADMINISTRATOR),
        ([PERMISSION], Tag.ADMINISTRATOR, Tag.ADMINISTRATOR),
        ([PERMISSION, Limit(name="max-queues", value=5)], Tag.ADMINISTRATOR, Tag.ADMINISTRATOR),
        ([parameter_of("shovel", "s", {})], Tag.POLICYMAKER, Tag.POLICYMAKER),
        ([parameter_of("vendor", "x", 1), Policy(name="p", pattern="^q")], Tag.POLICYMAKER, Tag.POLICYMAKER),
        ([GlobalParameter(name="x", value=1)], Tag.POLICYMAKER, Tag.POLICYMAKER),
        ([parameter_of("shovel", "s", {}), Limit(name="max-queues", value=5)], Tag.POLICYMAKER, Tag.ADMINISTRATOR),
        ([parameter_of("shovel", "s", {}), PERMISSION], Tag.ADMINISTRATOR, Tag.ADMINISTRATOR),
    ],
)
def test_the_tag_follows_from_what_is_read_and_set(
    items: list[TopologyObject], look: Tag | None, change: Tag | None
) -> None:
    case = Case(want=Topology.of(items))

    assert (to_look(case), to_set(case)) == (look, change)
