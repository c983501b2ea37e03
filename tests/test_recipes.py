"""Every recipe, run from its first line to its last on a virtual host and a database of its own."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest

from support.as_a_user import clean_environment
from support.folders import ROOT
from support.virtual_host import VirtualHost

PAGE = (ROOT / "docs/recipes.md").read_text(encoding="utf-8")
TRANSIENT = re.compile(r"worker (enlist|provision)")
"""Commands that need transient queues, which a broker may deny."""


class Step(NamedTuple):
    """A command of a recipe and the output that it promises."""

    command: str
    promised: str


class Recipe(NamedTuple):
    """The files and the commands of a recipe."""

    title: str
    files: dict[str, str]
    steps: tuple[Step, ...]


def recipe(section: str) -> Recipe:
    blocks = re.findall(r"^```(\w+) ?(\S*)\n(.*?)^```", section, re.DOTALL | re.MULTILINE)
    files = {name: text for language, name, text in blocks if language == "yaml"}
    text = "".join(text for language, _, text in blocks if language == "console")
    parts = (part.partition("\n") for part in re.split(r"^\$ ", text, flags=re.MULTILINE)[1:])
    return Recipe(
        section.partition("\n")[0], files, tuple(Step(command, promised) for command, _, promised in parts)
    )


RECIPES = [recipe(section) for section in re.split(r"^### ", PAGE, flags=re.MULTILINE)[1:]]


@pytest.mark.parametrize(
    "job",
    [
        pytest.param(
            each,
            id=each.title,
            marks=[pytest.mark.transient_queues] if TRANSIENT.search(str(each.steps)) else [],
        )
        for each in RECIPES
    ],
)
def test_a_recipe_does_what_it_says(job: Recipe, vhost: VirtualHost, database_url: str, tmp_path: Path) -> None:
    kitchen, outputs = tmp_path / "kitchen", tmp_path / "outputs"
    kitchen.mkdir()
    outputs.mkdir()
    for name, text in job.files.items():
        (kitchen / name).write_text(text, encoding="utf-8")
    script = "".join(
        f"{{ {step.command}\n}} >{outputs}/{number} || {{ echo {shlex.quote(step.command)}; exit 1; }} >&2\n"
        for number, step in enumerate(job.steps)
    )
    path = f"{sys.prefix}/bin:{os.environ['PATH']}"
    environment = clean_environment() | vhost.environment | {"ATTUNE__DATABASE__URL": database_url, "PATH": path}

    run = subprocess.run(
        ["bash", "-c", script], check=False, cwd=kitchen, env=environment, stderr=subprocess.PIPE, text=True
    )

    assert run.returncode == 0, run.stderr
    for number, step in enumerate(job.steps):
        assert (outputs / str(number)).read_text(encoding="utf-8") == step.promised, step.command


def test_there_is_no_recipe_without_a_command_and_the_number_is_told() -> None:
    assert all(each.steps for each in RECIPES)
    assert len(RECIPES) >= 30
    assert f"{len(RECIPES)} jobs" in PAGE
