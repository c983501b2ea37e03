"""The table of readers. A reader takes bytes: it returns, or raises one of its errors."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, TypeAlias

from attune_infra.cli._message import read_message
from attune_infra.cli._worker_ids import read_worker_ids
from attune_infra.durations import milliseconds
from attune_infra.errors import AttuneError
from attune_infra.fleet.health import examine
from attune_infra.fleet.model import Limits, Sighting
from attune_infra.masking import forget
from attune_infra.messages.jsonl import parse_line, readable
from attune_infra.messages.peeking import parse_offset
from attune_infra.messages.selection import parse_selection
from attune_infra.registry.workers import PostgresRegistry
from attune_infra.settings import Sources, all_settings
from attune_infra.settings.resolve import settings_from
from attune_infra.settings.urls import amqp_of, check_database_url, management_of
from attune_infra.topology.builtin import attune
from attune_infra.topology.document.definitions.virtual_host import parse_definitions, write_definitions
from attune_infra.topology.document.definitions.whole_broker import read_whole
from attune_infra.topology.document.export import as_document, as_terraform
from attune_infra.topology.document.foreign.kubernetes.read import read_kubernetes
from attune_infra.topology.document.foreign.terraform.read import read_terraform
from attune_infra.topology.document.merging.overlay import Text
from attune_infra.topology.document.merging.several import read_several
from attune_infra.topology.document.parse import parse
from attune_infra.topology.document.write import write
from attune_infra.topology.facts.patterns import matches, policy_pattern_problem
from attune_infra.topology.model import Topology
from attune_infra.topology.planning.saved import SavedPlan, read_plan
from attune_infra.worker.body import NotJson, check
from support.folders import DEFINITIONS, EXAMPLES
from support.fuzz.wires import frames_of_a_broker, management_seeds, read_frames, read_management
from support.terraform import applied

Read: TypeAlias = "Callable[[bytes], object]"


@dataclass(frozen=True)
class Reader:
    """A reader: how it is made, its errors, and inputs that it takes or nearly takes."""

    make: Callable[[Path], Read]
    """Return the reader; it may write into a folder."""
    seeds: Callable[[], Sequence[bytes]]
    errors: tuple[type[BaseException], ...] = field(default=(AttuneError,))


def text_of(data: bytes) -> str:
    """Return bytes as Python hands them over from a command line: what is no text becomes surrogates."""
    return data.decode("utf-8", errors="surrogateescape")


_LARGE: Final = 1000


def words_of(data: bytes) -> list[str]:
    return text_of(data).replace("\0", "").split("\n")


def _document(data: bytes) -> object:
    topology = parse(data.decode("utf-8", errors="replace"), source="a.yaml")
    return write(topology)


def _definitions(data: bytes) -> object:
    topology, _ = parse_definitions(data.decode("utf-8", errors="replace"), source="a.json")
    return write_definitions(topology)


def _whole_definitions(data: bytes) -> object:
    """Read all virtual hosts, and read again the document of them."""
    reading = read_whole(data.decode("utf-8", errors="replace"), source="a.json")
    reading.refuse_problems()
    return parse(as_document(reading.topology).text, source="a.yaml")


def _overlay(data: bytes) -> object:
    """Read a document that extends another one, beside a third one."""
    texts = [Text("over.yaml", data.decode("utf-8", errors="replace")), Text("team.yaml", _TEAM)]
    return write(read_several(texts, values={}, read=lambda name, _: Text(name, _BASE)).topology)


_BASE: Final = (EXAMPLES / "virtual-hosts" / "shop.yaml").read_text(encoding="utf-8")
_TEAM: Final = "virtual_hosts: {shop: {queues: {shop.late: {bindings: [{exchange: shop.events}]}}}}\n"
OVERLAYS: Final = (
    b"extends: b.yaml\nvirtual_hosts: {shop: {limits: {max-queues: 5}, tags: [x], queues: {shop.orders: null}}}\n",
    b"extends: b.yaml\nvirtual_hosts:\n  shop: !override {exchanges: {e: {}}}\n  new: {queues: {q: {}}}\n",
    b"extends: b.yaml\nprotect: [a]\nvirtual_hosts: {shop-billing: null, shop: {manages: [^x], routes: []}}\n",
)
_SHOVEL: Final = {"src-uri": "amqp://u:p@h", "src-queue": "q", "dest-uri": ["amqp://"], "dest-queue": "r"}
_PARAMETERS: Final = (
    {"component": "vhost-limits", "vhost": "a", "name": "limits", "value": {"max-queues": 5}},
    {"component": "operator_policy", "vhost": "b", "name": "o", "value": {"pattern": "^q", "definition": {}}},
    {"component": "shovel", "vhost": "a", "name": "s", "value": _SHOVEL},
)
WHOLE: Final = (
    {
        "vhosts": [{"name": "a", "metadata": {"description": "A", "tags": ["t"]}}],
        "users": [{"name": "u", "tags": []}],
        "permissions": [{"user": "u", "vhost": "a", "configure": "", "write": ".*", "read": "^q"}],
        "queues": [{"vhost": "a", "name": "q", "durable": True, "auto_delete": False, "arguments": {}}],
    },
    {"parameters": _PARAMETERS, "global_parameters": [{"name": "g", "value": [1, None]}]},
)


def _kubernetes(data: bytes) -> object:
    reading = read_kubernetes(data.decode("utf-8", errors="replace"), source="k.yaml")
    reading.refuse_problems()
    return write(reading.topology)


def _terraform(data: bytes) -> object:
    reading = read_terraform(data.decode("utf-8", errors="replace"), source="t.json")
    reading.refuse_problems()
    return write(reading.topology)


def _urls(data: bytes) -> None:
    for url in words_of(data):
        for read in (_amqp_url, _management_url, lambda url: check_database_url(url, "--database-url")):
            with suppress(AttuneError):
                read(url)


def _amqp_url(url: str) -> object:
    return amqp_of(url, "--amqp-url")


def _management_url(url: str) -> object:
    return management_of(amqp_of("amqp://guest:guest@localhost:5672/x", "")[0], url, "--management-url")


def _configuration(folder: Path) -> Read:
    file = folder / "config.yaml"

    def read(data: bytes) -> None:
        forget()
        file.write_bytes(data)
        sources = Sources({}, {}, file, runs_commands=False)
        for setting in all_settings():
            sources.find(setting)
        sources.connections()
        settings_from(sources, timeout=1, ask=lambda _: None)

    return read


def _header_options(data: bytes) -> object:
    return read_message("e", "k", words_of(data))


def _ids(data: bytes) -> object:
    return read_worker_ids(words_of(data))


def _other_options(data: bytes) -> None:
    for word in words_of(data):
        milliseconds(word)
        for read in (lambda word: parse_selection([word]), parse_offset):
            with suppress(AttuneError):
                read(word)


def _patterns(data: bytes) -> None:
    text = data.decode("utf-8", errors="replace").replace("\0", "")
    if policy_pattern_problem(text) is None:
        for version in ((3, 10), (4, 3)):
            matches(text, "worker.17.executions", version)


def _message_line(data: bytes) -> object:
    message = parse_line(data, "m.jsonl:1")
    return [readable(value) for value in message.properties.values()], message.headers


def _body(data: bytes) -> None:
    for _ in check(data):
        pass


def _plan(data: bytes) -> object:
    return read_plan(data.decode("utf-8", errors="replace"), "plan.json")


class _Rows:
    """A connection that answers with rows; only what the registry asks of one is there."""

    def __init__(self, rows: Sequence[tuple[Any, ...]]) -> None:
        self._rows = rows

    @contextmanager
    def transaction(self) -> Iterator[None]:
        yield

    def execute(self, query: object, *_: object) -> _Rows:
        wanted = ("id", "name", "status", "last_heartbeat") if "pg_attribute" in str(query) else ()
        return _Rows([(name,) for name in wanted]) if wanted else self

    def fetchall(self) -> Sequence[tuple[Any, ...]]:
        return self._rows

    def __iter__(self) -> Iterator[tuple[Any, ...]]:
        return iter(self._rows)


def _rows(data: bytes) -> object:
    """Read rows of a table `worker` whose columns may be of any type."""
    try:
        rows = json.loads(data)
        found = [tuple(row[:5] + [None] * (5 - len(row))) for row in rows]
    except (ValueError, TypeError, RecursionError, AttributeError, KeyError):
        return None
    registry = PostgresRegistry("postgresql://x", timeout=1)
    registry._connection = _Rows(found)  # type: ignore[assignment]
    members = registry.workers()
    seen = Sighting(topology=Topology.of(()), members=members, depths={}, consumer_tags={})
    fleet = examine(seen, attune(), Limits())
    return [(worker.title, worker.verdict, worker.reasons) for worker in fleet.workers], math.pi


def _exported() -> list[bytes]:
    """Return the smaller ones of the definitions that brokers have exported."""
    found = [file.read_bytes() for file in sorted(DEFINITIONS.glob("*.json"))]
    return [each for each in found if len(each) < _LARGE]


def _resources() -> list[bytes]:
    """Return each resource of the example alone, and two of them together."""
    found = (EXAMPLES / "kubernetes" / "resources.yaml").read_bytes().split(b"---\n")[1:]
    return [*found, b"---\n".join(found[1:3])]


def _states() -> list[bytes]:
    """Return what Terraform shows after it applied small configurations."""
    document = (EXAMPLES / "access.yaml").read_text(encoding="utf-8")
    found = [parse(document, source="a.yaml"), attune()]
    return [applied(as_terraform(each).text).encode() for each in found]


def _plans() -> Sequence[bytes]:
    plan = SavedPlan(
        digest="d",
        cluster="c",
        virtual_host="/",
        source="a.yaml",
        text="queues: {q: {}}",
        vhost=None,
        worker_queue_ttl=None,
        workers=(1,),
        prune=False,
        made_at="2026-01-01T00:00:00Z",
        made_by="0.1.0",
        changes=({"action": "create"},),
    )
    return [plan.to_json().encode(), b"[]", b"{}"]


URLS: Final = (
    b"amqp://guest:guest@localhost:5672/%2F",
    b"amqps://a:b%40c@h1.example,h2.example:5671/x?heartbeat=5",
    b"http://guest:guest@[::1]:15672/api",
    b"https://h/p?q#f",
    b"postgresql://u:p@h:5432/d?sslmode=require",
    b"host=h port=5432 user=u password='p' dbname=d",
)
CONFIGURATION: Final = (
    b"""connection: here
