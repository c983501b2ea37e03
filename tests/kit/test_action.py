"""Each step of the GitHub action does on a real broker what the action says."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeAlias

import amqp
import pytest

from attune_infra import __version__
from support.action_runner import ACTION, SCRIPTS, Job
from support.as_a_user import Command
from support.folders import EXAMPLES, ROOT
from support.github_api import Comments, github
from support.virtual_host import VirtualHost

pytestmark = pytest.mark.any_broker

Use: TypeAlias = Callable[..., Job]
MINIMAL = str(EXAMPLES / "minimal.yaml")
MAX_CHARACTERS = 65_536
"""Characters that GitHub takes in a comment."""


@pytest.fixture
def comments() -> Iterator[Comments]:
    with github() as comments:
        yield comments


@pytest.fixture
def use(tmp_path: Path, vhost: VirtualHost, comments: Comments) -> Use:
    """Use the action in pull request 7, with the broker of the test: `use(commands="check lint")`."""

    def use_it(pull_request: str = "7", **inputs: str) -> Job:
        temporary = tmp_path / f"runner {len(list(tmp_path.glob('runner*')))}"
        temporary.mkdir()
        named = {name.replace("_", "-"): value for name, value in inputs.items()}
        job = Job(temporary, named, vhost.environment | comments.environment, pull_request)
        job.run_installed(EXAMPLES)
        return job

    return use_it


def test_the_action_is_valid() -> None:
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.github-actions", "action.yml"]

    checked = subprocess.run(command, check=False, cwd=ROOT, capture_output=True, text=True)

    assert checked.returncode == 0, checked.stdout


def test_no_input_is_part_of_a_script() -> None:
    assert [name for name, step in SCRIPTS.items() if "${{" in step["run"]] == []


def test_every_input_is_used() -> None:
    text = (ROOT / "action.yml").read_text(encoding="utf-8")

    assert set(re.findall(r"\binputs\.([\w-]+)", text)) == set(ACTION["inputs"])


@pytest.mark.lengthy
def test_the_action_installs_its_own_code(tmp_path: Path) -> None:
    job = Job(tmp_path, {"commands": "check lint", "documents": MINIMAL}, {})

    job.run(EXAMPLES)

    assert {name: ran.code for name, ran in job.ran.items()} == {"install": 0, "check": 0, "lint": 0}, job.ran
    assert job.ran["install"].output == f"attune-infra {__version__}\n"


def test_a_version_is_asked_of_the_package_index(tmp_path: Path) -> None:
    job = Job(tmp_path, {"version": "99.1"}, {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": ""})

    job.run(EXAMPLES)

    assert job.failed == ["install"]
    assert "attune-infra==99.1" in job.ran["install"].output
    assert list(job.ran) == ["install"]


def test_an_unknown_command_is_refused_before_anything_runs(tmp_path: Path) -> None:
    job = Job(tmp_path, {"commands": "check destroy"}, {})

    job.run(EXAMPLES)

    assert job.ran["install"].output == (
        "::error::the input commands has 'destroy'; choose from: check lint diff verify\n"
    )
    assert not (tmp_path / "attune-infra").exists()


def test_good_documents_pass(use: Use) -> None:
    job = use(commands="check lint", documents=f"{MINIMAL}\n\nwork-queues-with-retries.yaml\n")

    assert job.failed == []
    assert list(job.ran) == ["check", "lint"]


def test_a_problem_is_an_annotation_and_lint_still_runs(use: Use, tmp_path: Path) -> None:
    broken = tmp_path / "a broken one.yaml"
    broken.write_text("queues:\n  jobs: {durabel: true}\n", encoding="utf-8")

    job = use(commands="check lint", documents=f"{MINIMAL}\n{broken}")

    assert job.failed == ["check", "lint"]
    assert re.search(r"^::error file=.*a broken one\.yaml,line=2", job.ran["check"].output, re.MULTILINE)


def test_lint_assumes_the_release_that_is_given(use: Use, tmp_path: Path) -> None:
    mirrored = tmp_path / "old.yaml"
    mirrored.write_text("queues:\n  jobs: {arguments: {x-queue-master-locator: min-masters}}\n", encoding="utf-8")

    outputs = [
        use(commands="lint", topology=str(mirrored), broker_version=release).ran["lint"].output
        for release in ("3.13", "4.3")
    ]

    assert ["refuses x-queue-master-locator" in output for output in outputs] == [False, True]


def test_drift_is_a_comment_that_the_next_run_replaces(
    use: Use, attune_infra: Command, comments: Comments
) -> None:
    others = [f"comment {number}" for number in range(101)]
    comments.bodies = list(others)

    first = use(commands="diff", name="staging", topology=MINIMAL)
    [drifted] = comments.bodies[101:]
    attune_infra("setup", "--topology", MINIMAL)
    second = use(commands="diff", name="staging", topology=MINIMAL)

    assert first.failed == second.failed == []
    assert [job.outputs["diff"]["drift"] for job in (first, second)] == ["true", "false"]
    assert "Broker: **staging**" in drifted
    assert "greetings.queue" in drifted
    assert first.summary.partition("\n")[2] in drifted
    assert comments.bodies[:101] == others
    assert comments.bodies[101:] == [comments.bodies[101]] != [drifted]
    assert comments.tokens == {"Bearer token-of-the-job"}


def test_each_broker_has_a_comment_of_its_own(use: Use, comments: Comments) -> None:
    for name in ("staging", "production"):
        use(commands="diff", name=name, topology=MINIMAL)

    assert [body.splitlines()[1] for body in comments.bodies] == [
        "Broker: **staging**",
        "Broker: **production**",
    ]


def test_a_push_has_a_summary_and_no_comment(use: Use, comments: Comments) -> None:
    job = use(pull_request="", commands="diff", workers="1-2")

    assert list(job.ran) == ["diff"]
    assert "worker.2.executions" in job.summary
    assert comments.bodies == []


def test_a_token_that_may_not_comment_is_a_warning(use: Use, comments: Comments) -> None:
    comments.refusal = 403

    job = use(commands="diff")

    assert job.failed == []
    assert job.ran["comment"].output.startswith("::warning::GitHub answered 403")
    assert "attune.events" in job.summary


def test_a_failure_of_github_fails_the_step(use: Use, comments: Comments) -> None:
    comments.refusal = 500

    job = use(commands="diff")

    assert job.failed == ["comment"]
    assert "::error::GitHub answered 500" in job.ran["comment"].output


def test_drift_fails_the_job_if_that_is_wanted(use: Use, comments: Comments) -> None:
    job = use(commands="diff", fail_on_drift="true")

    assert {name: ran.code for name, ran in job.ran.items()} == {"diff": 2, "comment": 0}
    assert len(comments.bodies) == 1


def test_a_broker_that_does_not_answer_fails_diff_and_leaves_the_comment(use: Use, comments: Comments) -> None:
    job = use(commands="diff", amqp_url="amqp://localhost:1/", management_url="http://localhost:1")

    assert job.ran["diff"].code == 1
    assert comments.bodies == []


def test_verify_fails_on_drift_and_passes_after_setup(use: Use, attune_infra: Command) -> None:
    before = use(commands="verify", topology=MINIMAL)
    attune_infra("setup", "--topology", MINIMAL)
    after = use(commands="verify", topology=MINIMAL)

    assert [job.ran["verify"].code for job in (before, after)] == [2, 0]
    assert "::error" in before.ran["verify"].output
    assert "::error" not in after.ran["verify"].output


def test_strict_counts_undeclared_objects(use: Use, attune_infra: Command, channel: amqp.Channel) -> None:
    attune_infra("setup", "--topology", MINIMAL)
    channel.queue_declare("undeclared", durable=True, auto_delete=False)

    codes = [
        use(commands="verify", topology=MINIMAL, strict=strict).ran["verify"].code for strict in ("false", "true")
    ]

    assert codes == [0, 2]


@pytest.mark.parametrize("name", ["topology", "documents", "workers", "broker_version", "name", "amqp_url"])
def test_an_input_is_never_a_command(use: Use, tmp_path: Path, name: str) -> None:
    trap = tmp_path / "trapped"

    use(commands="check lint diff verify", **{name: f'"; touch "{trap}"; $(touch "{trap}") `touch "{trap}"` #'})

    assert not trap.exists()


def test_a_large_plan_fits_into_a_comment(use: Use, tmp_path: Path, comments: Comments) -> None:
    queues = "".join(f"  queue-{number:04}: {{}}\n" for number in range(3000))
    many = tmp_path / "many.yaml"
    many.write_text(f"queues:\n{queues}", encoding="utf-8")

    job = use(commands="diff", topology=str(many))

    assert job.failed == []
    [body] = comments.bodies
    assert len(body) <= MAX_CHARACTERS
    assert "3000 to create" in body


def test_a_long_report_is_cut_after_a_line(tmp_path: Path, comments: Comments) -> None:
    report = tmp_path / "report.md"
    report.write_text("a line of the report\n" * 4000, encoding="utf-8")
    environment = comments.environment | {"NAME": "staging", "PULL_REQUEST": "7", "TOKEN": "token"}

    subprocess.run(
        [sys.executable, ".ci/comment-on-pull-request", str(report)], check=True, cwd=ROOT, env=environment
    )

    [body] = comments.bodies
    assert MAX_CHARACTERS - 100 < len(body) <= MAX_CHARACTERS
    assert body.endswith(
        "line of the report\n\nThe rest is too long for a comment; it is in the summary of the job.\n"
    )
