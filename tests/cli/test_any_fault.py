"""Commands amid random faults of the line: each ends with a sentence, and the same command ends well afterwards.

A fault is an answer of a proxy in RabbitMQ's place, an answer that breaks off, or a connection that is cut or held
after a random byte, over HTTP or AMQP, in either direction. Afterwards, a plain run of the command reaches its
goal, undeclared objects are as they were, and nothing temporary is left.
"""

from __future__ import annotations

import re
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from difflib import unified_diff
from functools import partial
from pathlib import Path
from random import Random
from typing import Final
from urllib.parse import urlsplit

import amqp
import pytest

from attune_infra.broker.management import Management
from attune_infra.broker.rabbitmq import RabbitMQ
from attune_infra.operations.setup import setup
from attune_infra.settings import AMQP_URL, MANAGEMENT_URL
from attune_infra.topology.builtin import attune
from attune_infra.topology.diff import diff
from attune_infra.topology.document.parse import parse
from attune_infra.topology.model import Binding, Topology, kind_of, label
from attune_infra.topology.worker import with_workers
from support.as_a_user import Command, Result
from support.eventually import eventually
from support.faulty import Answer, Cutter, answering_instead
from support.told import UNTOLD, told
from support.virtual_host import VirtualHost, create_virtual_host

pytestmark = [pytest.mark.lengthy, pytest.mark.transient_queues]

DOCUMENT: Final = """
exchanges: {e: {type: topic}, h: {type: headers}, dead: {type: fanout}}
queues:
  q: {arguments: {x-dead-letter-exchange: dead}, bindings: [{exchange: e, routing_key: k}]}
  r: {type: quorum, bindings: [{exchange: h, arguments: {x-match: all, n: 1}}, {exchange: e, routing_key: "r.*"}]}
  dead: {bindings: [{exchange: dead}]}
policies: {p: {pattern: "^q", definition: {max-length: 1000}, apply_to: queues}}
"""
WANT: Final = parse(DOCUMENT, source="wanted.yaml")
SHARED: Final = with_workers(attune(), [1])
MESSAGES: Final = 5
"""Messages in each of the queues q and bystander."""
BYSTANDERS: Final = parse(
    "exchanges: {other: {type: topic}}\nqueues: {bystander: {bindings: [{exchange: other, routing_key: '#'}]}}",
    source="bystanders.yaml",
)
CHANGING: Final = (
    "setup --topology FILE",
    "setup --topology FILE --via http",
    "worker provision --id 1",
    "worker provision --id 1 --via http",
    "worker dispatch --id 1",
    "queue purge q --yes",
    "queue move q dead --yes",
    "queue copy q dead --yes",
)
READING: Final = (
    "diff --topology FILE",
    "verify --topology FILE",
    "verify --topology FILE --probe",
    "lint --live",
    "doctor setup --topology FILE",
    "export",
    "graph --live",
    "queues",
    "metrics",
    "queue peek q",
    "worker list",
    "worker verify --id 1",
    "dlq list",
    "trace e k --live",
)
STATUSES: Final = (500, 502, 503, 504, 429, 401, 403, 404, 302, 200)
PAGE: Final = (("Content-Type", "text/html"), ("Location", "https://elsewhere.example/"))
UNKNOWN_AT_TIMES: Final = UNTOLD | {"redelivered", "target"}
"""Keys of a result that differ from run to run: the target is told only of a broker that answers."""
UNSTEADY: Final = frozenset({"queues", "metrics"})
"""Commands that print statistics, which lag behind."""
MAX_SECONDS: Final = 30.0
"""Seconds in which a command has to end, whatever happens; it waits for a second at a time."""


@dataclass
class Fault:
    """A fault: its kind, and whether it has come to pass."""

    kind: str
    description: str
    happened: Callable[[], bool]
    environment: dict[str, str]


@dataclass(frozen=True)
class Ground:
    """The broker, a registry with one worker, and the file of the topology."""

    command: Command
    vhost: VirtualHost
    folder: Path

    def run(self, words: str, vhost: VirtualHost, environment: dict[str, str], *, timeout: str = "10") -> Result:
        arguments = words.replace("FILE", str(self.folder / "wanted.yaml")).split()
        as_json = [] if words == "export" else ["--output", "json"]
        return self.command(
            *arguments, *as_json, "--timeout", timeout, environment=vhost.environment | environment
        )


@dataclass
class Counts:
    """The outcomes, by command and kind of fault."""

    outcomes: Counter[tuple[str, str, str]] = field(default_factory=Counter)

    def lines(self) -> Iterator[str]:
        """Yield a table of the faults that came to pass, by command and by kind."""
        for title, at in (("command", 0), ("fault", 1)):
            names = sorted({key[at] for key in self.outcomes})
            outcomes = sorted({key[2] for key in self.outcomes})
            yield f"| {title} | faults | {' | '.join(outcomes)} |"
            yield f"|---|{'---:|' * (len(outcomes) + 1)}"
            for name in names:
                row = [
                    sum(number for key, number in self.outcomes.items() if (key[at], key[2]) == (name, outcome))
                    for outcome in outcomes
                ]
                yield f"| {name} | {' | '.join(map(str, (sum(row), *row)))} |"