connections:
  here: {url: 'amqp://a@h/x', password_command: 'pass show x', expect_cluster: c, protected: true}
  there: {url: 'amqp://a:b@h/x', ca_file: a.pem, management_url: 'https://h'}
""",
    b"""message_queue: {url: 'amqp://a:b@h:5672/x', management_url: 'http://h:15672', worker_queue_ttl: 30m}
database: {url: 'postgresql://u:p@h/d', schema: x, password_file: /nowhere}
""",
)
DOCUMENTS: Final = (
    b"""exchanges: {e: {type: topic, arguments: {alternate-exchange: rest}}, rest: {type: fanout, internal: true}}
queues:
  jobs: {type: quorum, arguments: {x-message-ttl: 24h}, bindings: [{exchange: e, routing_key: 'job.#'}]}
""",
    b"""topology: small
manages: ['old\\..*']
policies: {p: {pattern: ^jobs$, definition: {max-length: 5}, apply_to: queues, priority: 3}}
workers:
  consumer_tag: worker-{worker_id}
  queues: {'w.{worker_id}': {bindings: [{exchange: amq.topic, routing_key: 'w.{worker_id}'}]}}
routes: [{publish: {exchange: amq.topic, routing_key: w.1, headers: {a: 1}}, reaches: [w.1]}]
""",
    b"""super_streams: {orders: {partitions: 3, arguments: {x-max-age: 7D}}}
