"""Checks of what a broker holds, as values; tests/operations/test_verify.py asks a broker."""

from __future__ import annotations

import pytest

from attune_infra.errors import BrokerUnreachable, ExitCode
from attune_infra.topology.builtin import attune
from attune_infra.topology.model import Binding, Exchange, Policy, Queue, Topology, TopologyObject, VirtualHost
from attune_infra.topology.verify import Check, Code, Demands, Seen, Verdict, Wanted, verify
from attune_infra.topology.worker import with_workers


def checks(have: list[TopologyObject], want: list[TopologyObject]) -> dict[str, Check]:
    """Return the checks of a topology by their names, without the one of the connection."""
    wanted = Wanted.of(Topology.of(want), Demands())
    found = verify(Seen(http="4.3.6", amqp=None, topology=Topology.of(have)), wanted).checks
    return {check.name: check for check in found[1:]}


def test_a_missing_object_is_told_from_one_that_differs() -> None:
    want: list[TopologyObject] = [Exchange(name="e"), Queue(name="q"), Queue(name="r")]
    found = checks([Queue(name="q", durable=False), Queue(name="r")], want)

    assert {name: (check.verdict, check.detail) for name, check in found.items()} == {
        "exchange e": (Verdict.FAILED, "is missing"),
        "queue q": (Verdict.FAILED, "differs"),
        "queue r": (Verdict.PASSED, ""),
    }


def test_an_exchange_of_a_type_that_the_broker_lacks_has_the_remedy() -> None:
    want = Wanted.of(Topology.of([Exchange(name="e", type="x-random"), Queue(name="q")]), Demands())
    have = Topology(exchange_types=frozenset({"direct", "fanout", "headers", "topic"}))

    lacking, missing = verify(Seen(http="4.3.6", amqp=None, topology=have), want).checks[1:]

    assert (lacking.detail, bool(lacking.hint)) == (
        "is missing, and the broker has no exchange type x-random",
        True,
    )
    assert (missing.detail, missing.hint) == ("is missing", None)


def test_a_setting_that_the_release_ignores_is_a_warning() -> None:
    want: list[TopologyObject] = [VirtualHost(name="v", description="d", protected_from_deletion=True)]

    lacking = checks([VirtualHost(name="v", description="d")], want)["virtual host v"]
    differing = checks([VirtualHost(name="v", description="d", protected_from_deletion=False)], want)[
        "virtual host v"
    ]

    assert lacking.verdict is Verdict.WARNING
    assert lacking.detail.endswith("cannot protect a virtual host from deletion: virtual host v is not protected")
    assert differing.verdict is Verdict.FAILED
    assert checks(want, want)["virtual host v"].verdict is Verdict.PASSED


@pytest.mark.parametrize(
    ("pattern", "verdict"),
    [("^q$", Verdict.PASSED), ("^amq[.]topic$", Verdict.PASSED), ("^other$", Verdict.WARNING)],
)
def test_a_policy_that_nothing_obeys_is_a_warning(pattern: str, verdict: Verdict) -> None:
    policy = Policy(name="p", pattern=pattern, definition={"max-length": 5} if "q$" in pattern else ALTERNATE)
    objects: list[TopologyObject] = [Queue(name="q", type="classic"), policy]

    assert checks(objects, objects)["policy p"].verdict is verdict


ALTERNATE = {"alternate-exchange": "amq.fanout"}
DEAD = Queue(name="q", type="classic", arguments={"x-dead-letter-exchange": "dlx"})