@pytest.fixture
def ground(attune_infra_with_registry: Command, vhost: VirtualHost, tmp_path: Path) -> Ground:
    (tmp_path / "wanted.yaml").write_text(DOCUMENT, encoding="utf-8")
    for words in ("registry init", "worker register --name one"):
        assert attune_infra_with_registry(*words.split()).code == 0
    return Ground(attune_infra_with_registry, vhost, tmp_path)


def test_any_command_amid_any_fault(ground: Ground, pytestconfig: pytest.Config) -> None:
    seed, number = pytestconfig.getoption("--seed"), pytestconfig.getoption("--faults")
    counts = Counts()
    with ThreadPoolExecutor(4) as threads:
        found = [each for each in threads.map(partial(try_fault, ground, counts, seed), range(number)) if each]

    print("", f"{number} runs, seed {seed}", *counts.lines(), sep="\n")  # noqa: T201 - `pytest -s` shows it
    assert not found, "\n".join(found)


def try_fault(ground: Ground, counts: Counts, seed: int, number: int) -> str:
    """Run a random command amid a random fault, and again without; return what is wrong, if anything is."""
    random = Random(f"{seed} {number}")  # noqa: S311 - it chooses tests
    words = random.choice(CHANGING if random.random() < 0.6 else READING)
    with create_virtual_host(ground.vhost, f"fault {seed} {number}") as vhost:
        prepare(vhost, words, random)
        with fault(vhost, random) as made:
            began = time.monotonic()
            try:
                result = ground.run(words, vhost, made.environment, timeout="1")
                wrong = "" if time.monotonic() - began < MAX_SECONDS else "it took too long"
            except AssertionError as error:  # its JSON does not fit its schema
                result, wrong = Result(-1, "", ""), str(error)
            happened = made.happened()
        kind = made.kind if happened else "none"
        wrong = wrong or judge(words, result, vhost)
        again = ground.run(words, vhost, {})
        wrong = wrong or judge_again(words, result, again, vhost)
    counts.outcomes[words.split(" --")[0] if words in READING else words, kind, f"exit code {result.code}"] += 1
    return wrong and f"{number}: `{words}`, {made.description}, {kind}: {wrong}"


def prepare(vhost: VirtualHost, words: str, random: Random) -> None:
    """Fill a virtual host: bystanders, and all or a part of what the command is about."""
    want = BYSTANDERS.objects()
    if words.startswith("setup"):
        want += tuple(part_of(WANT, random).objects())
    else:
        want += tuple(WANT.objects())
    if "worker" in words and not words.startswith("worker provision"):
        want += tuple(SHARED.objects())
    with RabbitMQ(vhost.settings()) as broker:
        setup(broker, Topology.of(want))
    connection = vhost.client()
    channel = connection.channel()
    for queue in ("q", "bystander"):
        if queue == "q" and words.startswith("setup"):
            continue
        for number in range(MESSAGES):
            channel.basic_publish_confirm(amqp.Message(str(number), delivery_mode=2), "", queue)
    connection.close()


def part_of(topology: Topology, random: Random) -> Topology:
    """Return a random part of a topology, without bindings that lack an end."""
    kept = [item for item in topology.objects() if random.random() < 0.5]
    ends = {(kind_of(item), item.name) for item in kept if not isinstance(item, Binding)}
    return Topology.of(
        item
        for item in kept
        if not isinstance(item, Binding)
        or {("exchange", item.source), (item.destination_type, item.destination)} <= ends
    )


@contextmanager
def fault(vhost: VirtualHost, random: Random) -> Iterator[Fault]:
    """Make a random fault for one command."""
    with ExitStack() as stack:
        kind = random.choice(["HTTP status", "HTTP truncated", "HTTP cut", "HTTP held", "AMQP cut", "AMQP held"])
        if kind in {"HTTP status", "HTTP truncated"}:
            yield _answered(kind, vhost, random, stack)
        else:
            yield _cut(kind, vhost, random, stack)


def _answered(kind: str, vhost: VirtualHost, random: Random, stack: ExitStack) -> Fault:
    first, times = random.randrange(12), random.choice([1, 2, 3, 8])
    if kind == "HTTP status":
        status = random.choice(STATUSES)
        answer = Answer(status, "<title>Gateway</title>", PAGE, arrives=random.random() < 0.5)
    else:
        answer = Answer(cut=random.random())
    asked = [0]

    def choose(*_: str) -> Answer | None:
        asked[0] += 1
        return answer if first < asked[0] <= first + times else None

    url, _ = stack.enter_context(answering_instead(vhost.management_url, choose))
    return Fault(
        kind,
        f"{answer} for {times} requests after {first}",
        lambda: asked[0] > first,
        {MANAGEMENT_URL.variable: url},
    )


