"""A chain: one command amid faults, again and again, and at last without any. What is wrong is said."""

from __future__ import annotations

import json
import re
import time
from contextlib import suppress
from dataclasses import dataclass, field
from difflib import unified_diff
from random import Random
from secrets import token_hex
from typing import Final

from attune_infra.topology.diff import diff
from support.as_a_user import Result
from support.contract import check_contract
from support.faults.ground import Ground, Laboratory, ground_for
from support.faults.plan import Plan, Profile, make_plan
from support.faults.subjects import BYSTANDERS, MESSAGES, State, Subject, Tally
from support.told import UNTOLD, told

UNKNOWN_AT_TIMES: Final = UNTOLD | {"redelivered", "target"}
"""Keys of a result that differ from run to run: the target is told only of a broker that answers."""
TIMEOUT: Final = "500ms"
MAX_SECONDS: Final = 30.0
"""Seconds in which a command has to end, whatever happens; it waits for half a second at a time."""
_SETTLING: Final = 5.0
"""Seconds in which a broker gives back the messages of a connection that was cut."""
_MOST_RUNS: Final = {True: 8, False: 16}
"""Runs of a changing and of a reading command in one chain."""
_OTHERS: Final = frozenset({"connections", "alarms", "features"})
"""Sections of `doctor` that faults, or other chains, may change."""
_PROBE: Final = re.compile(r"attune-infra probe \w+")


@dataclass
class Chain:
    """The outcome of a chain: the faults that came to pass, each with the exit code of its run; what is wrong."""

    number: int
    words: str
    command: str
    faults: list[tuple[str, int]] = field(default_factory=list)
    runs: int = 0
    wrong: list[str] = field(default_factory=list)
    named: set[str] = field(default_factory=set)
    """Temporary virtual hosts that a command has named."""

    def note(self, plan: Plan, wrong: str) -> None:
        """Note what is wrong after a plan, if anything is."""
        if wrong:
            self.wrong.append(f"{self.number}: `{self.words}`, {plan}: {wrong}")


def record(lab: Laboratory, subject: Subject) -> tuple[Profile, str]:
    """Return the profile of a command without faults, and the part of its goal that it does not reach."""
    with ground_for(lab, subject, f"recorded {token_hex(4)}") as ground:
        ground.prepare(Random(subject.words))  # noqa: S311 - it chooses tests
        result = ground.run(Plan())
        profile = Profile.of(lab.passages)
        wrong = judge_again(ground, result, Tally(1, result.code == 0, confirmed_in(result)))
    return profile, wrong and f"`{subject.words}` without a fault: {wrong}"


def run_chain(lab: Laboratory, subject: Subject, profile: Profile, seed: int, number: int) -> Chain:
    """Run a command amid random faults, up to some times, and then without; return what happened."""
    random = Random(f"{seed} {number}")  # noqa: S311 - it chooses tests
    chain, tally = Chain(number, subject.words, subject.name), Tally()
    as_process = random.random() < 0.02
    results: list[tuple[Plan, Result]] = []
    with ground_for(lab, subject, f"fault {seed} {number}") as ground:
        ground.prepare(random)
        for _ in range(random.randint(1, _MOST_RUNS[subject.goal is not None])):
            plan = make_plan(profile, random)
            result = amid(ground, plan, chain, tally, as_process=as_process)
            results.append((plan, result))
            if subject.goal is not None and result.code == 0:
                chain.note(plan, unreached(ground, tally, in_the_end=False))
                break
        again = ground.run(Plan(), as_process=as_process)
        tally.runs, tally.done = tally.runs + 1, tally.done + (again.code == 0)
        tally.confirmed += confirmed_in(again)
        chain.note(results[-1][0], judge_again(ground, again, tally))
        for plan, result in results:
            chain.note(plan, contradiction(subject, result, again))
    return chain


def amid(ground: Ground, plan: Plan, chain: Chain, tally: Tally, *, as_process: bool) -> Result:
    """Run a command amid the faults of a plan, and note what is wrong with it."""
    options = [] if ground.subject.words.startswith("connections") else ["--timeout", TIMEOUT]
    began = time.monotonic()
    result = ground.run(plan, *options, as_process=as_process)
    seconds = time.monotonic() - began
    chain.runs += 1
    chain.faults += [(kind, result.code) for kind in plan.happened()]
    chain.named.update(_PROBE.findall(result.stdout + result.stderr))
    tally.runs, tally.done = tally.runs + 1, tally.done + (result.code == 0)
    tally.confirmed += confirmed_in(result)
    chain.note(plan, f"it took {seconds:.0f} s" if seconds > MAX_SECONDS else "")
    chain.note(plan, judge(result, may_be_refused=ground.subject.may_be_refused))
    return result


