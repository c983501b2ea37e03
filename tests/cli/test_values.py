"""`--set` and `--values`: one document for several environments."""

from __future__ import annotations

from pathlib import Path

import pytest

from attune_infra.errors import ExitCode
from support.as_a_user import Command
from support.folders import EXAMPLES

pytestmark = pytest.mark.any_broker

DOCUMENT = str(EXAMPLES / "environments.yaml")
VALUES = EXAMPLES / "environments"
PRODUCTION = ("--values", str(VALUES / "production.yaml"))


@pytest.mark.parametrize("file", sorted(VALUES.glob("*.yaml")), ids=lambda file: file.stem)
def test_an_environment_is_set_up_and_matches(attune_infra: Command, file: Path) -> None:
    values = ("--values", str(file))

    assert attune_infra("topology", "check", DOCUMENT, *values).code == ExitCode.DONE
    assert attune_infra("setup", DOCUMENT, *values).lines[-1] == "6 objects: 6 created"
    assert attune_infra("verify", DOCUMENT, *values).code == ExitCode.DONE
    assert attune_infra("diff", DOCUMENT, *values).code == ExitCode.DONE


def test_the_last_file_counts_and_an_option_more_than_all(attune_infra_alone: Command) -> None:
    files = ("--values", str(VALUES / "production.yaml"), "--values", str(VALUES / "staging.yaml"))

    shown = attune_infra_alone("topology", "show", "--resolved", DOCUMENT, *files, "--set", "limit=7").stdout

    assert '  "staging.paid":' in shown
    assert 'x-message-ttl: "2h"' in shown
    assert "x-max-length: 7" in shown


def test_a_saved_plan_holds_the_values(attune_infra: Command, tmp_path: Path) -> None:
    plan = str(tmp_path / "plan.json")
    assert attune_infra("diff", DOCUMENT, *PRODUCTION, "--out", plan).code == ExitCode.DRIFT

    assert attune_infra("setup", plan, *PRODUCTION).code == ExitCode.WRONG_USAGE
    assert attune_infra("setup", plan, "--yes").code == ExitCode.DONE
    assert attune_infra("diff", DOCUMENT, *PRODUCTION).code == ExitCode.DONE


def test_a_hint_repeats_the_values(attune_infra: Command) -> None:
    small = ("--set", "keep=1s")
    assert attune_infra("setup", DOCUMENT, *PRODUCTION).code == ExitCode.DONE

    differs = attune_infra("diff", DOCUMENT, *PRODUCTION, *small)

    assert (
        f"attune-infra migrate prod.paid --topology {DOCUMENT} --set keep=1s {' '.join(PRODUCTION)}"
        in differs.stdout
    )


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (("--set", "ttl"), "--set ttl gives no value"),
        (("--set", "=5"), "--set =5 gives no value"),
        (("--set", "keep=1m", "--set", "keep=2m"), "--set gives variable keep two values"),
    ],
)
def test_a_pair_that_is_none_is_wrong_usage(
    attune_infra_alone: Command, given: tuple[str, ...], words: str
) -> None:
    result = attune_infra_alone("lint", DOCUMENT, *given)

    assert (result.code, result.stdout) == (ExitCode.WRONG_USAGE, "")
    assert words in result.stderr


def test_a_wrong_value_is_named_with_the_place_of_its_variable(
    attune_infra_alone: Command, tmp_path: Path
) -> None:
    values = tmp_path / "wrong.yaml"
    values.write_text("limit: many\nbrand: new\n")

    result = attune_infra_alone("lint", DOCUMENT, "--values", str(values))

    assert result.code == ExitCode.FAILED
    told = result.stdout + result.stderr
    assert f"{DOCUMENT}:11:3: error AI000" in told or f"{DOCUMENT}:11:3" in told
    assert f"variable limit must be an integer, and {values} gives the string 'many'" in told
    assert f"{values}: the document has no variable 'brand'" in told


def test_definitions_have_no_variables(attune_infra_alone: Command, tmp_path: Path) -> None:
    file = tmp_path / "definitions.json"
    file.write_text('{"rabbit_version": "3.10.8", "vhosts": [{"name": "/"}], "queues": []}')

    result = attune_infra_alone("lint", str(file), "--set", "a=b")

    assert result.code == ExitCode.WRONG_USAGE
    assert "definitions, which have no variables" in result.stderr


def test_values_have_no_place_beside_a_live_broker(attune_infra: Command) -> None:
    assert attune_infra("lint", "--live", "--set", "a=b").code == ExitCode.WRONG_USAGE


def test_values_need_a_document_to_show(attune_infra_alone: Command) -> None:
    for words in (("--set", "a=b"), (DOCUMENT,)):
        result = attune_infra_alone("topology", "show", *words)
        assert result.code == ExitCode.WRONG_USAGE
        assert "--resolved" in result.stderr