expect_cluster: rabbit@host
requires: {rabbitmq: '>=3.10'}
lint: {ignore: [{rule: AI001, object: 'queue:*', because: x}]}
queues: &a {q: {durable: false, auto_delete: yes, arguments: {x-priority: !!int "5"}}}
""",
)
MESSAGE_LINES: Final = (
    b'{"routing_key": "k", "exchange": "e", "properties": {"message_id": "1", "priority": 3}, "body": "x"}',
    b'{"body_base64": "AAEC", "headers": {"a": {"type": "long", "value": 3}, "b": [1, null, {"c": true}]}}',
    b'{"properties": {"timestamp": 1700000000, "headers": {"x-death": [{"count": 1}]}}, "body": ""}',
)
ROWS: Final = (
    b'[[1, "one", "active", 3.5, false], [2, "two", "inactive", null, true]]',
    b'[[7, "x", "cordoned", -1, null], ["7", 1, true, "NaN", 3]]',
)

READERS: Final[Mapping[str, Reader]] = {
    "documents": Reader(lambda _: _document, lambda: DOCUMENTS),
    "definitions": Reader(lambda _: _definitions, _exported),
    "whole definitions": Reader(
        lambda _: _whole_definitions, lambda: [*_exported(), *(json.dumps(each).encode() for each in WHOLE)]
    ),
    "overlays": Reader(lambda _: _overlay, lambda: OVERLAYS),
    "Kubernetes": Reader(lambda _: _kubernetes, _resources),
    "Terraform": Reader(lambda _: _terraform, _states),
    "URLs": Reader(lambda _: _urls, lambda: URLS),
    "configuration": Reader(_configuration, lambda: CONFIGURATION),
    "header options": Reader(
        lambda _: _header_options,
        lambda: [b"a=1", b'b="5"\nc=[1, {d: 2026-01-01}]', b"d=true\ne=1.5e3\nf=!!binary YQ=="],
    ),
    "ids": Reader(lambda _: _ids, lambda: [b"1", b"1-20\n7", b"9223372036854775807", b"1-2000\n5-3"]),
    "other options": Reader(
        lambda _: _other_options,
        lambda: [
            b"90s\n1h30m",
            b"reason=expired\nrouting-key=a.#",
            b"header.a=1\nage>1h\nfirst\nlast\n2026-01-01T00:00:00Z",
        ],
    ),
    "patterns": Reader(
        lambda _: _patterns,
        lambda: [b"^worker\\..*", b"^(a|b)+[[:alpha:]]{1,3}$", b"(?i)x(?=y)\\p{L}", b"^(\\w+\\.?)+!$"],
    ),
    "lines of messages": Reader(lambda _: _message_line, lambda: MESSAGE_LINES),
    "bodies": Reader(lambda _: _body, lambda: [b'{"a": [1, 2.5e3, "x\\u00e9", null]}', b"[[[]]]"], (NotJson,)),
    "plans": Reader(lambda _: _plan, _plans),
    "registry rows": Reader(lambda _: _rows, lambda: ROWS),
    "management answers": Reader(lambda _: read_management, management_seeds),
    "AMQP frames": Reader(lambda _: read_frames, frames_of_a_broker, (OSError,)),
}