def judge(result: Result, *, may_be_refused: bool = False) -> str:
    """Return what is wrong with a run amid faults; nothing if all is well."""
    if "Traceback" in result.stderr:
        return result.stderr[-1500:]
    if result.code not in ({0, 1, 2, 3, 4} if may_be_refused else {0, 1, 2, 3}):
        return f"exit code {result.code}: {result.stdout[-300:]} {result.stderr[-600:]}"
    if result.code != 0 and not (result.stderr or result.stdout):
        return "it failed without a word"
    try:
        check_contract(result.stdout)
    except AssertionError as error:
        return str(error)
    return ""


def judge_again(ground: Ground, again: Result, tally: Tally) -> str:
    """Return what is wrong after a run without faults; nothing if all is well."""
    codes = ground.subject.codes if ground.subject.goal is None else {0}
    if wrong := judge(again):
        return f"again: {wrong}"
    if again.code not in codes:
        reasons = re.findall(r'"(?:reason|sentence|failure)": "[^"]*"', again.stdout)
        return f"again: exit code {again.code}: {reasons} {again.stderr[-600:]}"
    return unreached(ground, tally, in_the_end=True)


def unreached(ground: Ground, tally: Tally, *, in_the_end: bool) -> str:
    """Return the part of a goal that is not reached; in the end, also what is left over or was touched.

    The broker gets time to give back the messages of a connection that was cut.
    """
    has_to_settle = in_the_end or bool(ground.subject.counts)
    deadline = time.monotonic() + (_SETTLING if has_to_settle else 0)
    while True:
        state = ground.look()
        wrong = ground.subject.goal(state, tally) if ground.subject.goal is not None else ""
        wrong = wrong or (left_over(state) if in_the_end else "")
        if not wrong or time.monotonic() > deadline:
            return wrong
        time.sleep(0.1)


def left_over(state: State) -> str:
    """Return the temporary objects that are left, and the bystanders that have changed."""
    if state.bystanders != MESSAGES:
        return f"the bystander has {state.bystanders} messages"
    if changed := list(diff(state.have, BYSTANDERS)):
        return f"bystanders changed: {changed}"
    names = [*state.have.queues, *state.have.exchanges]
    temporary = [name for name in names if name.startswith(("attune-infra", "amq.gen"))]
    return f"left: {temporary}" if temporary else ""


def contradiction(subject: Subject, result: Result, again: Result) -> str:
    """Return the difference between what a command told amid faults, and without, if it claims to know."""
    if not subject.is_steady or subject.goal is not None:
        return ""
    if subject.tells_by_code and {result.code, again.code} == {0, 2}:
        return f"exit code {result.code}, and {again.code} without faults: {result.stdout[-600:]}"
    if result.code != again.code:
        return ""
    if subject.words.startswith("doctor"):
        unlike = verdicts(result) - verdicts(again)
        return f"not so without faults: {sorted(unlike)}" if unlike else ""
    before, after = told_by(result), told_by(again)
    return f"not told: {[*unified_diff(before, after, lineterm='', n=0)]}" if before != after else ""


def verdicts(result: Result) -> set[tuple[str, str, str]]:
    """Return the checks of `doctor` with their verdicts, but for those that it could not ask for.

    Those of connections are about the faults, and some of the broker about what other chains do to it.
    """
    checks = json.loads(result.stdout).get("checks", ())
    return {
        (each["section"], each["name"], each["verdict"])
        for each in checks
        if each["verdict"] != "unknown" and each["section"] not in _OTHERS
    }


def told_by(result: Result) -> list[str]:
    """Return the lines that a command printed, without times and ports."""
    return told(re.sub(r"is \d+ s old", "is some seconds old", result.stdout), UNKNOWN_AT_TIMES)


def confirmed_in(result: Result) -> int:
    """Return the messages that a command says are confirmed."""
    with suppress(ValueError, TypeError):
        return int(json.loads(result.stdout).get("confirmed", 0))
    return 0
