"""Many workers: those with whom all is well are taken together, the others are spoken of one by one."""

from collections.abc import Iterable

from attune_infra.fleet.provision import Provisioned
from attune_infra.render.pages import provision, verify
from attune_infra.render.text import Line
from attune_infra.render.words import MAX_WORKERS_SHOWN
from attune_infra.topology import builtin
from attune_infra.topology.diff import Difference
from attune_infra.topology.model import Binding, Exchange, Queue, Topology, WorkerFamily
from attune_infra.topology.planning.report import Outcome, Report, Status
from attune_infra.topology.verify import Check, Code, Demands, Seen, Verdict, Verification, Wanted
from attune_infra.topology.verify import verify as verify_seen
from attune_infra.topology.worker import objects_of, worker_family

FAMILY = worker_family(builtin.attune())
BINDING = "binding attune.executions -> worker.7.executions with routing key worker.7"


def provisioned(count: int, *, failing: int) -> list[str]:
    outcomes = [
        Outcome(item, Status.FAILED, "refused") if each == failing else Outcome(item, Status.CREATED)
        for each in range(1, count + 1)
        for item in objects_of(FAMILY, each)
    ]
    found = Provisioned(tuple(range(1, count + 1)), True, FAMILY, Report(tuple(outcomes)))
    return texts(provision.lines(found))


def verified(count: int, *, failing: int) -> list[str]:
    checks = [
        Check(
            Code.QUEUE_MATCHES,
            None,
            f"queue {each}",
            Verdict.FAILED if each == failing else Verdict.PASSED,
            worker_id=each,
        )
        for each in range(1, count + 1)
    ]
    return texts(
        verify.lines(Verification.of((Check(Code.QUEUE_MATCHES, None, "exchange e", Verdict.PASSED), *checks)))
    )


def texts(lines: Iterable[Line]) -> list[str]:
    return [line.text for line in lines]


def test_many_are_provisioned_in_a_line_but_for_those_that_are_not() -> None:
    assert provisioned(2000, failing=7) == [
        "! queue worker.7.executions could not be created: refused",
        f"! {BINDING} could not be created: refused",
        "! worker 7 is not provisioned",
        "  workers 1-6, 8-2000 provisioned: their queues and bindings match",
        "2000 workers, 4000 objects: 3998 created, 2 failed",
    ]


def test_of_few_each_is_told() -> None:
    lines = provisioned(MAX_WORKERS_SHOWN, failing=7)

    assert sum(line.endswith(": its queue and binding match") for line in lines) == MAX_WORKERS_SHOWN - 1
    assert len(verified(MAX_WORKERS_SHOWN, failing=7)) == MAX_WORKERS_SHOWN + 2


def test_what_is_said_of_many_alike_is_said_once() -> None:
    checks = [
        Check(
            Code.QUEUE_MATCHES,
            None,
            f"queue worker.{each}.q",
            Verdict.FAILED,
            "is missing",
            hint=f"is {each} there?",
            worker_id=each,
            template="queue worker.{worker_id}.q",
        )
        for each in range(1, 2001)
    ]
    another = Check(
        Code.QUEUE_MATCHES, None, "queue worker.7.q", Verdict.FAILED, "exists, but its state is down", worker_id=7
    )

    assert texts(verify.lines(Verification.of((*checks, another)))) == [
        "failed   queue worker.{worker_id}.q: is missing (workers 1-2000)",
        "failed   queue worker.7.q: exists, but its state is down",
        "2001 checks: 2001 failed",
    ]


def test_a_group_holds_every_worker_whatever_else_its_names_contain() -> None:
    family = WorkerFamily(
        consumer_tag="v1.{worker_id}",
        queues=(Queue(name="v1.worker.{worker_id}"),),
        bindings=(Binding(source="e1", destination="v1.worker.{worker_id}", routing_key="1.{worker_id}"),),
    )
    topology = Topology.of([Exchange(name="e1")], workers=family)
    demands = Demands(worker_ids=tuple(range(1, 31)))
    seen = Seen(http="4.0.5", amqp="4.0.5", topology=topology)

    assert texts(verify.lines(verify_seen(seen, Wanted.of(topology, demands)))) == [
        "passed   broker answers over HTTP: RabbitMQ 4.0.5",
        "passed   broker answers over AMQP: RabbitMQ 4.0.5",
        "passed   exchange e1",
        "failed   queue v1.worker.{worker_id}: is missing (workers 1-30)",
        "failed   binding e1 -> v1.worker.{worker_id} with routing key 1.{worker_id}: is missing (workers 1-30)",
        "63 checks: 3 passed, 60 failed",
    ]


def test_what_differs_is_told_of_each() -> None:
    differing = (Difference("durable", have=False, want=True),)
    checks = [
        Check(
            Code.QUEUE_MATCHES,
            None,
            f"queue {each}",
            Verdict.FAILED,
            "differs",
            worker_id=each,
            differences=differing,
        )
        for each in range(1, 101)
    ]

    assert len(texts(verify.lines(Verification.of(checks)))) == 2 * 100 + 1


def test_checks_of_many_are_a_line_but_for_those_that_did_not_pass() -> None:
    assert verified(2000, failing=7) == [
        "passed   exchange e",
        "failed   queue 7",
        "passed   1999 checks of workers 1-6, 8-2000",
        "2001 checks: 2000 passed, 1 failed",
    ]
