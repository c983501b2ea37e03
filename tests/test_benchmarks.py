"""The harness of the benchmarks: cases, results and reports; no test depends on speed."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from attune_infra.broker.rabbitmq import RabbitMQ
from benchmarks.cases import Case, Scale, cases
from benchmarks.contestant import Call, Job
from benchmarks.documents import base, everything
from benchmarks.floors import Curl, Python
from benchmarks.match import install_all, rounds_of
from benchmarks.measure import Failed, Stopwatch
from benchmarks.moving import MOVING, SOURCE, TARGET, count_messages, fill
from benchmarks.ours import AttuneInfra
from benchmarks.peers.rascal import Rascal
from benchmarks.report import render_markdown, render_text
from benchmarks.results import AtMost, Below, Result, Run, Samples, Size
from benchmarks.verdict import over_target, verdict_lines
from benchmarks.workshop import Workshop, find_complaint
from support.as_a_user import Command
from support.folders import ROOT
from support.virtual_host import VirtualHost

pytestmark = pytest.mark.any_broker


def samples(name: str, *milliseconds: float, megabytes: float = 30, subject: bool = False) -> Samples:
    return Samples.of(name, [(each / 1000, megabytes) for each in milliseconds], subject=subject)


OURS = samples("attune-infra setup", 110, 90, 400, megabytes=34, subject=True)
RESULT = Result(
    name="setup",
    title="setup on an empty virtual host",
    samples=(OURS, samples("rascal", 260, 250, 240), samples("floor", 40), samples("start", 30)),
    absent={"Ansible": "it ended with exit code 4: unreachable"},
    targets=(
        AtMost(subject=OURS.name, times=0.5, fastest_of=("rascal",)),
        AtMost(subject=OURS.name, times=0.4, fastest_of=("rascal",)),
        AtMost(subject=OURS.name, times=2, fastest_of=("rascal", "floor"), called="of both", plus="start"),
        AtMost(subject=OURS.name, times=0.06, fastest_of=("Ansible",)),
        Below(subject=OURS.name, megabytes=34),
    ),
)
RUN = Run(
    machine={"machine": "2 cores of something"},
    versions={"RabbitMQ": "3.10.8", "rascal": "21.0.1"},
    results=(RESULT,),
    growth=(
        Size(workers=100, provision=samples("provision", 200), diff=samples("diff", 150)),
        Size(workers=1_100, provision=samples("provision", 1_200), diff=samples("diff", 250)),
    ),
)


def test_a_median_is_not_moved_by_one_slow_turn() -> None:
    assert OURS.milliseconds == pytest.approx(110)
    assert OURS.spread == pytest.approx((90, 400))
    assert OURS.peak == 34


def test_a_verdict_compares_ratios_with_those_of_the_last_run() -> None:
    slow = samples(OURS.name, 130, megabytes=34, subject=True)
    slower = replace(RUN, results=(replace(RESULT, samples=(slow, *RESULT.samples[1:])),))

    assert list(verdict_lines(slower, RUN)) == [
        "  0.52x  (SLOWER: 0.44x before)   setup: attune-infra setup at most 0.5x rascal",
        "  0.52x  (SLOWER: 0.44x before)   setup: attune-infra setup at most 0.4x rascal",
        "  2.50x  (SLOWER: 2.00x before)   setup: attune-infra setup at most 2x the fastest of both, plus start",
        "  1.00x  (as before: 1.00x)       setup: attune-infra setup below 34 MB",
        "4 over target",
        "  attune-infra setup at most 0.5x rascal: 0.52x, 130 of 125 ms",
        "  attune-infra setup at most 0.4x rascal: 0.52x, 130 of 100 ms",
        "  attune-infra setup at most 2x the fastest of both, plus start: 2.50x, 130 of 110 ms",
        "  attune-infra setup below 34 MB: 34 MB",
    ]
    assert "  0.44x  (faster: 0.52x before)   " in "\n".join(verdict_lines(RUN, slower))


def test_a_first_run_has_nothing_to_compare_with() -> None:
    told = list(verdict_lines(replace(RUN, results=()), None))

    assert told == ["no earlier run on this machine with this RabbitMQ is kept", "no ratio is over its target"]
    assert over_target(RUN)


def test_a_target_is_met_or_missed_or_not_known() -> None:
    assert [(each.met, each.why) for each in RESULT.verdicts] == [
        (True, "0.44x, 110 of 125 ms"),
        (False, "0.44x, 110 of 100 ms"),
        (True, "2.00x, 110 of 110 ms"),
        (None, "Ansible: it ended with exit code 4: unreachable"),
        (False, "34 MB"),
    ]


def test_the_report_aligns_its_tables_and_names_who_did_not_take_part() -> None:
    assert render_text(RUN) == (ROOT / "benchmarks/report.txt").read_text(encoding="utf-8")


def test_a_run_can_be_written_down_and_read_again() -> None:
    assert Run.from_json(RUN.to_json()) == RUN

    with pytest.raises(ValueError, match="this is no attune-infra/benchmark/1"):
        Run.from_json("{}")


def test_brokers_stand_side_by_side_in_the_documentation() -> None:
    newer = replace(RUN, versions={"RabbitMQ": "4.3.6", "compiled": "2.29.0"}, growth=())

    lines = render_markdown([RUN, newer]).splitlines()

    assert "|  | RabbitMQ 3.10.8 | RabbitMQ 4.3.6 |" in lines
    assert "| compiled | – | 2.29.0 |" in lines
    assert "| rascal | 250 (240..260), 30 | 250 (240..260), 30 |" in lines
    missed = "0.44x, 110 of 100 ms: MISSED"
    assert f"| attune-infra setup at most 0.4x rascal | {missed} | {missed} |" in lines
    unreachable = "Ansible: it ended with exit code 4: unreachable"
    assert f"- not measured on RabbitMQ 3.10.8, RabbitMQ 4.3.6: {unreachable}" in lines
    assert "| 1,100 | 1,200 | 1.091 | 1.000 | 30 | 250 | 0.227 | 0.100 | 30 |" in lines


@pytest.mark.parametrize("case", cases(Scale(), (4, 3)), ids=lambda case: case.name)
def test_a_case_measures_all_that_its_targets_name(case: Case) -> None:
    names = [entry.name for entry in case.entries]

    assert len(set(names)) == len(names)
    assert {name for target in case.targets for name in target.needs} <= set(names)
    assert {target.subject for target in case.targets} <= {entry.name for entry in case.entries if entry.subject}


def test_everybody_begins_a_round_once_and_the_slow_ones_sit_some_out() -> None:
    setup = cases(Scale(rounds=8), (3, 10))[0]

    rounds = [[entry.name for entry in entries] for entries in rounds_of(setup)]

    assert {names[0] for names in rounds} == {entry.name for entry in setup.entries}
    assert ["Ansible" in names for names in rounds] == [True, False, False, False] * 2


def test_one_who_cannot_be_had_is_named_with_the_reason(vhost: VirtualHost, tmp_path: Path) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PATH", str(tmp_path))
        ready = install_all(
            [Curl, Rascal], Workshop(cache=tmp_path, folder=tmp_path, rabbitmq_root=None, broker=vhost)
        )

    assert [str(each) for each in ready.values()] == ["curl is not installed", "node is not installed"]


def test_modules_whose_loading_is_measured_exist(tmp_path: Path) -> None:
    ours, nowhere = AttuneInfra(sys.executable), VirtualHost("/", amqp_url="", management_url="")
    job = Job(virtual_host=nowhere, document=base(tmp_path))

    for call in (*ours.load_to_read(job), *ours.load_to_verify(job), *ours.load_to_make(job)):
        subprocess.run([sys.executable, *call.argv[1:]], cwd=ROOT, check=True)


def test_a_process_is_timed_and_one_that_fails_is_no_sample() -> None:
    hungry = Call((sys.executable, "-c", "import os; b'x' * 50_000_000; os.environ['GIVEN']"), {"GIVEN": "1"})
    failing = Call((sys.executable, "-c", "raise SystemExit('no such queue')"))

    with Stopwatch() as stopwatch:
        seconds, megabytes = stopwatch.time([hungry, Call((sys.executable, "-c", "pass"))])
        with pytest.raises(Failed, match="it ended with exit code 1: no such queue"):
            stopwatch.time([failing])
        with pytest.raises(Failed, match="/nowhere/rabbitmqadmin: No such file or directory"):
            stopwatch.time([Call(("/nowhere/rabbitmqadmin",))])

    assert seconds > 0
    assert 50 < megabytes < 100


@pytest.mark.parametrize(
    ("output", "reason"),
    [
        ("+ queue a: created\nerror: no answer\nhint:  wait\n", "error: no answer"),
        ("Traceback\nKeyError: 'a'\n\n", "KeyError: 'a'"),
        ("", "it said nothing"),
    ],
)
def test_a_failure_is_told_in_the_words_of_the_program(output: str, reason: str) -> None:
    assert find_complaint(output) == reason


@pytest.mark.any_broker
@pytest.mark.transient_queues
def test_the_bare_stream_makes_what_the_program_wants_and_deletes_it(
    attune_infra: Command, vhost: VirtualHost, broker: RabbitMQ, tmp_path: Path
) -> None:
    document = everything(tmp_path, 40)

    with Stopwatch() as stopwatch:
        stopwatch.time(Python(sys.executable).stream(Job(virtual_host=vhost, document=document)))

    assert attune_infra("diff", "--worker", "1-40", "--worker-queue-ttl", "off").code == 0

    with Stopwatch() as stopwatch:
        stopwatch.time(Python(sys.executable).stream_deletions(Job(virtual_host=vhost, document=document)))

    assert broker.read().queues == {}


@pytest.mark.parametrize("kind", ["classic", "quorum"])
def test_a_queue_is_filled_before_its_messages_are_moved(vhost: VirtualHost, kind: str) -> None:
    fill(vhost, kind, 1_200, has_target=True)

    assert [count_messages(vhost, name) for name in (SOURCE, TARGET)] == [1_200, 0]


def test_the_help_names_every_case() -> None:
    command = [sys.executable, "-m", "benchmarks.bench", "--help"]
    environment = {**os.environ, "PYTHONPATH": f"{ROOT}:{ROOT / 'tests'}", "COLUMNS": "200"}

    told = subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout

    names = (*(case.name for case in cases(Scale(), (4, 0))), *MOVING)
    assert all(name in told for name in names)
