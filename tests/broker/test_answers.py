"""Answers of the management API that are not what they should be: bytes, shapes, time and size."""

from __future__ import annotations

import json
import socket
import time
from typing import Any

import pytest

from attune_infra.broker import answers
from attune_infra.broker.http.management import Management
from attune_infra.broker.shapes import MAX_DIGITS, MAX_NESTING, Shape, fault_in
from attune_infra.errors import BrokerUnreachable, StrangeAnswer
from attune_infra.settings import AMQP_URL, MANAGEMENT_URL, resolve
from support.servers import MAX_QUESTION_BYTES, serve, serve_answer

QUEUE = {"name": "q", "type": "classic", "durable": True, "auto_delete": False, "arguments": {}}
POLICY = {"name": "p", "pattern": "", "apply-to": "all", "priority": 0, "definition": {}}
BINDING = {"source": "e", "destination": "q", "destination_type": "queue", "routing_key": "", "arguments": {}}
OVERVIEW = {"rabbitmq_version": "4.3.1"}


def nested(levels: int) -> Any:
    return [nested(levels - 1)] if levels else 0


def read_sources(items: list[Any]) -> list[str]:
    return [item["source"] for item in items]


@pytest.mark.parametrize("count", [1, 2, 25_000])
def test_a_long_list_is_read_in_shares(count: int) -> None:
    body = json.dumps([BINDING | {"source": f"é{number}"} for number in range(count)], separators=(",", ":"))
    sizes: list[int] = []

    def read(items: list[Any]) -> list[str]:
        sizes.append(len(items))
        return read_sources(items)

    found = answers.read_in_shares(body.replace("\\u00e9", "é").encode(), answers.BINDINGS, read)

    assert found == [f"é{number}" for number in range(count)]
    assert max(sizes) <= 12_000


def test_a_share_that_would_end_inside_a_text_or_an_object_is_left_to_the_whole_reading() -> None:
    odd: list[Any] = ["},{" * 400_000, [{}] * 400_000]
    for value in odd:
        body = json.dumps([BINDING | {"arguments": {"x": value}}, BINDING], separators=(",", ":")).encode()

        assert answers.read_in_shares(body, answers.BINDINGS, read_sources) is None
        assert len(answers.decode(body)) == 2


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[",
        b"[]",
        b"{}",
        b"17",
        b"[17]",
        b'[{"source":"e"}]',
        b" [{}]",
        json.dumps([BINDING], separators=(",", ":")).encode() + b",",
        json.dumps([BINDING], separators=(",", ":")).encode()[:-1],
        json.dumps([BINDING, BINDING], separators=(",", ":")).replace("},{", "};{").encode(),
        json.dumps([BINDING | {"source": "\ud800"}], separators=(",", ":")).encode(),
        json.dumps([BINDING | {"arguments": {"x": float("nan")}}], separators=(",", ":")).encode(),
        json.dumps([BINDING], separators=(",", ":")).encode().replace(b'"e"', b'"\xff"'),
        b"[" * 100_000,
    ],
)
def test_what_is_no_plain_list_is_left_to_the_whole_reading(body: bytes) -> None:
    assert answers.read_in_shares(body, answers.BINDINGS, read_sources) is None


@pytest.mark.parametrize(
    ("shape", "answer", "words"),
    [
        (answers.QUEUES, 17, "it is a number (17), not an array"),
        (answers.QUEUES, {}, "it is an empty object, not an array"),
        (answers.QUEUES, None, "it is null, not an array"),
        (answers.QUEUES, [QUEUE, []], "[1] is an empty array, not an object"),
        (answers.QUEUES, [QUEUE, QUEUE | {"arguments": 17}], "[1].arguments is a number (17), not an object"),
        (answers.QUEUES, [QUEUE | {"durable": 1}], "[0].durable is a number (1), not a boolean"),
        (answers.QUEUES, [QUEUE, {"name": "x" * 50}], "[1].type is missing"),
        (answers.QUEUES, [QUEUE | {"name": ["q"]}], "[0].name is an array, not a string"),
        (
            answers.QUEUES,
            [QUEUE | {"state": True}],
            "[0].state is a boolean (true), not a string or null",
        ),
        (
            answers.QUEUES_WITH_TOTALS,
            [QUEUE | {"messages": 2**63}],
            "[0].messages is a number (9223372036854775808), not an integer of at most 64 bits",
        ),
        (
            answers.OVERVIEW,
            {"rabbitmq_version": "x.y"},
            'rabbitmq_version is a string ("x.y"), not a version such as',
        ),
        (answers.OVERVIEW, OVERVIEW | {"exchange_types": [{}]}, "exchange_types[0].name is missing"),
        (answers.OVERVIEW, OVERVIEW | {"object_totals": [1]}, "object_totals is an array, not an empty array"),
        (answers.BINDINGS, [BINDING | {"destination_type": "x"}], 'not "queue" or "exchange"'),
        (
            answers.POLICIES,
            [POLICY | {"definition": {"a": [{"b": float("inf")}]}}],
            "[0].definition.a[0].b is a number (inf), which is too long",
        ),
        (
            answers.POLICIES,
            [POLICY | {"definition": {"a": 10**MAX_DIGITS}}],
            "[0].definition.a is a number of more than 40 digits, which is too long",
        ),
        (
            answers.POLICIES,
            [POLICY | {"definition": {"a": nested(MAX_NESTING)}}],
            f"[0].definition is nested more than {MAX_NESTING} levels deep",
        ),
        (
            answers.PAGE_OF_QUEUES,
            {"items": [{"name": "q", "idle_since": "yesterday"}], "filtered_count": 1, "page_count": 1},
            'items[0].idle_since is a string ("yesterday"), not a time such as 2026-01-31T12:00:00',
        ),
    ],
)
def test_a_fault_is_named_with_its_place(shape: Shape, answer: object, words: str) -> None:
    assert words in str(fault_in(answer, shape))


