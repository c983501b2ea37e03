"""Dead letter queues: those in which dead letters stay, and nothing else comes."""

from __future__ import annotations

import pytest

from attune_infra.topology.document.parse import parse
from attune_infra.topology.facts.releases import NEWEST
from attune_infra.topology.routing.dead_letters import dead_letter_queues
from support.folders import EXAMPLES

TEXT = """
topology: letters
exchanges: {work: {type: direct}, dlx: {type: fanout}, unused: {type: fanout}}
queues:
  jobs: {arguments: {x-dead-letter-exchange: dlx}, bindings: [{exchange: work, routing_key: jobs}]}
  retry: {arguments: {x-dead-letter-exchange: work, x-message-ttl: 1000}, bindings: [{exchange: dlx}]}
  dead: {bindings: [{exchange: dlx}]}
  mixed: {bindings: [{exchange: dlx}, {exchange: work, routing_key: mixed}, {exchange: unused}]}
  named: {arguments: {x-dead-letter-exchange: '', x-dead-letter-routing-key: straight}}
  straight: {}
  plain: {}
"""


def test_only_the_end_of_the_way_counts() -> None:
    topology = parse(TEXT, source="letters.yaml")

    assert dead_letter_queues(topology, NEWEST) == {"dead", "straight"}


@pytest.mark.parametrize(
    ("file", "queues"),
    [
        ("work-queues-with-retries.yaml", {"work.dead.queue"}),
        ("attune-durable-workers.yaml", {"attune.dlx.queue"}),
    ],
)
def test_those_of_the_examples(file: str, queues: set[str]) -> None:
    topology = parse((EXAMPLES / file).read_text(encoding="utf-8"), source=file)

    assert dead_letter_queues(topology, NEWEST) == queues
