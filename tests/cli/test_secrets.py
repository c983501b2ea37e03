"""No piece of a password is printed, wherever a URL was mistyped or mislaid: a canary in more than 1,000 runs."""

from __future__ import annotations

import re
from pathlib import Path
from random import Random

import pytest

from attune_infra import masking
from support.in_process import run_in_process
from support.odd_urls import SETTINGS, WAYS, runs


def leaks_of(scheme: str, way: str, seed: int, folder: Path) -> tuple[list[str], list[str], int]:
    """Return the runs that show a piece of the password, the tracebacks, and the number of runs."""
    leaks, tracebacks, count = list[str](), list[str](), 0
    for run in runs(scheme, way, Random(f"{scheme} {way} {seed}"), folder):  # noqa: S311 - no secrets
        result = run_in_process(run.arguments, run.environment)
        shown = result.stdout + result.stderr
        count += 1
        if found := run.leaks(shown):
            leaks.append(found)
        if "Traceback" in shown:
            tracebacks.append(f"{run.arguments}: {shown}")
    return leaks, tracebacks, count


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("scheme", SETTINGS)
def test_no_piece_of_a_password_is_shown(
    scheme: str, way: str, tmp_path: Path, pytestconfig: pytest.Config
) -> None:
    leaks, tracebacks, count = leaks_of(scheme, way, pytestconfig.getoption("--seed"), tmp_path)

    assert leaks == []
    assert tracebacks == []
    assert count > 30


@pytest.mark.parametrize("display", ["text", "json", "sarif", "github", "junit", "markdown"])
def test_a_configuration_taken_for_a_document_shows_no_password(display: str, tmp_path: Path) -> None:
    file = tmp_path / "config.yaml"
    file.write_text('{"amqp://svc:S3cret@h/x": 1, queues: {q: "amqp://svc:S3cret@h/x"}}')

    result = run_in_process(["lint", str(file), "--output", display], {})

    assert "unknown key" in result.stdout
    assert "S3cret" not in result.stdout + result.stderr


def test_the_canaries_are_found_without_the_mask(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(masking, "_SHOWN", re.compile("(?P<scheme>)(?!)"))
    monkeypatch.setattr(masking._Memory, "mask", lambda _, text: text)

    leaks, _, _ = leaks_of("http", "misplaced", 16, tmp_path)

    assert len(leaks) > 10
