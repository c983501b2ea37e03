"""Each format of CI shows every problem, whatever the names in it, and says so when it is cut."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Final

import pytest

from attune_infra.errors import AttuneError, BrokerUnreachable
from attune_infra.render.reports.failure import review_of
from attune_infra.render.reports.formats import Format, render
from attune_infra.render.reports.review import Grade, Guide, Remark, Review
from attune_infra.render.words import visible
from attune_infra.topology.document.origin import Spot
from attune_infra.topology.document.problems import InvalidDocument, Problem
from support.ci_formats import HOSTILE, read_annotations, read_comment, read_junit, read_sarif

BAD: Final = Remark(
    code="AI001",
    name="queue jobs",
    grade=Grade.ERROR,
    what="its dead letters are lost",
    hint="bind a queue",
    details=("one", "two"),
    loss="2 messages",
    fails=True,
    spot=Spot("a b/ü,1:2%.yaml", 12, 3),
)
WARNING: Final = replace(BAD, code="AI002", grade=Grade.WARNING, fails=False, spot=None, file="b.yaml", loss="")
PASSED: Final = Remark(code="AI003", name="queue fine")
UNKNOWN: Final = Remark(
    code="broker-answers", name="broker", grade=Grade.ERROR, what="no answer", fails=True, unknown=True
)
REVIEW: Final = Review(
    remarks=(PASSED, WARNING, BAD, UNKNOWN),
    verdict="4 checks: 1 passed",
    loss="2 messages",
    guides={
        "AI001": Guide(code="AI001", title="A title", url="https://x.example/y", reason="Why.", bad="b", good="g")
    },
    command="lint",
    target="target: cluster rabbit@here",
    exit_code=2,
)


def hostile() -> Review:
    remark = replace(BAD, name=HOSTILE, what=HOSTILE, hint=HOSTILE, details=(HOSTILE, HOSTILE), loss=HOSTILE)
    return replace(
        REVIEW, remarks=(remark, replace(remark, spot=None)), verdict=f"1 {HOSTILE}", target=f"a {HOSTILE}"
    )


def test_annotations_are_at_the_line_and_the_worst_come_first() -> None:
    annotations, plain = read_annotations(render(REVIEW, Format.GITHUB))

    assert [(each.command, each.properties.get("file")) for each in annotations] == [
        ("error", "a b/ü,1:2%.yaml"),
        ("error", None),
        ("warning", "b.yaml"),
    ]
    place = {"file": "a b/ü,1:2%.yaml", "line": "12", "col": "3"}
    assert annotations[0].properties == {**place, "title": "queue jobs (AI001)"}
    assert annotations[0].message == "its dead letters are lost\none\ntwo\nhint: bind a queue"
    assert plain == ["4 checks: 1 passed"]


def test_no_name_becomes_a_command_of_github() -> None:
    annotations, plain = read_annotations(render(hostile(), Format.GITHUB))

    name = visible(HOSTILE)
    assert [each.properties["title"] for each in annotations] == [f"{name} (AI001)"] * 2
    assert annotations[0].message == f"{name}\n{name}\n{name}\nhint: {name}"
    assert len(plain) == 1


def test_sarif_has_rules_places_and_fingerprints() -> None:
    run = read_sarif(render(REVIEW, Format.SARIF))

    [rule, *_] = run["tool"]["driver"]["rules"]
    assert rule["help"]["markdown"].startswith("Why.\n\nBad:\n\n```yaml\nb\n```\n\nGood:")
    assert rule["helpUri"] == "https://x.example/y"
    [first, second, third] = run["results"]
    assert [each["level"] for each in run["results"]] == ["error", "error", "warning"]
    place = first["locations"][0]["physicalLocation"]
    assert place["artifactLocation"] == {"uri": "a%20b/%C3%BC%2C1%3A2%25.yaml", "uriBaseId": "%SRCROOT%"}
    assert place["region"] == {"startLine": 12, "startColumn": 3}
    assert "physicalLocation" not in second["locations"][0]
    assert third["locations"][0]["physicalLocation"]["region"] == {"startLine": 1}
    assert run["invocations"] == [{"executionSuccessful": True, "exitCode": 2}]


def test_a_fingerprint_stays_when_lines_are_added_above() -> None:
    def fingerprint(remark: Remark) -> object:
        [result] = read_sarif(render(replace(REVIEW, remarks=(remark,)), Format.SARIF))["results"]
        return result["partialFingerprints"]

    lower = replace(BAD, spot=BAD.spot and BAD.spot._replace(line=99))
    assert fingerprint(BAD) == fingerprint(lower) != fingerprint(replace(BAD, name="queue other"))
    assert len(read_sarif(render(replace(REVIEW, remarks=(BAD, BAD)), Format.SARIF))["results"]) == 2


def test_sarif_holds_any_name() -> None:
    [first, _] = read_sarif(render(hostile(), Format.SARIF))["results"]

    assert first["message"]["text"].startswith(f"{visible(HOSTILE)}: ")


def test_a_path_outside_of_the_checkout_is_absolute_in_sarif() -> None:
    outside = replace(BAD, spot=Spot("/tmp/a b.yaml", 1, 1))  # noqa: S108 - only a name

    [result] = read_sarif(render(replace(REVIEW, remarks=(outside,)), Format.SARIF))["results"]

    place = result["locations"][0]["physicalLocation"]["artifactLocation"]
    assert place == {"uri": "file:///tmp/a%20b.yaml"}


def test_junit_has_a_case_for_each_remark_and_fails_for_what_the_exit_code_counts() -> None:
    [passed, warning, bad, unknown] = read_junit(render(REVIEW, Format.JUNIT))

    assert (passed.name, passed.classname, passed.is_passed) == ("queue fine", "attune-infra lint", True)
    assert (warning.classname, warning.is_passed) == ("b.yaml", True)
    assert warning.system_out.startswith("warning: queue jobs: its dead letters are lost\none\ntwo\nhint: ")
    [failure] = bad.result
    assert (failure.type, failure.message) == ("AI001", "its dead letters are lost")
    assert failure.text.startswith(
        "a b/ü,1:2%.yaml:12:3: queue jobs: its dead letters are lost\ncan lose: 2 messages"
    )
    assert unknown.is_error


def test_junit_holds_any_name() -> None:
    [first, _] = read_junit(render(hostile(), Format.JUNIT))

    assert first.name == f"{visible(HOSTILE)} (AI001)".replace("\ufffe", "\ufffd")


def test_a_comment_has_a_table_with_losses_and_folded_details() -> None:
    page = read_comment(text := render(REVIEW, Format.MARKDOWN))

    assert text.startswith("<!-- attune-infra lint -->\n### attune-infra lint: 3 problems\n")
    assert page.cells == [
        ["", "Object", "Problem", "Can lose", "Place"],
        ["error", "queue jobs", "its dead letters are lost", "2 messages", "a b/ü,1:2%.yaml:12"],
        ["error", "broker", "no answer", "", ""],
        ["warning", "queue jobs", "its dead letters are lost", "", ""],
    ]
    assert "These changes can lose 2 messages." in page.prose
    assert page.tags.count("details") == 3


def test_no_name_becomes_markup_of_a_comment() -> None:
    page = read_comment(render(hostile(), Format.MARKDOWN))

    name = visible(HOSTILE)
    shown = [cell.replace("\N{ZERO WIDTH SPACE}", "") for row in page.cells[1:] for cell in row[1:4]]
    assert shown == [name] * 6
    assert page.tags.count("tr") == 3


def test_a_comment_is_cut_to_the_size_that_github_takes() -> None:
    many = tuple(replace(BAD, name=f"queue {number}.ü") for number in range(3000))

    text = render(replace(REVIEW, remarks=(*many, replace(BAD, name="queue last"))), Format.MARKDOWN)

    page = read_comment(text)
    assert len(text.encode()) > 60_000
    rows, folded = len(page.cells) - 1, page.tags.count("details")
    assert re.search(
        rf"_Not shown, for the size of a comment: {3001 - rows} rows._\n\n"
        rf"_Not shown, for the size of a comment: {3002 - folded} folded parts._",
        text,
    )


def test_a_comment_without_problems_says_so() -> None:
    text = render(replace(REVIEW, remarks=(PASSED,), loss=""), Format.MARKDOWN)

    assert read_comment(text).cells == []
    assert "### attune-infra lint: no problems\n\n**4 checks: 1 passed**" in text


@pytest.mark.parametrize(
    ("error", "code", "place"),
    [
        (BrokerUnreachable("no answer\nat all", hint="start it"), "broker-unreachable", None),
        (InvalidDocument("x.yaml", [Problem(3, 4, "no such key")]), "invalid-document", ("x.yaml", 3, 4, None)),
        (InvalidDocument("-", [Problem(3, 4, "no such key")]), "invalid-document", None),
        (KeyboardInterrupt(), "interrupted", None),
        (ZeroDivisionError("secret"), "unexpected-error", None),
    ],
)
def test_a_command_that_failed_is_red_in_every_format(
    error: BaseException, code: str, place: tuple[str, int, int] | None
) -> None:
    review = replace(review_of(error), command="verify")

    [remark] = review.remarks
    assert (remark.code, remark.spot) == (code, place)
    [annotation], _ = read_annotations(render(review, Format.GITHUB))
    assert annotation.command == "error"
    run = read_sarif(render(review, Format.SARIF))
    assert [result["ruleId"] for result in run["results"]] == [code]
    assert run["invocations"][0]["executionSuccessful"] is False
    [case] = read_junit(render(review, Format.JUNIT))
    assert case.is_error
    assert "### attune-infra verify: failed" in render(review, Format.MARKDOWN)
    assert not any("secret" in render(review, each) for each in Format)


def test_each_error_has_a_code() -> None:
    codes = {
        review_of(kind("x")).remarks[0].code
        for kind in AttuneError.__subclasses__()
        if kind is not InvalidDocument
    }

    assert {"wrong-usage", "invalid-input", "wrong-target"} <= codes