def _cut(kind: str, vhost: VirtualHost, random: Random, stack: ExitStack) -> Fault:
    over_amqp, from_client = kind.startswith("AMQP"), random.random() < 0.5
    url = vhost.amqp_url if over_amqp else vhost.management_url
    place = random.choice([0, 0, 0, 1, 2]), random.choice([random.randrange(9), random.randrange(1500)])
    cutter = stack.enter_context(
        Cutter(urlsplit(url).port or 0, *place, from_client=from_client, holds=kind.endswith("held"))
    )
    environment = (
        {AMQP_URL.variable: vhost.amqp_url_through(cutter.port)}
        if over_amqp
        else {MANAGEMENT_URL.variable: f"http://127.0.0.1:{cutter.port}"}
    )
    direction = "to" if from_client else "from"
    return Fault(kind, f"connection and byte {place} {direction} the broker", lambda: cutter.has_cut, environment)


def judge(words: str, result: Result, vhost: VirtualHost) -> str:
    """Return what is wrong with the run amid a fault; nothing if all is well."""
    if "Traceback" in result.stderr:
        return result.stderr[-600:]
    if result.code not in {0, 1, 2, 3}:
        return f"exit code {result.code}: {result.stderr}"
    if result.code != 0 and not (result.stderr or result.stdout):
        return "it failed without a word"
    if result.code == 0 and words in CHANGING:
        return unreached(words, vhost)
    return ""


def judge_again(words: str, result: Result, again: Result, vhost: VirtualHost) -> str:
    """Return what is wrong after the run without a fault; nothing if all is well."""
    if "Traceback" in again.stderr or again.code not in ({0} if words in CHANGING else {0, 2}):
        return f"again: exit code {again.code}: {again.stdout[-300:]} {again.stderr[-600:]}"
    is_steady = words in READING and words not in UNSTEADY
    if is_steady and result.code == again.code and told_by(result) != told_by(again):
        return f"not told: {[*unified_diff(told_by(result), told_by(again), lineterm='', n=0)]}"
    return (unreached(words, vhost) if words in CHANGING else "") or left_over(vhost)


def unreached(words: str, vhost: VirtualHost) -> str:
    """Return the part of a command's goal that is not reached."""
    with RabbitMQ(vhost.settings()) as broker:
        have = broker.read()
        if words.startswith("setup"):
            return "".join(f"lacks {change}" for change in diff(have, WANT))
        if words.startswith("worker provision"):
            own = [change for change in diff(have, SHARED) if "worker.1." in label(change.want)]
            return "".join(f"lacks {change}" for change in own)
    wanted = {
        "queue purge": {"q": 0},
        "queue move": {"q": 0, "dead": MESSAGES},
        "queue copy": {"q": MESSAGES},
    }.get(" ".join(words.split()[:2]), {})
    found = counted(vhost, wanted)
    return "" if found == wanted else f"there are {found} messages, not {wanted}"


def counted(vhost: VirtualHost, wanted: dict[str, int]) -> dict[str, int]:
    """Return the numbers of ready messages; a connection that was cut gives back its messages a little later."""

    def count() -> dict[str, int]:
        connection = vhost.client()
        try:
            channel = connection.channel()
            return {queue: channel.queue_declare(queue, passive=True).message_count for queue in wanted}
        finally:
            connection.close()

    try:
        return eventually(count, wanted.__eq__, within=5)
    except AssertionError:
        return count()


def left_over(vhost: VirtualHost) -> str:
    """Return the temporary objects that are left, and the bystanders that have changed."""
    if (found := counted(vhost, {"bystander": MESSAGES})) != {"bystander": MESSAGES}:
        return f"the bystander has {found}"
    with RabbitMQ(vhost.settings()) as broker:
        have = broker.read(private=True)
        if changed := list(diff(have, BYSTANDERS)):
            return f"bystanders changed: {changed}"
        names = [*have.queues, *have.exchanges]
    temporary = [name for name in names if name.startswith(("attune-infra", "amq.gen"))]
    return f"left: {temporary}" if temporary else ""


def told_by(result: Result) -> Sequence[str]:
    """Return the lines that a command printed, without times and ports."""
    return told(re.sub(r"is \d+ s old", "is some seconds old", result.stdout), UNKNOWN_AT_TIMES)


def test_no_temporary_virtual_host_is_left(ground: Ground, management: Management) -> None:
    """A proof that is cut at any request removes its virtual host, or says that it is left."""
    assert ground.command("setup").code == 0
    for first in (0, 3, 9):
        asked = [0]

        def choose(_: str, path: str, first: int = first, asked: list[int] = asked) -> Answer | None:
            asked[0] += "attune-infra%20probe" in path
            return Answer(502) if asked[0] > first and "attune-infra%20probe" in path else None

        with answering_instead(ground.vhost.management_url, choose) as (url, _):
            result = ground.command("verify", "--probe", environment={MANAGEMENT_URL.variable: url})

        left = [each["name"] for each in management.get("vhosts") if each["name"].startswith("attune-infra probe")]
        for name in left:
            assert name in result.stdout + result.stderr
            management.delete("vhosts", name)