@pytest.mark.parametrize(
    ("shape", "answer"),
    [
        (answers.QUEUES, []),
        (answers.QUEUES, [QUEUE, QUEUE | {"exclusive": None, "policy": None}, {"new": 1, **QUEUE, "state": "x"}]),
        (answers.POLICIES, [POLICY | {"definition": {"a": 10 ** (MAX_DIGITS - 1), "b": nested(MAX_NESTING - 1)}}]),
        (answers.BINDINGS, [BINDING | {"routing_key": None}]),
        (answers.OVERVIEW, OVERVIEW | {"object_totals": []}),
        (answers.LIMITS, [{"value": []}]),
    ],
)
def test_other_keys_and_forms_of_other_releases_are_taken(shape: Shape, answer: object) -> None:
    assert fault_in(answer, shape) is None


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"", "it is no JSON at character 0 of 0"),
        (b'[{"name": "q', "it is no JSON at character 10 of 12"),
        (b"[\xff]", "it is not UTF-8"),
        (b'["\\ud800"]', "it holds half of a surrogate pair, which is no text"),
        (b"[NaN]", "it holds NaN, which is no JSON"),
        (b"9" * 100_000, "it has an integer of more digits than Python takes"),
        (b"[" * 100_000 + b"]" * 100_000, "it is nested too deeply"),
    ],
)
def test_bytes_that_are_not_json(body: bytes, words: str) -> None:
    with pytest.raises(answers.Unreadable, match=words):
        answers.decode(body)


def ask(port: int, timeout: float = 5.0) -> Any:
    flags = {AMQP_URL: "amqp://localhost", MANAGEMENT_URL: f"http://127.0.0.1:{port}"}
    management = Management(resolve(flags, {}, timeout=timeout))
    try:
        return management.get("queues", "a/b", shape=answers.QUEUES, columns="name")
    finally:
        management.close()


HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"


def test_the_error_names_the_request_and_what_to_look_at() -> None:
    with serve_answer(HEAD + b"Content-Length: 2\r\n\r\n{}") as port, pytest.raises(StrangeAnswer) as found:
        ask(port)

    assert found.value.sentence == "answer of GET /api/queues/a%2Fb: it is an empty object, not an array"
    assert found.value.hint == (
        f"is http://127.0.0.1:{port} RabbitMQ's management API, of a release from 3.10 to 4.3?"
        " does a proxy in between change its answers?"
    )


@pytest.mark.parametrize("sent_at_once", [b"", HEAD + b"Content-Length: 500\r\n\r\n"], ids=["head", "body"])
def test_a_server_that_drips_is_given_up_in_time(sent_at_once: bytes) -> None:
    def drip(connection: socket.socket) -> None:
        connection.recv(MAX_QUESTION_BYTES)
        connection.sendall(sent_at_once)
        connection.settimeout(0.05)
        for letter in (b"HTTP/1.1 200 OK\r\nX: " + b" " * 400).removeprefix(sent_at_once):
            connection.sendall(bytes([letter]))
            try:
                if not connection.recv(1):
                    break
            except TimeoutError:
                continue

    with serve(drip) as port:
        began = time.monotonic()
        with pytest.raises(BrokerUnreachable, match=r"within 0\.5 s"):
            ask(port, timeout=0.5)
        assert time.monotonic() - began < 15, "the server drips for 20 s"


def test_an_answer_without_end_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(answers, "MAX_BYTES", 1 << 20)

    def pour(connection: socket.socket) -> None:
        connection.recv(MAX_QUESTION_BYTES)
        connection.sendall(HEAD + b"\r\n[")
        while True:
            connection.sendall(b"1," * 10_000)

    with serve(pour) as port, pytest.raises(StrangeAnswer, match="/api/queues/a%2Fb: it has more than 1 MiB"):
        ask(port)
