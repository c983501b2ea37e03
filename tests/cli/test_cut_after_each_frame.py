"""Connections that end behind each frame, in both directions: the command says so in a sentence."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest

from support.faults.chain import judge
from support.faults.ground import Laboratory, ground_for, laboratory
from support.faults.line import Harm, LineFault
from support.faults.plan import Plan, Profile, Protocol
from support.faults.subjects import SUBJECTS, Subject
from support.virtual_host import VirtualHost

COMMANDS = (
    "tap e --for 300ms --queue attune-infra.tap.test",
    "dlq show dead",
    "queue load LINES q",
    "queue purge q --yes",
    "verify --topology WANTED",
    "doctor",
    "worker list",
    "worker register --name two",
)


@pytest.fixture
def lab(vhost: VirtualHost, database_url: str, tmp_path: Path) -> Iterator[Laboratory]:
    with laboratory(vhost, database_url, tmp_path) as lab:
        yield lab


def places(profile: Profile, protocol: Protocol) -> Iterator[tuple[int, bool, int]]:
    """Yield each place behind a frame: the connection, the direction, and the byte."""
    for number, both in enumerate(profile.connections.get(protocol, ())):
        for upwards, ends in zip((True, False), both, strict=True):
            yield from ((number, upwards, end) for end in sorted(set(ends)))


@pytest.mark.parametrize("words", COMMANDS)
def test_a_reset_is_said_in_a_sentence(lab: Laboratory, words: str) -> None:
    [subject] = (each for each in SUBJECTS if each.words == words)
    wrong, happened = [], 0
    for protocol in (Protocol.AMQP, Protocol.POSTGRESQL):
        for plan, said in amid_each(lab, subject, protocol, Harm.RESET):
            happened += len([*plan.happened()])
            wrong += [f"{plan}: {said}"] if said else []

    assert not wrong, "\n".join(wrong)
    assert happened > 5


def test_a_database_that_falls_silent_is_given_up(lab: Laboratory) -> None:
    """The time-out of statements is the server's: it ends nothing if the line is dead."""
    [subject] = (each for each in SUBJECTS if each.words == "worker list")

    wrong = [f"{plan}: {said}" for plan, said in amid_each(lab, subject, Protocol.POSTGRESQL, Harm.HELD, every=4)]

    assert wrong
    assert [each for each in wrong if not each.endswith(": ")] == []


def amid_each(
    lab: Laboratory, subject: Subject, protocol: Protocol, harm: Harm, *, every: int = 1
) -> Iterator[tuple[Plan, str]]:
    """Run a command with harm behind each frame; yield the plan, and what is wrong with the run."""
    with ground_for(lab, subject, f"frames {lab.root.name}") as ground:
        ground.prepare(Random(1))  # noqa: S311 - it chooses tests
        ground.run(Plan())
        profile = Profile.of(lab.passages)
        for number, upwards, end in [*places(profile, protocol)][::every]:
            plan = Plan({protocol: [LineFault(number, upwards, end, harm)]})
            yield plan, judge(ground.run(plan, "--timeout", "500ms"))
