"""The commands that meet faults, each with the state it begins with and the goal it has to reach."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from attune_infra.topology.builtin import attune
from attune_infra.topology.diff import diff
from attune_infra.topology.document.parse import parse
from attune_infra.topology.model import Exchange, Queue, Topology, TopologyObject
from attune_infra.topology.worker import with_workers

DOCUMENT: Final = r"""
manages: ['old\..*']
exchanges: {e: {type: topic}, h: {type: headers}, dead: {type: fanout}}
queues:
  q: {type: classic, arguments: {x-dead-letter-exchange: dead}, bindings: [{exchange: e, routing_key: k}]}
  r: {type: quorum, bindings: [{exchange: h, arguments: {x-match: all, n: 1}}, {exchange: e, routing_key: "r.*"}]}
  dead: {bindings: [{exchange: dead}]}
policies: {p: {pattern: "^q$", definition: {max-length: 1000}, apply_to: queues}}
"""
OTHER_TYPE: Final = DOCUMENT.replace("type: classic", "type: quorum")
WANT: Final = parse(DOCUMENT, source="wanted.yaml")
MIGRATED: Final = parse(OTHER_TYPE, source="migrated.yaml")
BYSTANDERS: Final = parse(
    "exchanges: {other: {type: topic}}\nqueues: {bystander: {bindings: [{exchange: other, routing_key: '#'}]}}",
    source="bystanders.yaml",
)
SHARED: Final = with_workers(attune(), [1])
WORKER_QUEUE: Final = "worker.1.executions"
MESSAGES: Final = 5
"""Messages in each of the queues q and bystander."""
LINES: Final = "".join(f'{{"routing_key": "k", "body": "{number}"}}\n' for number in range(MESSAGES))
"""A file of messages for `queue load`."""


@dataclass
class Tally:
    """The runs of one command so far: all, those that were done, and the messages that it says it has sent."""

    runs: int = 0
    done: int = 0
    confirmed: int = 0


@dataclass(frozen=True)
class State:
    """A virtual host with private objects, the messages in some of its queues, and the rows of the registry."""

    have: Topology
    counts: Mapping[str, int]
    rows: Sequence[tuple[Any, ...]]
    bystanders: int = MESSAGES
    """Messages in the queue of the bystander."""


Judge = Callable[[State, Tally], str]
"""Say what is missing of a goal; nothing if it is reached."""


@dataclass(frozen=True)
class Subject:
    """A command with what is there before it, and its goal; a command without a goal changes nothing."""

    words: str
    goal: Judge | None = None
    objects: tuple[TopologyObject, ...] = WANT.objects()
    in_part: bool = False
    """True if a random part of the objects is there."""
    dead_letters: bool = False
    """True if the messages of q have died."""
    database: bool = False
    counts: tuple[str, ...] = ()
    """Queues whose messages count for the goal."""
    is_steady: bool = True
    """False if two runs may print different things, such as statistics."""
    tells_by_code: bool = True
    """True if exit codes 0 and 2 are both a verdict; `doctor` also ends with 2 for what it cannot ask."""
    weight: int = 4
    codes: frozenset[int] = frozenset({0, 2})
    """Exit codes of a run without faults."""
    may_be_refused: bool = False
    """True if it refuses to act on what it could not find out, with exit code 4."""

    @property
    def name(self) -> str:
        """The command without the options that only tests need."""
        return " ".join(word for word in self.words.split() if word not in {"--topology", "WANTED"})


def _in_sync(want: Topology) -> Judge:
    return lambda state, _: "".join(f"lacks {change}" for change in diff(state.have, want))


def _pruned(state: State, _: Tally) -> str:
    left = [name for name in (*state.have.queues, *state.have.exchanges) if name.startswith("old.")]
    return f"not deleted: {left}" if left else _in_sync(WANT)(state, _)


def _messages(**wanted: int) -> Judge:
    def judge(state: State, _: Tally) -> str:
        found = {name: state.counts[name] for name in wanted}
        return "" if found == wanted else f"there are {found} messages, not {wanted}"

    return judge


def _migrated(state: State, tally: Tally) -> str:
    return _in_sync(MIGRATED)(state, tally) or _messages(q=MESSAGES)(state, tally)


def _sent(queue: str, before: int, a_run: int) -> Judge:
    """Judge a queue that gets messages with each run: all that were confirmed, and none beyond those sent."""

    def judge(state: State, tally: Tally) -> str:
        found = state.counts[queue] - before
        least, most = max(tally.done * a_run, tally.confirmed), tally.runs * a_run
        return "" if least <= found <= most else f"{queue} got {found} messages, not {least} to {most}"

    return judge


def _provisioned(state: State, _: Tally) -> str:
    lacks = [change for change in diff(state.have, SHARED) if WORKER_QUEUE in str(change)]
    return f"lacks {lacks}" if lacks else ""


def _deprovisioned(state: State, _: Tally) -> str:
    if WORKER_QUEUE in state.have.queues:
        return f"{WORKER_QUEUE} is still there"
    return _in_sync(attune())(state, _)


def _pruned_workers(state: State, _: Tally) -> str:
    return (
        "worker.7.executions is still there"
        if "worker.7.executions" in state.have.queues
        else _provisioned(state, _)
    )


def _registered(state: State, _: Tally) -> str:
    rows = [row for row in state.rows if row[1:] == ("two", "active")]
    return "" if len(rows) == 1 else f"the registry has {state.rows}"


def _enlisted(state: State, tally: Tally) -> str:
    if wrong := _registered(state, tally):
        return wrong
    queue = f"worker.{next(row[0] for row in state.rows if row[1] == 'two')}.executions"
    return "" if queue in state.have.queues else f"{queue} is missing"


def _deregistered(state: State, _: Tally) -> str:
    return "" if [row[1:] for row in state.rows] == [("one", "inactive")] else f"the registry has {state.rows}"


def _initialized(state: State, _: Tally) -> str:
    return "" if list(state.rows) == [] else f"the registry has {state.rows}"


WITH_WORKER: Final = (*WANT.objects(), *SHARED.objects())
WITH_TWO: Final = (*WANT.objects(), *with_workers(attune(), [1, 7]).objects())
DIFFERENT: Final = tuple(
    Queue(name="r")
    if item == WANT.queues["r"]
    else Exchange(name="h", type="fanout")
    if item == WANT.exchanges["h"]
    else item
    for item in WANT.objects()
    if getattr(item, "destination", "") != "r"
)
OLD: Final = (*WANT.objects(), Queue(name="old.queue"), Exchange(name="old.exchange"))

CHANGING: Final = (
    Subject("setup --topology WANTED", _in_sync(WANT), in_part=True, weight=8),
    Subject("setup --topology WANTED --via http", _in_sync(WANT), in_part=True, weight=8),
    Subject("setup --topology WANTED --allow-destructive --yes", _in_sync(WANT), DIFFERENT),
    Subject("setup --topology WANTED --prune --allow-destructive --yes", _pruned, OLD),
    Subject("setup --topology WANTED --wait 1s", _in_sync(WANT), in_part=True, weight=2),
    Subject("migrate q --topology MIGRATED --yes", _migrated, counts=("q",), weight=1, may_be_refused=True),
    Subject("queue move q dead --yes", _messages(q=0, dead=MESSAGES), counts=("q", "dead")),
    Subject("queue copy q dead --yes", _messages(q=MESSAGES), counts=("q",)),
    Subject("queue purge q --yes", _messages(q=0), counts=("q",)),
    Subject("queue load LINES q", _sent("q", MESSAGES, MESSAGES), counts=("q",)),
    Subject("dlq replay dead --yes", _messages(q=MESSAGES, dead=0), dead_letters=True, counts=("q", "dead")),
    Subject("worker provision --id 1", _provisioned, SHARED.objects()),
    Subject("worker provision --id 1 --via http", _provisioned, attune().objects()),
    Subject("worker dispatch --id 1", _sent(WORKER_QUEUE, 0, 1), WITH_WORKER, counts=(WORKER_QUEUE,)),
    Subject("worker register --name two", _registered, (), database=True),
    Subject("worker enlist --name two", _enlisted, attune().objects(), database=True),
    Subject("worker deregister --id 1", _deregistered, (), database=True),
    Subject("worker deprovision --id 1 --yes", _deprovisioned, WITH_WORKER, database=True),
    Subject("worker prune --yes", _pruned_workers, WITH_TWO, database=True),
    Subject("registry init", _initialized, (), database=True, weight=2),
)
READING: Final = (
    *(Subject(f"{words} --topology WANTED") for words in ("diff", "verify", "setup --dry-run")),
    *(Subject(words) for words in ("export", "graph --live", "trace e k --live", "queue peek q")),
    *(Subject(words) for words in ("dlq list", "dlq show dead")),
    *(
        Subject(words, tells_by_code=False)
        for words in ("doctor", "doctor setup --topology WANTED", "lint --live")
    ),
    Subject("verify --topology WANTED --probe", weight=2),
    Subject("verify --worker 1", objects=WITH_WORKER),
    Subject("migrate q --topology MIGRATED --dry-run", may_be_refused=True),
    Subject("queues", is_steady=False),
    Subject("metrics", database=True, is_steady=False),
    Subject("connections --config CONFIG", is_steady=False),
    Subject("tap e --for 300ms --queue attune-infra.tap.test", is_steady=False, weight=2),
    *(
        Subject(words, database=True)
        for words in ("worker list", "worker verify --id 1", "worker prune --dry-run")
    ),
    Subject("worker deprovision --id 1 --dry-run", database=True),
)
SUBJECTS: Final = (*CHANGING, *READING)
