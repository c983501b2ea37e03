"""`attune-infra lint`, as a user runs it."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import urlsplit

import amqp
import pytest

from attune_infra.broker.http.management import Management
from attune_infra.settings import AMQP_URL
from attune_infra.topology.lint.examples import load_example
from attune_infra.topology.lint.rules import RULES
from support.as_a_user import Command
from support.folders import ROOT
from support.under_test import BrokerUnderTest
from support.virtual_host import VirtualHost

PAGE = ROOT / "docs/lint.md"

MINE = """\
exchanges:
  e: {type: direct}
queues:
  q:
    arguments: {x-max-length: 5}
    bindings:
      - {exchange: e, routing_key: '#'}
"""


@pytest.fixture
def mine(tmp_path: Path) -> str:
    path = tmp_path / "mine.yaml"
    path.write_text(MINE, encoding="utf-8")
    return str(path)


def test_a_finding_is_told_with_its_place_and_a_remedy(attune_infra_alone: Command, mine: str) -> None:
    about = "binding e -> q with routing key #"

    result = attune_infra_alone("lint", mine)

    assert (result.code, result.stderr) == (2, "")
    assert result.lines == [
        f"{mine}:7:36: warning AI010 {about}: 'e' is a direct exchange: it takes the key '#' literally",
        "      bind the keys that are published, or make the exchange a topic or fanout exchange",
        "findings for RabbitMQ 4.3: 1 warning",
    ]


def test_many_findings_that_say_the_same_are_summed_up(attune_infra_alone: Command, tmp_path: Path) -> None:
    """Only in text: exit code, numbers and JSON are those of all findings."""
    path = tmp_path / "many.yaml"
    queues = "".join(
        f"  worker.{n}.jobs: {{bindings: [{{exchange: e, routing_key: jobs.{n}}}]}}\n" for n in range(200)
    )
    ignored = "lint: {ignore: [{rule: AI033, object: worker.7.jobs, reason: it has a consumer}]}\n"
    path.write_text(f"exchanges: {{e: {{type: direct}}}}\nqueues:\n{queues}{ignored}", encoding="utf-8")

    result = attune_infra_alone("lint", str(path), "--fail-on", "info")
    objects = [each["title"] for each in attune_infra_alone("lint", str(path), "-o", "json").json["findings"]]

    assert result.code == 2
    [headline, _, last] = result.lines
    assert headline.startswith(f"{path}:3:3: info AI033 each of 199 queues (worker.{{n}}.jobs): it grows without")
    assert last == "findings for RabbitMQ 4.3: 199 info, 1 suppressed; --output json lists each"
    assert objects == [f"queue worker.{n}.jobs" for n in range(200) if n != 7]


def test_what_is_not_bad_enough_does_not_fail(attune_infra_alone: Command, mine: str) -> None:
    assert attune_infra_alone("lint", "--topology", mine, "--fail-on", "error").code == 0
    assert attune_infra_alone("lint", mine, "--ignore", "AI009,AI010").code == 64
    assert attune_infra_alone("lint", mine, "--ignore", "AI001,AI010").lines == ["findings for RabbitMQ 4.3: none"]


def test_json_is_data(attune_infra_alone: Command, mine: str) -> None:
    result = attune_infra_alone("lint", mine, "--broker-version", "3.13", "-o", "json")

    assert result.code == 2
    assert (result.json["schema"], result.json["broker_version"]) == ("attune-infra/lint/1", "3.13")
    [finding] = result.json["findings"]
    assert (finding["code"], finding["severity"], finding["line"], finding["column"]) == (
        "AI010",
        "warning",
        7,
        36,
    )
    assert finding["title"] == "binding e -> q with routing key #"
    assert (finding["kind"], finding["source"], finding["destination"], finding["routing_key"]) == (
        "binding",
        "e",
        "q",
        "#",
    )
    assert (finding["document"], finding["file"]) == (mine, mine)
    assert "/docs/lint.md#ai010-" in finding["url"]


def test_a_finding_in_definitions_has_a_line(attune_infra_alone: Command, tmp_path: Path) -> None:
    file = tmp_path / "definitions.json"
    file.write_text(
        """{"exchanges": [], "bindings": [],
 "queues": [
  {"name": "a", "durable": true, "auto_delete": false, "arguments": {"x-max-length": 9}},
  {"name": "b", "durable": true, "auto_delete": false, "arguments": {"x-dead-letter-exchange": "dlx"}}
]}"""
    )

    result = attune_infra_alone("lint", str(file), "--select", "AI001")

    assert result.code == 2
    assert result.lines[0].startswith(f"{file}:4:3: error AI001 queue b: its dead letter exchange 'dlx'")


def test_a_release_that_refuses_is_named(attune_infra_alone: Command, tmp_path: Path) -> None:
    path = tmp_path / "old.yaml"
    path.write_text("queues: {q: {arguments: {x-queue-version: 1, x-max-length: 5}}}", encoding="utf-8")

    assert attune_infra_alone("lint", str(path), "--broker-version", "4.2").code == 0
    refused = attune_infra_alone("lint", str(path), "--broker-version", "4.3", "--select", "AI050")
    assert refused.code == 2
    assert "error AI050 queue q: RabbitMQ 4.3 refuses x-queue-version 1" in refused.stdout


@pytest.mark.parametrize("version", ["4", "3.12", "4.4", "new"])
def test_a_release_that_is_not_known_is_named(attune_infra_alone: Command, version: str) -> None:
    result = attune_infra_alone("lint", "--broker-version", version)

    assert result.code in {1, 64}
    assert version in result.stderr


def test_rules_are_explained(attune_infra_alone: Command) -> None:
    result = attune_infra_alone("lint", "--explain", "AI001")

    assert result.code == 0
    assert result.lines[:3] == ["## AI001: A dead letter exchange does not exist", "", "Severity: error."]
    assert attune_infra_alone("lint", "--explain", "AI999").code == 64


def test_a_rule_is_explained_with_its_examples(attune_infra_alone: Command) -> None:
    example = load_example("AI017")

    text = attune_infra_alone("lint", "--explain", "AI017").stdout
    [rule] = attune_infra_alone("lint", "--explain", "AI017", "-o", "json").json["rules"]

    assert text.endswith(f"\n\nGood:\n\n```yaml\n{example.good}```\n")
    assert f"\n\nBad, on RabbitMQ 4.0:\n\n```yaml\n{example.bad}```\n" in text
    assert (rule["bad"], rule["good"]) == (example.bad, example.good)


def test_an_example_that_depends_on_consumers_says_so(attune_infra_alone: Command) -> None:
    text = attune_infra_alone("lint", "--explain", "AI035").stdout

    assert "\nBad, if queue billing has 0 consumers:\n" in text


@pytest.mark.parametrize("option", ["--select", "--ignore", "--explain"])
def test_no_rule_is_not_all_rules(attune_infra_alone: Command, option: str) -> None:
    result = attune_infra_alone("lint", option, ",")

    assert (result.code, result.stdout) == (64, "")
    assert "no rule is given" in result.stderr


def test_transient_queues_are_a_finding_where_the_broker_will_deny_them(attune_infra_alone: Command) -> None:
    denies = ("lint", "--select", "AI052", "--fail-on", "info", "--broker-version")

    found = attune_infra_alone(*denies, "4.0")
    assert found.code == 2
    assert found.lines[0].endswith("its configuration may deny them, and a later release will by default")
    assert attune_infra_alone(*denies, "3.10").code == 0


def test_the_page_says_the_same(attune_infra_alone: Command) -> None:
    """Mend it: replace what follows its introduction by what `attune-infra lint --explain all` prints."""
    introduction, rules, rest = PAGE.read_text(encoding="utf-8").partition("## AI001")

    assert introduction
    assert rules + rest == attune_infra_alone("lint", "--explain", "all").stdout
    assert rest.count("\n## AI") == len(RULES) - 1


def test_a_broker_is_linted_for_its_own_release(
    attune_infra: Command, channel: amqp.Channel, under_test: BrokerUnderTest
) -> None:
    channel.exchange_declare("e", "topic", durable=True, auto_delete=False)
    for queue in ("idle", "busy"):
        channel.queue_declare(queue, durable=True, auto_delete=False)
        channel.queue_bind(queue, "e", "k")
    channel.basic_consume("busy")

    result = attune_infra("lint", "--live", "-o", "json")

    assert (result.code, result.stderr) == (2, "")
    assert result.json["broker_version"] == ".".join(map(str, under_test.release))
    found = {(finding["code"], finding["title"]) for finding in result.json["findings"]}
    assert ("AI035", "queue idle") in found
    assert not any("busy" in about for _, about in found)


def test_the_consumers_of_a_stream_are_unknown_and_not_missing(
    attune_infra: Command, channel: amqp.Channel
) -> None:
    """RabbitMQ answers 0 to a passive declaration of a stream, whatever consumes it."""
    channel.queue_declare("log", durable=True, auto_delete=False, arguments={"x-queue-type": "stream"})
    channel.basic_qos(0, 1, a_global=False)
    channel.basic_consume("log")

    result = attune_infra("lint", "--live")

    assert "log" in result.stdout
    assert "it has no consumer" not in result.stdout


def test_a_broker_is_linted_without_consumers_if_they_cannot_be_counted(
    attune_infra: Command, channel: amqp.Channel
) -> None:
    channel.queue_declare("q", durable=True, auto_delete=False)
    url = urlsplit(attune_infra.environment[AMQP_URL.variable])
    nobody = url._replace(netloc=url.netloc.replace(f":{url.port}", ":1")).geturl()

    result = attune_infra("lint", "--live", environment={AMQP_URL.variable: nobody})

    assert result.stderr.startswith("cannot count consumers: ")
    assert (result.code, result.lines[-1].rpartition(":")[2]) == (0, " 2 info")


def test_twins_of_a_broker_are_told(
    attune_infra: Command, channel: amqp.Channel, management: Management, vhost: VirtualHost
) -> None:
    channel.exchange_declare("h", "headers", durable=True, auto_delete=False)
    channel.queue_declare("q", durable=True, auto_delete=False, arguments={"x-max-length": 5})
    channel.queue_bind("q", "h", arguments={"n": 1})
    assert attune_infra("lint", "--live").code == 0

    body = {"routing_key": "", "arguments": {"n": 1}}
    management.post("bindings", vhost.name, "e", "h", "q", "q", body=body)

    assert "the broker holds this binding more than once" in attune_infra("lint", "--live").stdout


def test_private_queues_take_messages_but_are_no_findings(attune_infra: Command, channel: amqp.Channel) -> None:
    channel.exchange_declare("jobs", "fanout", durable=True, auto_delete=False)
    channel.queue_declare("mine", exclusive=True, arguments={"x-message-ttl": 0})
    channel.queue_bind("mine", "jobs", "a")
    channel.queue_bind("mine", "jobs", "b")

    result = attune_infra("lint", "--live", "--fail-on", "info")

    assert (result.code, result.lines[-1].endswith("none")) == (0, True)

    channel.queue_delete("mine")
    assert "AI020" in attune_infra("lint", "--live").stdout


def test_a_document_and_a_broker_are_one_too_many(attune_infra_alone: Command, mine: str) -> None:
    result = attune_infra_alone("lint", mine, "--live")

    assert result.code == 64
    assert "a document or workers are given too" in result.stderr


def test_the_place_of_a_finding_has_an_end(attune_infra_alone: Command, tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("exchanges:\n  lonely: {type: fanout}\n", encoding="utf-8")

    linted = attune_infra_alone("lint", "a.yaml", "-o", "json", folder=tmp_path)
    sarif = attune_infra_alone("lint", "a.yaml", "-o", "sarif", folder=tmp_path)
    annotated = attune_infra_alone("lint", "a.yaml", "-o", "github", folder=tmp_path)

    [finding] = linted.json["findings"]
    assert (finding["line"], finding["column"], finding["end"]) == (2, 3, 9)
    [result] = sarif.json["runs"][0]["results"]
    region = result["locations"][0]["physicalLocation"]["region"]
    assert region == {"startLine": 2, "startColumn": 3, "endColumn": 9}
    assert "file=a.yaml,line=2,col=3,endColumn=9," in annotated.stdout
