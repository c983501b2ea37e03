import pytest

from attune_infra.topology.document.parse import parse
from attune_infra.topology.model import Message, Route
from support.problems import document_problems


def test_routes_are_read_with_their_places() -> None:
    topology = parse(
        """\
exchanges: {e: {}}
queues: {q: {}}
workers: {queues: {'w.{worker_id}': {}}}
routes:
  - {publish: {exchange: e, routing_key: k, headers: {n: 1, CC: [a]}}, reaches: [q, w.7]}
  - publish: {exchange: amq.default}
    reaches: []
""",
        source="x.yaml",
    )

    message = Message(exchange="e", routing_key="k", headers={"n": 1, "CC": ["a"]})
    assert topology.routes == (
        Route(publish=message, reaches=("q", "w.7")),
        Route(publish=Message(exchange=""), reaches=()),
    )
    assert [route.place for route in topology.routes] == [(5, 5), (6, 5)]


@pytest.mark.parametrize(
    ("route", "problem"),
    [
        ("{publish: {exchange: e}}", "4:10: a route has no reaches"),
        ("{reaches: []}", "4:10: a route has no publish"),
        ("null", "4:10: a route has no publish"),
        (
            "{publish: {}, reaches: []}",
            "4:20: publish has no exchange; write amq.default for the default exchange",
        ),
        ("{publish: {exchange: ex}, reaches: []}", "4:31: no exchange 'ex' in this document; did you mean 'e'?"),
        ("{publish: {exchange: e}, reaches: [qu]}", "4:45: no queue 'qu' in this document; did you mean 'q'?"),
        ("{publish: {exchange: e}, reaches: [w.0]}", "4:45: no queue 'w.0' in this document"),
        (
            "{publish: {exchange: e}, reaches: null}",
            "4:44: reaches must be a list; write [] if the message reaches no queue",
        ),
        (
            "{publish: {exchange: e}, reaches: []}, {publish: {exchange: e}, reaches: [q]}",
            "4:49: duplicate route; the one in line 4 publishes the same message",
        ),
    ],
)
def test_what_is_wrong_with_a_route_is_named(route: str, problem: str) -> None:
    around = "exchanges: {e: {}}\nqueues: {q: {}}\nworkers: {queues: {'w.{worker_id}': {}}}\n"

    assert f"x.yaml:{problem}" in document_problems(f"{around}routes: [{route}]\n")
