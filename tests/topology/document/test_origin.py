"""The place at which a document declares an object, a part of it, or the objects of a worker."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import pytest

from attune_infra.topology.document.origin import Origin, Spot
from attune_infra.topology.document.parse import parse_with_places
from attune_infra.topology.document.places import BUILT_IN, STDIN
from attune_infra.topology.document.problems import Problem
from attune_infra.topology.model import Binding, Exchange, Queue
from attune_infra.topology.worker import objects_of

DOCUMENT: Final = """\
exchanges:
  e: {type: topic}
queues:
  q:
    arguments:
      x-message-ttl: 60000
workers:
  consumer_tag: worker-{worker_id}
  queues:
    worker.{worker_id}.jobs:
      bindings:
        - {exchange: e, routing_key: 'worker.{worker_id}'}
    worker.{worker_id}.stop: {}
routes:
  - publish: {exchange: e, routing_key: a}
    reaches: []
"""


@pytest.fixture
def origin() -> Origin:
    topology, places = parse_with_places(DOCUMENT, source="x.yaml")
    return Origin("x.yaml", places, topology.workers)


def test_an_object_and_its_parts_have_places(origin: Origin) -> None:
    assert origin.spot_of(Exchange(name="e")) == Spot("x.yaml", 2, 3, 4)
    assert origin.spot_of(Queue(name="q"), "x-message-ttl") == Spot("x.yaml", 6, 7, 20)
    assert origin.spot_of(Queue(name="q"), "x-unknown") == Spot("x.yaml", 4, 3, 4)


def test_the_objects_of_a_worker_stand_where_the_family_is_declared(origin: Origin) -> None:
    assert origin.workers is not None
    jobs, stop, binding = objects_of(origin.workers, 7)

    assert origin.spot_of(jobs) == Spot("x.yaml", 10, 5, 28)
    assert origin.spot_of(stop) == Spot("x.yaml", 13, 5, 28)
    assert origin.spot_of(binding) == Spot("x.yaml", 12, 11)


def test_routes_and_faults_have_places(origin: Origin) -> None:
    topology, _ = parse_with_places(DOCUMENT, source="x.yaml")
    [route] = topology.routes

    assert origin.spot_of(route) == Spot("x.yaml", 15, 5)
    assert origin.spot_of(Problem(3, 4, "any")) == Spot("x.yaml", 3, 4)


@pytest.mark.parametrize(
    "item",
    [Queue(name="stray"), Queue(name="worker.0.jobs"), Binding(source="e", destination="worker.7.jobs")],
)
def test_an_undeclared_object_has_no_place(origin: Origin, item: Queue | Binding) -> None:
    assert origin.spot_of(item) is None


def test_without_a_file_there_is_no_place(origin: Origin) -> None:
    nowhere = Origin(None, origin.places, origin.workers)

    assert nowhere.spot_of(Queue(name="q")) is None
    assert nowhere.spot_of(Problem(3, 4, "any")) is None
    assert Origin("x.yaml").spot_of(Queue(name="q")) is None


@pytest.mark.parametrize("file", [STDIN, f"{BUILT_IN}attune", None])
def test_what_is_no_file_has_no_places(origin: Origin, file: str | None) -> None:
    assert replace(origin, file=file).at(1, 1) is None
    assert replace(origin, file="x.yaml").at(1, 1) == Spot("x.yaml", 1, 1)
