"""Each command that asks a broker, behind a proxy that turns a part of one answer into nonsense.

A command says so and fails, or its result is the same because it does not read that part. Only free values, such
as an argument or a routing key, and keys that some release lacks, may change the result.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from difflib import unified_diff
from functools import partial
from pathlib import Path
from random import Random

import pytest

from attune_infra.settings import MANAGEMENT_URL
from support.as_a_user import Command, Result
from support.mutations import Mutation, Rewriter, mutate, rewriting
from support.told import told
from support.virtual_host import VirtualHost

pytestmark = [pytest.mark.lengthy, pytest.mark.transient_queues]

DOCUMENT = """
exchanges: {e: {type: topic}, h: {type: headers}, dead: {type: fanout}}
queues:
  q: {type: quorum, arguments: {x-dead-letter-exchange: dead}, bindings: [{exchange: e, routing_key: k}]}
  r: {bindings: [{exchange: h, arguments: {x-match: all, n: 1}}]}
  dead: {bindings: [{exchange: dead}]}
policies: {p: {pattern: "^q", definition: {max-length: 100}, apply_to: queues}}
"""
COMMANDS = (
    "verify --topology FILE",
    "diff --topology FILE",
    "setup --topology FILE",
    "setup --topology FILE --prune --dry-run --via http",
    "migrate q --topology FILE --dry-run",
    "lint --live",
    "trace e k --live",
    "graph --live",
    "queues",
    "export",
    "doctor setup --topology FILE",
    "metrics",
    "queue purge r --yes",
    "queue peek r",
    "dlq list",
    "worker list",
    "worker verify --id 1",
    "worker prune --dry-run",
    "worker deprovision --id 1 --dry-run",
)
FREE = {"arguments", "definition", "routing_key", "tags"}
"""Keys below which RabbitMQ may have any value, or, for tags, an array or one text."""
MAY_BE_MISSING = {
    *("cluster_name", "node", "object_totals", "queues", "exchange_types", "disable_stats"),
    *("exclusive", "state", "policy", "operator_policy", "default_queue_type", "leader"),
    *("messages", "messages_ready", "messages_unacknowledged", "consumers", "message_stats", "message_bytes"),
    *("idle_since", "type", "value", "stability", "configure", "max-queues", "partitions", "being_drained"),
    *("fd_used", "fd_total", "disk_free", "disk_free_limit", "disk_free_alarm", "mem_alarm"),
}
"""Keys that a release, a setting or the state of a queue may leave out, or fill with null or an empty array."""


@dataclass(frozen=True)
class Laboratory:
    """A broker with a topology and a worker, and the command to be run against it."""

    command: Command
    management_url: str
    folder: Path

    def run(self, words: str, rewriter: Rewriter) -> Result:
        with rewriting(self.management_url, rewriter) as url:
            arguments = words.replace("FILE", str(self.folder / "wanted.yaml")).split()
            as_json = [] if words == "export" else ["--output", "json"]
            return self.command(*arguments, *as_json, environment={MANAGEMENT_URL.variable: url})


@pytest.fixture
def laboratory(attune_infra_with_registry: Command, vhost: VirtualHost, tmp_path: Path) -> Laboratory:
    file = tmp_path / "wanted.yaml"
    file.write_text(DOCUMENT, encoding="utf-8")
    for words in (f"setup --topology {file}", "setup", "registry init", "worker enlist --name one"):
        result = attune_infra_with_registry(*words.split())
        assert result.code == 0, result
    return Laboratory(attune_infra_with_registry, vhost.management_url, tmp_path)


def test_nonsense_in_an_answer_is_named_or_not_read(laboratory: Laboratory, pytestconfig: pytest.Config) -> None:
    seed, number = pytestconfig.getoption("--seed"), pytestconfig.getoption("--mutations")
    with ThreadPoolExecutor(4) as threads:
        usual = dict(zip(COMMANDS, threads.map(partial(run_as_usual, laboratory), COMMANDS), strict=True))
        results = threads.map(partial(try_mutation, laboratory, usual, seed), range(number))
        found = [complaint for complaint in results if complaint]

    assert not found, "\n".join(found)


def run_as_usual(laboratory: Laboratory, words: str) -> tuple[Result, list[str]]:
    """Return the result of a command, and the paths that it asks for."""
    rewriter = Rewriter()
    result = laboratory.run(words, rewriter)
    assert result.code in {0, 2}, result
    return result, sorted(rewriter.seen)


def try_mutation(
    laboratory: Laboratory, usual: dict[str, tuple[Result, list[str]]], seed: int, number: int
) -> str:
    """Run a random command with a random mutation, and return what is wrong with its result, if anything is."""
    random = Random(f"{seed} {number}")  # noqa: S311 - it chooses tests
    words = random.choice(COMMANDS)
    before, paths = usual[words]
    mutations: list[Mutation] = []

    def change(body: bytes) -> bytes:
        mutations.append(mutate(body, random))
        return mutations[-1].body

    path = random.choice(paths)
    try:
        wrong = judge(before, laboratory.run(words, Rewriter(path, change)), mutations)
    except AssertionError as error:  # its JSON does not fit its schema
        wrong = str(error)
    return wrong and f"{number}: `{words}`, {path}, {' / '.join(map(str, mutations))}: {wrong}"


def judge(before: Result, result: Result, mutations: list[Mutation]) -> str:
    """Return what is wrong with a result; nothing if all is well."""
    if "Traceback" in result.stderr:
        return result.stderr[-400:]
    said = result.stdout + result.stderr
    if "answer of GET" in said:
        return "it was told, but not as a failure" if result.code == 0 else ""
    difference = [*unified_diff(told(before.stdout), told(result.stdout), lineterm="", n=0)]
    if (result.code == before.code and not difference) or any(map(may_matter, mutations)):
        return ""
    return f"not told, exit code {result.code}: {result.stderr}{difference}"


def may_matter(mutation: Mutation) -> bool:
    """Return True if a changed answer is one that RabbitMQ could give."""
    if FREE & set(mutation.place):
        return True
    left_out = mutation.kind == "drop" or (mutation.kind == "value" and mutation.value in (None, [], {}))
    return left_out and mutation.place[-1:] != () and mutation.place[-1] in MAY_BE_MISSING
