"""Failures as data: with --output json, whoever reads standard output learns why there is no result."""

from __future__ import annotations

import json
import signal
from pathlib import Path

import pytest

from attune_infra.cli._failure import wants_json
from attune_infra.errors import AttuneError, ErrorCode, ExitCode
from attune_infra.links import code_url
from support.as_a_user import Command
from support.contract import check_contract
from support.eventually import eventually
from support.virtual_host import VirtualHost

INVALID = "queues:\n  a: {typ: quorum}\n  b: {durable: 3}\n"


def test_a_failure_is_told_to_people_and_to_machines(attune_infra_alone: Command) -> None:
    result = attune_infra_alone("diff", "--management-url", "http://localhost:1", "-o", "json")

    assert result.code == ExitCode.FAILED
    found = result.own_json
    assert result.stderr == f"error: {found['sentence']}\nhint:  {found['hint']}\n"
    assert "nothing listens on port 1" in found.pop("sentence")
    assert found.pop("hint")
    assert found == {
        "schema": "attune-infra/error/1",
        "exit_code": 1,
        "code": "broker-unreachable",
        "url": code_url("broker-unreachable"),
        "may_pass": True,
    }


def test_without_json_standard_output_stays_empty(attune_infra_alone: Command) -> None:
    assert attune_infra_alone("diff", "--management-url", "http://localhost:1").stdout == ""


@pytest.mark.parametrize(
    "words",
    [
        "diff --bogus -o json",
        "-o json nonsense",
        "worker nonsense -ojson",
        "diff --worker x --output=json",
        "topology check --output json",
        "verify --timeout never -qo json",
    ],
)
def test_wrong_usage_is_a_failure_too(attune_infra_alone: Command, words: str) -> None:
    result = attune_infra_alone(*words.split())

    assert result.code == ExitCode.WRONG_USAGE
    assert (result.json["code"], result.json["exit_code"]) == ("wrong-usage", 64)
    assert result.stderr.startswith(f"error: {result.json['sentence'].splitlines()[0]}")


def test_a_document_has_all_its_problems_with_their_places(attune_infra_alone: Command, tmp_path: Path) -> None:
    document = tmp_path / "invalid.yaml"
    document.write_text(INVALID, encoding="utf-8")

    result = attune_infra_alone("diff", str(document), "-o", "json")

    assert (result.json["code"], result.json["file"]) == ("invalid-document", str(document))
    assert [(each["line"], each["column"]) for each in result.json["problems"]] == [(2, 7), (3, 16)]
    assert (result.json["line"], result.json["column"]) == (2, 7)
    assert {each["file"] for each in result.json["problems"]} == {str(document)}
    assert result.json["sentence"].splitlines() == [
        f"{document}:{each['line']}:{each['column']}: {each['what']}" for each in result.json["problems"]
    ]


def test_a_refusal_names_the_broker_that_refused(attune_infra: Command, vhost: VirtualHost) -> None:
    result = attune_infra("setup", "--expect", "0123456789ab", "-o", "json")

    assert (result.code, result.json["code"]) == (ExitCode.REFUSED, "plan-refused")
    assert result.json["target"]["virtual_host"] == vhost.name


def test_a_file_for_the_result_is_not_written(attune_infra_alone: Command, tmp_path: Path) -> None:
    file = tmp_path / "result.json"

    result = attune_infra_alone("diff", "--management-url", "http://localhost:1", "-o", "json", "--to", str(file))

    assert result.json["code"] == "broker-unreachable"
    assert not file.exists()


def test_an_interruption_is_a_failure_too(attune_infra_alone: Command, tmp_path: Path) -> None:
    words = ("diff", "--management-url", "http://localhost:1", "--wait", "60", "-vv", "-o", "json")
    with (tmp_path / "talk").open("w+") as talk, attune_infra_alone.start(*words, talk=talk) as waiting:
        eventually((tmp_path / "talk").read_text, lambda told: "no answer" in told, within=30)
        waiting.send_signal(signal.SIGINT)
        stdout, _ = waiting.communicate(timeout=30)

    check_contract(stdout)
    assert (waiting.returncode, json.loads(stdout)["code"]) == (ExitCode.INTERRUPTED, "interrupted")


@pytest.mark.parametrize(
    ("words", "wanted"),
    [
        ("diff -o json", True),
        ("diff --output json", True),
        ("diff --output=json", True),
        ("diff -ojson", True),
        ("diff -qo json", True),
        ("diff -vojson", True),
        ("diff -o text", False),
        ("diff -o json -o text", False),
        ("diff -o text --output json", True),
        ("diff -o", False),
        ("diff --out json", False),
        ("diff --out=json", False),
        ("sandbox run -- jq -o json", False),
        ("diff", False),
    ],
)
def test_the_command_line_tells_if_json_is_wanted(words: str, wanted: bool) -> None:
    assert wants_json(words.split()) == wanted


def kinds(base: type[AttuneError]) -> set[type[AttuneError]]:
    return {base}.union(*map(kinds, base.__subclasses__())) - {AttuneError}


def test_every_kind_of_failure_has_a_code_of_its_own() -> None:
    own = [each for each in kinds(AttuneError) if "code" in vars(each)]

    assert {each.code for each in own} <= set(ErrorCode)
    assert len({each.code for each in own}) == len(own)
    assert all(isinstance(each.code, ErrorCode) for each in kinds(AttuneError))
