"""Several virtual hosts as one graph."""

from __future__ import annotations

import json

import pytest

from attune_infra.errors import InvalidInput
from attune_infra.render.graph.dot import dot
from attune_infra.render.graph.html import html
from attune_infra.render.graph.layout import lay_out
from attune_infra.topology.document.parse import parse
from attune_infra.topology.graph.build import MAX_NUMBERED_QUEUES
from attune_infra.topology.graph.focus import focus_in_each
from attune_infra.topology.graph.group import GroupBy, collapse, frame_virtual_hosts, group
from attune_infra.topology.graph.several import graph_of_several
from attune_infra.topology.graph.values import Graph
from attune_infra.topology.lint.linter import lint
from attune_infra.topology.model import Message

NUMBERED = ", ".join(f"n.{number}: {{}}" for number in range(MAX_NUMBERED_QUEUES + 1))
WHOLE = parse(
    f"""\
virtual_hosts:
  a:
    exchanges: {{orders: {{type: topic}}}}
    queues: {{jobs: {{bindings: [{{exchange: orders, routing_key: new}}]}}}}
    shovels:
      here: {{src-uri: 'amqp:///a', src-queue: jobs, dest-uri: 'amqp:///b%2Fc', dest-queue: jobs}}
      gone: {{src-uri: 'amqp:///a', src-queue: jobs, dest-uri: 'amqp:///b%2Fc', dest-exchange: gone}}
      own: {{src-uri: 'amqp:///b%2Fc', src-queue: n.3, dest-uri: 'amqp:///b%2Fc', dest-exchange: amq.topic}}
      away: {{src-uri: 'amqp://there/v', src-queue: q, dest-uri: 'amqp:///a', dest-queue: jobs}}
  b/c:
    exchanges: {{orders: {{type: fanout}}, other: {{}}}}
    queues: {{jobs: {{bindings: [{{exchange: orders}}]}}, {NUMBERED}}}
    shovels:
      back: {{src-uri: 'amqp:///b%2Fc', src-queue: jobs, dest-uri: ['amqp://there/v'], dest-queue: q}}
      none: {{src-uri: 'amqp:///b%2Fc', src-queue: jobs, dest-uri: 'amqp:///d', dest-queue: q}}
""",
    source="it",
).virtual_hosts


def drawn(*, message: Message | None = None) -> Graph:
    findings = {name: lint(each, beside=WHOLE).findings for name, each in WHOLE.items()}
    return graph_of_several(WHOLE, name="shop", findings=findings, message=message)


def links(graph: Graph) -> set[tuple[str, str, tuple[str, ...]]]:
    return {
        (graph.nodes[each.source].id, graph.nodes[each.target].id, each.labels)
        for each in graph.edges
        if each.kind == "shovel"
    }


def test_shovels_lead_from_one_virtual_host_to_another() -> None:
    jobs = "queue jobs in virtual host a"
    theirs = "queue jobs in virtual host b/c"

    assert links(drawn()) == {
        (jobs, theirs, ("here",)),
        (jobs, "exchange gone in virtual host b/c", ("gone",)),
        ("queue n.{n} in virtual host b/c", "exchange amq.topic in virtual host b/c", ("own",)),
        ("broker there/v", jobs, ("away",)),
        (theirs, "broker there/v", ("back",)),
        (theirs, "broker virtual host d", ("none",)),
    }
    [missing] = [each for each in drawn().nodes if each.kind == "missing"]
    assert (missing.name, missing.detail) == ("gone", "missing exchange")
    [marked] = [each for each in drawn().edges if "AI092" in each.codes]
    assert marked.labels == ("gone",)
    ids = [each.id for each in drawn().nodes]
    assert len(ids) == len(set(ids))


def test_each_virtual_host_is_a_group_without_other_brokers() -> None:
    graph = frame_virtual_hosts(drawn())

    assert [(each.name, graph.queues_in(each)) for each in graph.groups] == [
        ("virtual host a", 1),
        ("virtual host b/c", 1 + MAX_NUMBERED_QUEUES + 1),
    ]
    grouped = {member for each in graph.groups for member in each.members}
    outside = {node.name for number, node in enumerate(graph.nodes) if number not in grouped}
    assert outside == {"there/v", "virtual host d"}
    assert 'label="virtual host b/c: 7 queues"' in dot(graph)


@pytest.mark.parametrize("by", [GroupBy.PREFIX, GroupBy.EXCHANGE])
def test_groups_are_collapsed_within_each(by: GroupBy) -> None:
    graph = frame_virtual_hosts(collapse(group(drawn(), by)))

    assert [(each.name, graph.queues_in(each)) for each in graph.groups] == [
        ("virtual host a", 1),
        ("virtual host b/c", 1 + MAX_NUMBERED_QUEUES + 1),
    ]
    assert {each.virtual_host for each in graph.nodes if each.kind == "group"} <= {"a", "b/c"}


def test_the_focus_is_on_each_queue_of_the_name() -> None:
    near = focus_in_each(drawn(), "jobs", 0, WHOLE)

    assert {each.id for each in near.nodes} == {"queue jobs in virtual host a", "queue jobs in virtual host b/c"}
    assert [each.labels for each in near.edges] == [("here",)]
    only = focus_in_each(drawn(), "other", 1, WHOLE)
    assert [each.id for each in only.nodes] == ["exchange other in virtual host b/c"]
    with pytest.raises(InvalidInput, match="no queue and no exchange 'job'; did you mean 'jobs'"):
        focus_in_each(drawn(), "job", 1, WHOLE)


def test_a_message_is_highlighted_where_its_exchange_is() -> None:
    both = drawn(message=Message(exchange="orders", routing_key="new"))
    one = drawn(message=Message(exchange="other", routing_key="new"))

    assert {each.id for each in both.nodes if each.highlighted} == {
        f"{what} in virtual host {vhost}" for what in ("exchange orders", "queue jobs") for vhost in WHOLE
    }
    assert {each.id for each in one.nodes if each.highlighted} == {"exchange other in virtual host b/c"}


def test_a_page_tells_nodes_of_one_name_apart() -> None:
    page = html(lay_out(frame_virtual_hosts(drawn())))

    data = json.loads(page.partition('<script id="graph" type="application/json">')[2].partition("</script>")[0])
    assert {"queue jobs in virtual host a", "queue jobs in virtual host b/c"} <= set(data["ids"])
    assert {each["id"] for each in data["nodes"]} == set(data["ids"])
    assert "virtual host b/c: 7 queues" in page