@pytest.mark.parametrize(
    ("more", "verdict", "detail"),
    [
        ([], Verdict.FAILED, "go to exchange dlx, which is missing: they are lost"),
        ([Exchange(name="dlx")], Verdict.FAILED, "go to exchange dlx, which leads to no queue: they are lost"),
        (
            [Exchange(name="dlx"), Queue(name="end"), Binding(source="dlx", destination="end", routing_key="k")],
            Verdict.PASSED,
            "reach end through exchange dlx",
        ),
        (
            [Exchange(name="dlx"), Queue(name="end"), Binding(source="dlx", destination="end", routing_key="x")],
            Verdict.FAILED,
            "go to exchange dlx, which leads to no queue for the routing key 'k': they are lost",
        ),
    ],
)
@pytest.mark.parametrize("own_key", [True, False])
def test_dead_letters_must_arrive(
    more: list[TopologyObject], verdict: Verdict, detail: str, *, own_key: bool
) -> None:
    """Either the queue gives its dead letters a key, or they keep the one of its binding."""
    arguments = {**DEAD.arguments, **({"x-dead-letter-routing-key": "k"} if own_key else {})}
    queue = Queue(name="q", type="classic", arguments=arguments)
    own: list[TopologyObject] = [
        Exchange(name="in"),
        queue,
        Binding(source="in", destination="q", routing_key="other" if own_key else "k"),
    ]

    found = checks([*own, *more], [*own, *more])["dead letters of queue q"]

    assert (found.verdict, found.detail) == (verdict, detail)


def test_a_broker_that_does_not_answer_leaves_everything_open() -> None:
    found = verify(
        Seen(http=BrokerUnreachable("silent", hint="wait"), amqp=None), Wanted.of(Topology(), Demands())
    )

    assert [(check.verdict, check.detail, check.hint) for check in found.checks] == [
        (Verdict.UNKNOWN, "silent", "wait")
    ]
    assert found.exit_code is ExitCode.FAILED


@pytest.mark.parametrize(
    ("way", "verdict"),
    [
        ([Binding(source="inner", destination="end")], Verdict.PASSED),
        ([], Verdict.FAILED),
        ([Binding(source="inner", destination="gone", destination_type="exchange")], Verdict.FAILED),
    ],
)
def test_dead_letters_of_which_some_arrive_are_followed_through_exchanges(
    way: list[TopologyObject], verdict: Verdict
) -> None:
    objects = [
        Exchange(name="in", type="topic"),
        DEAD,
        Binding(source="in", destination="q", routing_key="orders.#"),
        Exchange(name="dlx", type="topic"),
        Exchange(name="inner", type="fanout"),
        Queue(name="end"),
        Binding(source="dlx", destination="inner", destination_type="exchange", routing_key="orders.new"),
        *way,
    ]

    assert checks(objects, objects)["dead letters of queue q"].verdict is verdict


@pytest.mark.parametrize(
    ("tags", "count", "verdict", "detail"),
    [
        (("worker-7",), 1, Verdict.PASSED, ""),
        (("worker-7",), None, Verdict.PASSED, ""),
        (("worker-7",), 0, Verdict.WARNING, "no consumer"),
        ((), None, Verdict.WARNING, "no consumer"),
        (("other",), 1, Verdict.WARNING, "is missing; other consumes instead"),
        (
            (),
            2,
            Verdict.WARNING,
            "unknown: the queue has 2 consumers, but the statistics have no consumer tags",
        ),
    ],
)
def test_the_consumer_of_a_worker(tags: tuple[str, ...], count: int | None, verdict: Verdict, detail: str) -> None:
    want = Wanted.of(attune(), Demands(worker_ids=(7,)))
    queue = "worker.7.executions"
    seen = Seen(
        http="4.3.6",
        amqp=None,
        topology=with_workers(attune(), (7,)),
        consumer_tags={queue: tags},
        consumer_counts={} if count is None else {queue: count},
    )

    [found] = [check for check in verify(seen, want).checks if check.code == Code.CONSUMER_PRESENT]

    assert (found.verdict, found.detail) == (verdict, detail)


def test_dead_letters_are_followed_through_alternate_exchanges() -> None:
    objects: list[TopologyObject] = [
        Exchange(name="in", type="topic"),
        DEAD,
        Binding(source="in", destination="q", routing_key="orders.#"),
        Exchange(name="dlx", type="topic", arguments={"alternate-exchange": "last"}),
        Exchange(name="last", type="direct"),
        Queue(name="end"),
        Binding(source="last", destination="end", routing_key="orders.new"),
    ]

    assert checks(objects, objects)["dead letters of queue q"].verdict is Verdict.PASSED
