"""A plan in a file: it is read as it was written, or refused."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace

import pytest

from attune_infra.errors import InvalidInput, PlanRefused
from attune_infra.topology.planning.saved import SavedPlan, read_plan
from attune_infra.topology.target import Target

PLAN = SavedPlan(
    digest="d",
    cluster="c",
    virtual_host="/",
    source="x.yaml",
    text="queues: {ö: {}}",
    vhost=None,
    worker_queue_ttl=None,
    workers=(1, 2),
    prune=True,
    made_at="now",
    made_by="ann",
    changes=({"kind": "queue"},),
)


def resealed(**changes: object) -> str:
    """Return a file with other values, sealed by somebody who knows how."""
    held = {**json.loads(PLAN.to_json()), **changes}
    for name in ("seal", "schema"):
        held.pop(name)
    held = {name: value for name, value in held.items() if value != "left out"}
    seal = hashlib.sha256(json.dumps(held, sort_keys=True).encode()).hexdigest()
    return json.dumps({"schema": "s", **held, "seal": seal})


def test_a_plan_is_read_as_it_was_written() -> None:
    assert read_plan(PLAN.to_json(), "x.plan") == PLAN
    assert "ö" in PLAN.to_json()
    assert PLAN.to_json().endswith("}\n")


def test_a_changed_file_is_refused() -> None:
    with pytest.raises(PlanRefused, match=r"x\.plan was changed after the plan was made; nothing was changed"):
        read_plan(PLAN.to_json().replace('"digest": "d"', '"digest": "e"'), "x.plan")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "5",
        "{}",
        PLAN.to_json().replace('"cluster"', '"clster"'),
        resealed(more=1),
        resealed(cluster="left out"),
        "[" * 100_000,
    ],
    ids=["nothing", "a list", "a number", "no keys", "another key", "one more", "one less", "deep"],
)
def test_a_file_that_is_no_plan_is_named(text: str) -> None:
    with pytest.raises(InvalidInput, match=r"x\.plan is no plan that can be read"):
        read_plan(text, "x.plan")


@pytest.mark.parametrize(
    ("name", "value"),
    [("workers", "12"), ("changes", None), ("prune", 1), ("vhost", 5), ("worker_queue_ttl", "5"), ("text", None)],
)
def test_a_value_of_a_wrong_type_is_named(name: str, value: object) -> None:
    with pytest.raises(InvalidInput, match=rf"x\.plan is no plan that can be read: {name} is of a wrong type"):
        read_plan(resealed(**{name: value}), "x.plan")


def test_the_plan_of_several_virtual_hosts_is_for_those_of_one_cluster() -> None:
    plan = replace(PLAN, virtual_host="", virtual_hosts=("a", "b"))
    here = Target(cluster="c", version="4.3", virtual_host="b", user="guest")

    assert read_plan(plan.to_json(), "x.plan") == plan
    plan.refuse_elsewhere(here, "x.plan")
    for elsewhere in (replace(here, virtual_host="d"), replace(here, cluster="d")):
        with pytest.raises(PlanRefused, match="is a plan for virtual host a and b of cluster c"):
            plan.refuse_elsewhere(elsewhere, "x.plan")
    assert plan.chosen_of(("a", "b")) == ()
    assert plan.chosen_of(("a", "b", "d")) == ("a", "b")
