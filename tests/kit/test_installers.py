"""Installers that people use run the command from this checkout."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from attune_infra import __version__
from support.as_a_user import clean_environment
from support.folders import ROOT

pytestmark = pytest.mark.lengthy
CERTIFICATES = {"UV_SYSTEM_CERTS": "1"}
"""Use the certificates of this machine, as pip does: a proxy may have one of its own."""


def run(*command: str, **environment: str) -> str:
    """Run a program of this environment outside the checkout and return its output."""
    ran = subprocess.run(
        [sys.executable, "-m", *command],
        check=False,
        cwd=Path("/"),
        env=clean_environment() | CERTIFICATES | environment,
        capture_output=True,
        text=True,
    )
    assert ran.returncode == 0, ran.stderr
    return ran.stdout


def test_uvx_runs_the_command() -> None:
    told = run("uv", "tool", "run", "--no-progress", "--from", str(ROOT), "attune-infra", "--version")

    assert told == f"attune-infra {__version__}\n"


def test_pipx_runs_the_command(tmp_path: Path) -> None:
    told = run("pipx", "run", "--spec", str(ROOT), "attune-infra", "--version", PIPX_HOME=str(tmp_path))

    assert told == f"attune-infra {__version__}\n"
