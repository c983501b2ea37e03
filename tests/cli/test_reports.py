"""Results for CI, as a user gets them: `--output github|sarif|junit|markdown`, `--report FORMAT=FILE`."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import amqp
import pytest

from attune_infra.render.words import visible
from attune_infra.settings import AMQP_URL, MANAGEMENT_URL
from support.as_a_user import Command, Result
from support.ci_formats import HOSTILE, read_annotations, read_comment, read_junit, read_sarif

pytestmark = pytest.mark.any_broker

FORMATS: Final = ("github", "sarif", "junit", "markdown")
READERS: Final = {
    "github": read_annotations,
    "sarif": read_sarif,
    "junit": read_junit,
    "markdown": read_comment,
}

DOCUMENT: Final = """\
exchanges:
  e: {type: topic}
queues:
  q:
    arguments:
      x-message-ttl: 60000
    bindings:
      - {exchange: e, routing_key: a}
workers:
  consumer_tag: worker-{worker_id}
  queues:
    worker.{worker_id}.jobs:
      bindings:
        - {exchange: e, routing_key: 'worker.{worker_id}'}
routes:
  - publish: {exchange: e, routing_key: a}
    reaches: [q]
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A checkout with the document `mine.yaml`."""
    tmp_path.joinpath("mine.yaml").write_text(DOCUMENT, encoding="utf-8")
    return tmp_path


def annotated(result: Result) -> dict[str, tuple[str, str | None, str | None]]:
    """Return the command, file and line of each annotation, by its title."""
    found, _ = read_annotations(result.stdout)
    return {
        each.properties["title"]: (each.command, each.properties.get("file"), each.properties.get("line"))
        for each in found
    }


def regions(run: Any) -> dict[str, int | None]:
    """Return the line of each result of SARIF, by the object that it is about."""
    places = [result["locations"][0] for result in run["results"]]
    return {
        place["logicalLocations"][0]["fullyQualifiedName"]: place["physicalLocation"]["region"]["startLine"]
        for place in places
    }


def test_findings_of_lint_have_lines_and_help(attune_infra_alone: Command, folder: Path) -> None:
    lint = ("lint", "mine.yaml", "--select", "AI031,AI033", "--fail-on", "info")

    github = attune_infra_alone(*lint, "-o", "github", folder=folder)
    sarif = read_sarif(attune_infra_alone(*lint, "-o", "sarif", folder=folder).stdout)

    assert github.code == 2
    assert annotated(github)["queue worker.{worker_id}.jobs (AI033)"] == ("notice", "mine.yaml", "12")
    assert regions(sarif)["queue worker.{worker_id}.jobs"] == 12
    rules = {rule["id"]: rule for rule in sarif["tool"]["driver"]["rules"]}
    assert "```yaml" in rules["AI033"]["help"]["markdown"]
    assert rules["AI033"]["helpUri"].partition("#")[2].startswith("ai033-")


def test_every_report_is_written_beside_the_output(attune_infra_alone: Command, folder: Path) -> None:
    reports = [option for name in FORMATS for option in ("--report", f"{name}=out.{name}")]

    plain = attune_infra_alone("lint", "mine.yaml", folder=folder)
    result = attune_infra_alone("lint", "mine.yaml", *reports, folder=folder)

    assert (result.code, result.stdout) == (plain.code, plain.stdout)
    assert result.stderr == "".join(f"out.{name}: written\n" for name in FORMATS)
    for name, read in READERS.items():
        printed = attune_infra_alone("lint", "mine.yaml", "-o", name, folder=folder).stdout
        assert folder.joinpath(f"out.{name}").read_text(encoding="utf-8") == printed
        assert read(printed)


def test_only_those_below_the_threshold_pass_in_junit(attune_infra_alone: Command, folder: Path) -> None:
    lint = ("lint", "mine.yaml", "-o", "junit", "--select", "AI033", "--fail-on")

    for threshold, code in (("info", 2), ("warning", 0)):
        result = attune_infra_alone(*lint, threshold, folder=folder)
        failed = [case for case in read_junit(result.stdout) if case.is_failure]
        assert (result.code, bool(failed)) == (code, code == 2)


def test_a_problem_of_a_document_is_at_its_line(attune_infra_alone: Command, folder: Path) -> None:
    folder.joinpath("bad.yaml").write_text("queues:\n  q: {typo: 1}\n")

    result = attune_infra_alone("topology", "check", "bad.yaml", "mine.yaml", "-o", "github", folder=folder)
    checked = attune_infra_alone("topology", "check", "bad.yaml", "mine.yaml", "-o", "junit", folder=folder)

    assert result.code == checked.code == 1
    assert annotated(result) == {"document bad.yaml (invalid-document)": ("error", "bad.yaml", "2")}
    assert [case.is_failure for case in read_junit(checked.stdout)] == [True, False]
    assert result.stdout.endswith("\n2 documents: 1 invalid\n")
    missing = attune_infra_alone("topology", "check", "none.yaml", "-o", "junit", folder=folder)
    assert [case.is_error for case in read_junit(missing.stdout)] == [True]


def test_drift_is_at_the_line_of_the_object_that_drifted(
    attune_infra: Command, folder: Path, channel: amqp.Channel
) -> None:
    channel.exchange_declare("e", "topic", durable=True, auto_delete=False)
    channel.queue_declare("q", durable=True, auto_delete=False)
    channel.queue_declare("stray", durable=True, auto_delete=False)
    verify = ("verify", "mine.yaml", "--worker", "7", "--strict", "-o")

    github = attune_infra(*verify, "github", folder=folder)

    assert github.code == 2
    found = annotated(github)
    assert found["queue q (queue-matches)"] == ("error", "mine.yaml", "6")
    assert found["binding e -> q with routing key a (binding-matches)"] == ("error", "mine.yaml", "8")
    assert found["queue worker.7.jobs (queue-matches)"] == ("error", "mine.yaml", "12")
    assert found["binding e -> worker.7.jobs with routing key worker.7 (binding-matches)"][2] == "14"
    assert found["route of e with routing key a (route-holds)"][2] == "16"
    assert found["undeclared queue stray (nothing-undeclared)"] == ("error", "mine.yaml", None)
    run = read_sarif(attune_infra(*verify, "sarif", folder=folder).stdout)
    assert regions(run)["queue worker.7.jobs"] == 12
    assert regions(run)["undeclared queue stray"] == 1
    cases = {case.name: case for case in read_junit(attune_infra(*verify, "junit", folder=folder).stdout)}
    assert cases["exchange e"].is_passed
    assert cases["queue q (queue-matches)"].is_failure


def test_a_warning_is_no_failure(attune_infra: Command, folder: Path, channel: amqp.Channel) -> None:
    assert attune_infra("setup", "mine.yaml", folder=folder).code == 0
    channel.queue_declare("stray", durable=True, auto_delete=False)

    result = attune_infra("verify", "mine.yaml", "-o", "junit", "--report", "github=g", folder=folder)

    assert result.code == 0
    assert not any(case.is_failure or case.is_error for case in read_junit(result.stdout))
    [annotation], _ = read_annotations(folder.joinpath("g").read_text())
    assert annotation.command == "warning"


def test_a_comment_tells_what_changes_and_what_is_lost(
    attune_infra: Command, folder: Path, channel: amqp.Channel
) -> None:
    channel.queue_declare("q", durable=True, auto_delete=False)
    channel.confirm_select()
    channel.basic_publish_confirm(amqp.Message("x"), routing_key="q")

    result = attune_infra("diff", "mine.yaml", "-o", "markdown", folder=folder)

    assert result.code == 2
    page = read_comment(result.stdout)
    assert page.cells[1] == [
        "error",
        "queue q",
        "differs; it must be deleted and recreated",
        "1 message",
        "mine.yaml:6",
    ]
    assert page.cells[2][:3] == ["warning", "exchange e", "is missing; `setup` creates it"]
    assert "These changes can lose 1 message." in page.prose
    assert "target: cluster " in page.prose
    assert "x-message-ttl: have none, want 60000 (integer)" in result.stdout
    run = read_sarif(attune_infra("diff", "mine.yaml", "-o", "sarif", "--explain", folder=folder).stdout)
    assert regions(run) == {"queue q": 6, "exchange e": 2, "binding e -> q with routing key a": 8}


@pytest.mark.transient_queues
def test_definitions_have_lines_and_what_is_built_in_has_no_file(attune_infra: Command, folder: Path) -> None:
    exchange = '{"name": "e", "type": "topic", "durable": true, "auto_delete": false, "arguments": {}}'
    folder.joinpath("d.json").write_text(f'{{"queues": [], "bindings": [],\n "exchanges": [\n  {exchange}]}}')

    definitions = attune_infra("diff", "d.json", "-o", "github", folder=folder)
    builtin = attune_infra("diff", "-o", "github", folder=folder)

    assert annotated(definitions) == {"exchange e (diff-create)": ("warning", "d.json", "3")}
    assert {file for _, file, _ in annotated(builtin).values()} == {None}
    assert read_sarif(attune_infra("diff", "-o", "sarif", folder=folder).stdout)["results"]


@pytest.mark.parametrize("name", FORMATS)
def test_a_command_that_fails_leaves_a_red_report(attune_infra: Command, folder: Path, name: str) -> None:
    nobody = {AMQP_URL.variable: "amqp://x:secret@localhost:1/", MANAGEMENT_URL.variable: "http://localhost:1"}
    folder.joinpath("out").write_text("an old report")

    result = attune_infra("diff", "mine.yaml", "--report", f"{name}=out", environment=nobody, folder=folder)

    assert (result.code, result.stdout) == (1, "")
    assert "error: " in result.stderr
    text = folder.joinpath("out").read_text()
    assert READERS[name](text)
    assert "cannot reach" in text
    assert "secret" not in text


def test_a_document_that_no_plan_can_be_made_of_is_at_its_line(attune_infra: Command, folder: Path) -> None:
    folder.joinpath("bad.yaml").write_text("queues:\n  q: {typo: 1}\n")

    result = attune_infra("diff", "bad.yaml", "-o", "github", "--report", "junit=j.xml", folder=folder)

    assert result.code == 1
    assert annotated(result) == {"document bad.yaml (invalid-document)": ("error", "bad.yaml", "2")}
    [case] = read_junit(folder.joinpath("j.xml").read_text())
    assert case.is_error


def test_a_report_that_cannot_be_written_fails_the_command(attune_infra_alone: Command, folder: Path) -> None:
    folder.joinpath("kept.xml").write_text("an old report")
    reports = ("--report", "junit=kept.xml", "--report", "sarif=none/out.sarif")

    result = attune_infra_alone("lint", "mine.yaml", *reports, folder=folder)

    assert (result.code, result.stdout) == (1, "")
    assert result.stderr.count("cannot write none/out.sarif: No such file or directory") == 2
    [case] = read_junit(folder.joinpath("kept.xml").read_text())
    assert case.is_error
    assert sorted(path.name for path in folder.iterdir()) == ["kept.xml", "mine.yaml"]


@pytest.mark.parametrize(
    "arguments",
    [
        ("lint", "--report", "xml=out"),
        ("lint", "--report", "junit"),
        ("lint", "--report", "junit="),
        ("lint", "--report", "junit=out", "--report", "sarif=out"),
        ("lint", "--report", "junit=out", "--to", "out"),
        ("lint", "-o", "html"),
        ("setup", "-o", "sarif"),
        ("setup", "--report", "junit=out"),
        ("topology", "show", "-o", "github"),
    ],
)
def test_what_is_no_report_is_wrong_usage(
    attune_infra_alone: Command, folder: Path, arguments: tuple[str, ...]
) -> None:
    result = attune_infra_alone(*arguments, folder=folder)

    assert (result.code, result.stdout) == (64, "")
    assert not folder.joinpath("out").exists()


def test_rules_are_explained_to_persons_only(attune_infra_alone: Command) -> None:
    result = attune_infra_alone("lint", "--explain", "AI001", "-o", "github")

    assert result.code == 64
    assert annotated(result) == {"the command failed (wrong-usage)": ("error", None, None)}


def test_names_of_files_are_those_of_the_checkout(attune_infra_alone: Command, folder: Path) -> None:
    inner = folder / "inner"
    inner.mkdir()
    in_actions = {"GITHUB_ACTIONS": "true", "GITHUB_WORKSPACE": str(folder)}
    lint = ("lint", "../mine.yaml", "--select", "AI033")

    github = attune_infra_alone(*lint, "-o", "github", folder=inner, environment=in_actions)
    outside = attune_infra_alone(*lint, "-o", "github", folder=inner)
    text = attune_infra_alone(*lint, folder=inner, environment=in_actions)

    assert {file for _, file, _ in annotated(github).values()} == {"mine.yaml"}
    assert {file for _, file, _ in annotated(outside).values()} == {str(folder / "mine.yaml")}
    assert text.stdout.startswith("../mine.yaml:")


@pytest.mark.parametrize("name", FORMATS)
def test_a_name_on_a_broker_stays_a_name(
    attune_infra: Command, folder: Path, channel: amqp.Channel, name: str
) -> None:
    assert attune_infra("setup", "mine.yaml", folder=folder).code == 0
    on_one_line = HOSTILE.replace("\r", "").replace("\n", "")  # RabbitMQ drops line ends from names
    hostile = on_one_line.encode()[:200].decode(errors="ignore")
    channel.queue_declare(hostile, durable=True, auto_delete=False)

    result = attune_infra("verify", "mine.yaml", "--strict", "-o", name, folder=folder)

    assert result.code == 2
    match name:
        case "github":
            assert list(annotated(result)) == [f"undeclared queue {visible(hostile)} (nothing-undeclared)"]
        case "sarif":
            assert list(regions(read_sarif(result.stdout))) == [f"undeclared queue {visible(hostile)}"]
        case "junit":
            [failed] = [case for case in read_junit(result.stdout) if case.is_failure]
            assert failed.name == f"undeclared queue {visible(hostile)} (nothing-undeclared)"
        case _:
            assert len(read_comment(result.stdout).cells) == 2
