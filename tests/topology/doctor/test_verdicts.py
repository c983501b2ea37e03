"""Verdicts on states that no test brings a broker into: partitions, maintenance, open files, counted limits."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from attune_infra.errors import BrokerError, BrokerUnreachable, ExitCode, StrangeAnswer
from attune_infra.topology.doctor.broker import alarm_checks, feature_checks, version_checks
from attune_infra.topology.doctor.certificates import Certificate, Handshake, TlsFile
from attune_infra.topology.doctor.connections import (
    MAX_CLOCK_DIFFERENCE,
    MIN_CERTIFICATE_DAYS,
    clock_check,
    tls_checks,
)
from attune_infra.topology.doctor.diagnosis import (
    Check,
    Diagnosis,
    Topic,
    Verdict,
    judged,
    ok,
    problem,
    unknown,
)
from attune_infra.topology.doctor.limits import connection_limits, limit_checks
from attune_infra.topology.doctor.seen import Broker, FeatureFlag, Limit, Node, Seen, Server
from attune_infra.topology.facts.refusals import ForeseenRefusal, RefusalCode, Restrictions
from attune_infra.topology.model import Queue, Topology

NOW = datetime(2026, 11, 28, tzinfo=UTC)


def broker(**changes: Any) -> Broker:
    values: dict[str, Any] = {
        "cluster": "c",
        "virtual_host": "v",
        "statistics": True,
        "clock_ahead": 0.0,
        "topology": Topology.of(()),
        "restrictions": Restrictions(),
        "alarms": (),
        "nodes": [Node(name="n@a", running=True)],
        "stopped_virtual_hosts": False,
        "used_features": (),
        "tells_denied": True,
        "flags": (),
        "connections_of_virtual_host": None,
        "connections_of_user": None,
        "channels_of_user": None,
    }
    return Broker(**(values | changes))


def problems(checks: Any) -> list[Check]:
    return [check for check in checks if check.verdict is Verdict.PROBLEM]


@pytest.mark.parametrize(
    ("node", "words"),
    [
        (Node(name="n@a", running=True, partitions=["n@b"]), "the cluster is partitioned"),
        (Node(name="n@a", running=True, draining=True), "maintenance mode"),
        (Node(name="n@a", running=True, files_used=96, files=100), "96 of 100 file descriptors"),
    ],
)
def test_a_node_in_trouble(node: Node, words: str) -> None:
    [found] = problems(alarm_checks(broker(nodes=[node])))

    assert found.name == "node n@a"
    assert words in found.detail


def test_a_node_with_a_few_open_files_is_well() -> None:
    assert problems(alarm_checks(broker(nodes=[Node(name="n@a", running=True, files_used=90, files=100)]))) == []


def test_a_virtual_host_that_stopped() -> None:
    [found] = problems(alarm_checks(broker(stopped_virtual_hosts=True)))

    assert found.run == ("rabbitmqctl restart_vhost -p v",)


def test_a_list_that_could_not_be_had_is_unknown() -> None:
    checks = list(alarm_checks(broker(nodes=BrokerUnreachable("no answer", hint="wait"))))

    assert unknown(Topic.NODES, "nodes", "no answer", "wait") in checks


@pytest.mark.parametrize(
    ("limit", "verdict"),
    [
        (None, Verdict.OK),
        (Limit(20, 4), Verdict.OK),
        (Limit(20, 5), Verdict.PROBLEM),
        (Limit(15, None), Verdict.PROBLEM),
        (Limit(16, None), Verdict.UNKNOWN),
    ],
)
def test_channels(limit: Limit | None, verdict: Verdict) -> None:
    *_, found = limit_checks(broker(channels_of_user=limit), "ann", (), channels=16, connected=True)

    assert (found.name, found.verdict) == ("channels of user ann", verdict)


def test_only_a_limit_that_is_reached_explains_a_refused_connection() -> None:
    assert list(connection_limits(broker(connections_of_user=Limit(5, 4)), "ann")) == []
    [found] = connection_limits(broker(connections_of_user=Limit(5, 5), channels_of_user=Limit(9, 0)), "ann")
    assert found.run == ("""rabbitmqctl set_user_limits ann '{"max-connections": 6, "max-channels": 9}'""",)


@pytest.mark.parametrize("sign", [1, -1])
def test_clocks(sign: int) -> None:
    assert clock_check("clock", sign * MAX_CLOCK_DIFFERENCE).verdict is Verdict.OK
    assert clock_check("clock", sign * (MAX_CLOCK_DIFFERENCE + 1)).verdict is Verdict.PROBLEM


@pytest.mark.parametrize(
    ("since", "until", "verdict"),
    [
        (-9, MIN_CERTIFICATE_DAYS + 1, Verdict.OK),
        (-9, MIN_CERTIFICATE_DAYS - 1, Verdict.WARNING),
        (-9, -1, Verdict.PROBLEM),
        (1, 99, Verdict.PROBLEM),
    ],
)
def test_days_of_each_certificate_of_a_chain(since: int, until: int, verdict: Verdict) -> None:
    chain = [
        Certificate("certificate of the server", NOW - timedelta(days=9), NOW + timedelta(days=90)),
        Certificate("certificate 2 of its chain", NOW + timedelta(days=since), NOW + timedelta(days=until)),
    ]
    server = Server(protocol="AMQP", address="a:5671", user="u", answer="4.0.5", tls=Handshake(certificates=chain))

    *_, found = tls_checks(Seen(servers=[server], now=NOW))

    assert found.verdict is verdict


def test_exit_codes() -> None:
    well, ill, open_ = (
        ok(Topic.TRUSTED, "a"),
        problem(Topic.TRUSTED, "b", "why"),
        unknown(Topic.TRUSTED, "c", "why"),
    )

    assert Diagnosis((well,)).exit_code is ExitCode.DONE
    assert Diagnosis((well, open_)).exit_code is ExitCode.DONE
    assert Diagnosis((well, open_), strict=True).exit_code is ExitCode.FAILED
    assert Diagnosis((ill, open_), strict=True).exit_code is ExitCode.DRIFT
    assert Diagnosis((ill, open_), answered=False).exit_code is ExitCode.FAILED


@pytest.mark.parametrize(
    ("running", "flag", "found"),
    [(1, True, True), (2, True, False), (1, False, False)],
)
def test_a_metadata_store_without_a_majority_is_a_problem(running: int, *, flag: bool, found: bool) -> None:
    """Only Khepri needs one."""
    nodes = [Node(name=f"n@{number}", running=number < running) for number in range(3)]
    flags = [FeatureFlag(name="khepri_db", enabled=flag, stability="stable")]

    named = {check.name: check.detail for check in problems(alarm_checks(broker(nodes=nodes, flags=flags)))}

    assert ("majority of the nodes" in named) is found
    if found:
        assert named["majority of the nodes"].startswith("1 of 3 runs, which is no majority: ")


@pytest.mark.parametrize(
    ("error", "verdict"),
    [
        (StrangeAnswer("no JSON", hint="a proxy?"), Verdict.PROBLEM),
        (BrokerError("busy", hint="wait"), Verdict.UNKNOWN),
    ],
)
def test_an_answer_that_is_not_rabbitmqs_is_a_problem(error: BrokerError, verdict: Verdict) -> None:
    [found] = judged(Topic.TRUSTED, "a", error, lambda _: iter(()))

    assert (found.verdict, found.detail, found.fix) == (verdict, error.sentence, error.hint)


def test_the_limit_of_queues_is_a_problem_only_if_one_more_is_wanted() -> None:
    full = broker(topology=Topology.of([Queue(name="a")]), restrictions=Restrictions(max_queues=1))
    beyond = [ForeseenRefusal(Queue(name="b"), RefusalCode.QUEUE_LIMIT, "no room", "raise the limit")]

    [room], [none] = (
        list(limit_checks(full, "ann", refusals, channels=0, connected=True)) for refusals in ((), beyond)
    )

    assert (room.verdict, room.detail) == (Verdict.OK, "1 of 1")
    assert (none.verdict, none.detail) == (Verdict.PROBLEM, "1 are allowed and 1 are there; 1 more are needed")
    assert none.run == ("""rabbitmqctl set_vhost_limits -p v '{"max-queues": 2}'""",)


def test_the_days_of_a_certificate_are_counted() -> None:
    def told(days: int) -> tuple[str, str]:
        tls = Handshake(certificates=[Certificate("its one", NOW - timedelta(days=9), NOW + timedelta(days=days))])
        server = Server(protocol="AMQP", address="a:5671", user="u", answer="4.0.5", tls=tls)
        *_, found = tls_checks(Seen(servers=[server], now=NOW))
        return found.name, found.detail

    assert told(90) == ("days of a:5671", "valid for 90 days, to 2027-02-26")
    assert told(2) == ("its one, a:5671", "it expires in 2 days, on 2026-11-30")
    assert told(1)[1].startswith("it expires in 1 day, ")


@pytest.mark.parametrize(
    ("flag", "found"),
    [
        (FeatureFlag(name="quorum_queue", enabled=True, stability="stable"), [(Verdict.OK, ())]),
        (FeatureFlag(name="khepri_db", enabled=False, stability="experimental"), [(Verdict.OK, ())]),
        (
            FeatureFlag(name="quorum_queue", enabled=False, stability="stable"),
            [(Verdict.PROBLEM, ("rabbitmqctl enable_feature_flag quorum_queue",))],
        ),
        (
            FeatureFlag(name="stream_queue", enabled=False, stability="stable"),
            [(Verdict.WARNING, ("rabbitmqctl enable_feature_flag all",))],
        ),
    ],
)
def test_a_flag_that_is_off_matters_now_to_who_needs_it(
    flag: FeatureFlag, found: list[tuple[Verdict, tuple[str, ...]]]
) -> None:
    checks = feature_checks(broker(flags=[flag]), Topology.of([Queue(name="q", type="quorum")]))

    assert [(each.verdict, each.run) for each in checks if each.topic is Topic.FLAGS] == found


@pytest.mark.parametrize(
    ("version", "verdict"),
    [("3.9.9", Verdict.UNKNOWN), ("3.10.0", Verdict.OK), ("4.3.6", Verdict.OK), ("5.0.0", Verdict.UNKNOWN)],
)
def test_only_some_releases_were_tried(version: str, verdict: Verdict) -> None:
    [found] = version_checks(version, Topology(), None, broker())

    assert (found.topic, found.verdict) == (Topic.RELEASE, verdict)


@pytest.mark.parametrize(
    ("untrusted", "until", "verdicts"),
    [(None, 90, [Verdict.OK]), ("no authority", 90, [Verdict.PROBLEM]), ("no authority", -1, [])],
)
def test_a_chain_is_trusted_or_its_end_says_why_not(
    untrusted: str | None, until: int, verdicts: list[Verdict]
) -> None:
    certificates = [Certificate("its one", NOW - timedelta(days=9), NOW + timedelta(days=until))]
    tls = Handshake(certificates=certificates, untrusted=untrusted)
    server = Server(protocol="AMQP", address="a:5671", user="u", answer="4.0.5", tls=tls)

    checks = tls_checks(Seen(servers=[server], now=NOW))

    assert [each.verdict for each in checks if each.topic is Topic.TRUSTED] == verdicts


@pytest.mark.parametrize(
    ("certificates", "topics"),
    [
        ([], []),
        (BrokerUnreachable("no such file", hint="look"), [Topic.CERTIFICATE_FILE]),
        ([Certificate("its one", NOW - timedelta(days=9), NOW - timedelta(days=1))], [Topic.VALIDITY]),
    ],
)
def test_files_of_this_machine_are_checked_too(certificates: Any, topics: list[Topic]) -> None:
    found = tls_checks(Seen(servers=[], files=[TlsFile(title="the file", certificates=certificates)], now=NOW))

    assert [each.topic for each in problems(found)] == topics


def test_a_limit_of_the_virtual_host_explains_a_refused_connection_too() -> None:
    full = broker(connections_of_virtual_host=Limit(5, 5), restrictions=Restrictions(max_queues=7))

    [found] = connection_limits(full, "ann")

    assert found.name == "connections of virtual host 'v'"
    assert found.run == ("""rabbitmqctl set_vhost_limits -p v '{"max-connections": 6, "max-queues": 7}'""",)
