"""The values that completion offers for an option or an argument: one table, and the places that values come from.

A place loads what it needs when it is asked. Servers are asked only if a setting names them, in a thread that is
given up after a moment; no password is asked for, and no `password_command` is run.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar

from attune_infra.cli._app import path_of
from attune_infra.cli._checks import parameter_names
from attune_infra.dataclass import dataclass

if TYPE_CHECKING:
    from attune_infra.settings import Settings, Sources
    from attune_infra.topology.model import Topology

_T = TypeVar("_T")

MAX_SECONDS: Final = 0.8
"""The time in which servers have to answer; a person waits for it."""


@dataclass(frozen=True, slots=True)
class Words:
    """Words with explanations, and what else to offer: `files`, `folders`, or `nospace` behind a word."""

    words: tuple[tuple[str, str], ...] = ()
    more: frozenset[str] = frozenset()


_FILES: Final = Words(more=frozenset({"files"}))
_FOLDERS: Final = Words(more=frozenset({"folders"}))
_Place = Callable[[Any, str], Words]
"""A function of the context and of the beginning of a word."""


def values_of(parameter: Any, context: Any, word: str) -> Words:
    """Return the values that a parameter can take; those that do not begin with the word may be among them."""
    name, path = parameter_names(parameter)[0], path_of(context)
    if choices := getattr(parameter.type, "choices", None):
        return _plain(str(getattr(each, "value", each)) for each in choices)
    if place := PLACES.get(f"{path} {name}") or PLACES.get(f"{path.partition(' ')[0]} {name}") or PLACES.get(name):
        return place(context, word)
    metavar = parameter.metavar or ""
    if "DIR" in metavar:
        return _FOLDERS
    return _FILES if "FILE" in metavar else Words()


def _plain(names: Iterable[str], *more: str) -> Words:
    return Words(tuple((name, "") for name in names), frozenset(more))


def _sources(context: Any) -> Sources:
    """Return the places of the settings, with the flags that were typed."""
    from attune_infra.settings import Sources, all_settings, joined

    typed = context.params
    names = {each: each.flag.lstrip("-").replace("-", "_") for each in all_settings() if each.flag}
    flags = {each: joined(typed.get(name)) for each, name in names.items()}
    config = typed.get("config")
    return Sources(flags, os.environ, Path(config) if config else None, runs_commands=False)


def _settings(context: Any) -> Settings:
    from attune_infra.settings import settings_from

    return settings_from(_sources(context), timeout=MAX_SECONDS, ask=lambda _: None)


def _soon(call: Callable[[], _T]) -> _T:
    """Return the result of a call; raise `TimeoutError` after a moment."""
    from attune_infra.background import run_in_background

    return run_in_background(call)(MAX_SECONDS)


def _on_broker(kind: str, context: Any, word: str) -> Words:
    """Return the names of a kind on the broker that a setting names."""
    settings = _settings(context)
    if not (settings.amqp_is_named or settings.management_is_named):
        return Words()

    from attune_infra.broker.reading.names import names_of

    return _plain(_soon(lambda: names_of(settings, kind, word)))


def _document(context: Any) -> Topology:
    from attune_infra.cli._topology import read_topologies
    from attune_infra.settings import DEFAULT_TOPOLOGY, TOPOLOGY

    names = _sources(context).find_all(TOPOLOGY)
    return read_topologies(names or (DEFAULT_TOPOLOGY,)).parse()[0]


def _exchanges(context: Any, word: str) -> Words:
    if context.params.get("live"):
        return _on_broker("exchanges", context, word)
    return _plain(_document(context).exchanges)


def _queues(context: Any, word: str) -> Words:
    if context.params.get("live"):
        return _on_broker("queues", context, word)
    return _plain(_document(context).queues)


def _workers(context: Any) -> list[tuple[int, str]]:
    """Return the ids and the names of the workers in the registry."""
    settings = _settings(context)
    if settings.database_url is None:
        return []
    from attune_infra.registry.workers import PostgresRegistry

    registry = PostgresRegistry(settings.database_url, timeout=MAX_SECONDS, schema=settings.schema)

    def ask() -> list[tuple[int, str]]:
        registry.open()
        with registry:
            return [(worker_id, member.name) for worker_id, member in registry.workers().items()]

    return _soon(ask)


def _ids(context: Any, word: str) -> Words:
    if found := _workers(context):
        return Words(tuple((str(worker_id), name) for worker_id, name in found))
    return _ids_of_queues(context, word)


def _ids_of_queues(context: Any, word: str) -> Words:
    """Return the ids of the workers whose queues are on the broker."""
    from attune_infra.topology.builtin import attune
    from attune_infra.topology.worker import owner_of, worker_family

    family = worker_family(attune())
    queues = _on_broker("queues", context, f"worker.{word}").words
    owners = {owner_of(family, name) for name, _ in queues} - {None}
    return _plain(str(each) for each in sorted(each for each in owners if each is not None))


def _worker_names(context: Any, _: str) -> Words:
    return Words(tuple((name, f"worker {worker_id}") for worker_id, name in _workers(context)))


def _codes(_: Any, word: str, *others: str) -> Words:
    """Return the codes of rules; in a list, behind those that stand there."""
    from attune_infra.topology.lint.rules import RULES

    before = word[: word.rfind(",") + 1]
    codes = [(f"{before}{rule.code}", rule.title) for rule in RULES if rule.code not in before.split(",")]
    return Words((*codes, *((other, "") for other in others)))


def _releases(*_: object) -> Words:
    from attune_infra.topology.facts.compatibility import RELEASES

    return _plain(f"{major}.{minor}" for major, minor in RELEASES)


def _connections(context: Any, _: str) -> Words:
    return _plain(each.name for each in _sources(context).connections())


def _builtin(*_: object) -> Words:
    from attune_infra.topology.builtin import NAMES

    return _plain(NAMES)


def _topologies(*_: object) -> Words:
    return Words(_builtin().words, _FILES.more)


def _sandboxes(*_: object) -> Words:
    from attune_infra.sandbox.folders import names

    return _plain(names())


_LISTS: Final = {"exchange": "exchanges", "queue": "queues", "binding": "queues", "policy": "policies"}


def _selectors(context: Any, word: str) -> Words:
    """Return KIND: first, then KIND:NAME with the names on the broker; a binding goes by its destination."""
    kind, colon, name = word.partition(":")
    if not colon:
        return _plain((f"{each}:" for each in _LISTS), "nospace")
    if kind not in _LISTS:
        return Words(())
    found = _on_broker(_LISTS[kind], context, name)
    return Words(tuple((f"{kind}:{each}", "") for each, _ in found.words))


def _doctor_commands(context: Any, _: str) -> Words:
    from attune_infra.topology.doctor.scope import SCOPES

    return _next_words(context.params.get("command") or (), SCOPES)


def _help_words(context: Any, _: str) -> Words:
    from attune_infra.cli import COMMANDS
    from attune_infra.cli._examples import EXAMPLES
    from attune_infra.cli._help_topics import TOPICS

    return _next_words(context.params.get("words") or (), (*COMMANDS, *TOPICS, *EXAMPLES))


def _next_words(before: Iterable[str], paths: Iterable[str]) -> Words:
    """Return the words that follow those before, on the paths of commands."""
    typed = list(before)
    split = (path.split() for path in paths)
    return _plain(
        dict.fromkeys(
            words[len(typed)] for words in split if words[: len(typed)] == typed and len(words) > len(typed)
        )
    )


PLACES: Final[Mapping[str, _Place]] = {
    "--topology": _topologies,
    "topology show NAME|FILE": _topologies,
    "topology check --topology": lambda *_: _FILES,
    "--connection": _connections,
    "--worker": _ids,
    "worker --name": _worker_names,
    "sandbox --name": _sandboxes,
    "sandbox -- COMMAND": lambda *_: _FILES,
    "--select": _codes,
    "--ignore": _codes,
    "lint --explain": lambda context, word: _codes(context, word, "all"),
    "--broker-version": _releases,
    "trace EXCHANGE": _exchanges,
    "tap EXCHANGE": partial(_on_broker, "exchanges"),
    "tap --save": lambda *_: _FILES,
    "trace --expect": _queues,
    "queues QUEUE": _queues,
    "dlq QUEUE": _queues,
    "dlq replay --to": _queues,
    "--focus": _queues,
    "--highlight": _exchanges,
    "--dead-letter-exchange": partial(_on_broker, "exchanges"),
    "--allow-destructive": _selectors,
    "--worker-queue-ttl": lambda *_: _plain(("24h", "off")),
    "doctor COMMAND": _doctor_commands,
    "help COMMAND|TOPIC": _help_words,
}
"""The place of each option's values; a command, or the first word of its name, goes before its own."""
