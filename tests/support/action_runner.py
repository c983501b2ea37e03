"""A runner for our own GitHub action: it runs the scripts of `action.yml` as GitHub's runner does.

It knows the few expressions that the action uses, and refuses any other. Steps with `uses` are left out.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import yaml

from support.as_a_user import clean_environment
from support.folders import ROOT

ACTION: Final[dict[str, Any]] = yaml.safe_load((ROOT / "action.yml").read_text(encoding="utf-8"))
SCRIPTS: Final[dict[str, dict[str, Any]]] = {step["id"]: step for step in ACTION["runs"]["steps"] if "run" in step}
"""The steps that are scripts, by id."""
EXPRESSION: Final = re.compile(r"\$\{\{ (.+?) \}\}")


@dataclass(frozen=True)
class Ran:
    """A step that ran: its exit code and all that it printed."""

    code: int
    output: str


@dataclass
class Job:
    """A job that uses the action once, with the folders and files that a runner gives it."""

    temporary: Path
    """The runner's folder for temporary files; it must exist."""
    inputs: Mapping[str, str]
    environment: Mapping[str, str]
    """The job's own environment."""
    pull_request: str = ""
    outputs: dict[str, dict[str, str]] = field(default_factory=dict)
    ran: dict[str, Ran] = field(default_factory=dict)

    @property
    def summary(self) -> str:
        file = self.temporary / "summary"
        return file.read_text(encoding="utf-8") if file.exists() else ""

    @property
    def failed(self) -> list[str]:
        return [step for step, ran in self.ran.items() if ran.code]

    def run(self, folder: Path, without: Collection[str] = ()) -> None:
        """Run each script whose condition holds, in this working folder."""
        for name, step in SCRIPTS.items():
            if name not in without and self._holds(step.get("if", "!cancelled()")):
                self.ran[name] = self._run_script(name, step, folder)

    def run_installed(self, folder: Path) -> None:
        """Run all scripts but the one that installs the command, with the command of these tests."""
        (self.temporary / "attune-infra").symlink_to(sys.prefix)
        (self.temporary / "path").write_text(f"{sys.prefix}/bin\n", encoding="utf-8")
        self.outputs["install"] = dict.fromkeys(self._look_up("inputs.commands").split(), "true")
        self.run(folder, without=["install"])

    def _run_script(self, name: str, step: Mapping[str, Any], folder: Path) -> Ran:
        output = self.temporary / f"{name}.output"
        ours = {variable: self.value(str(value)) for variable, value in step["env"].items()}
        files = {
            "GITHUB_ACTION_PATH": str(ROOT),
            "GITHUB_OUTPUT": str(output),
            "GITHUB_PATH": str(self.temporary / "path"),
            "GITHUB_STEP_SUMMARY": str(self.temporary / "summary"),
            "RUNNER_TEMP": str(self.temporary),
            "PATH": self._path(),
        }
        script = self.temporary / f"{name}.sh"
        script.write_text(step["run"], encoding="utf-8")
        ran = subprocess.run(
            ["bash", "--noprofile", "--norc", "-e", "-o", "pipefail", str(script)],
            check=False,
            cwd=folder,
            env=clean_environment() | dict(self.environment) | files | ours,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        lines = output.read_text(encoding="utf-8").splitlines() if output.exists() else []
        self.outputs[name] = dict(line.split("=", 1) for line in lines)
        return Ran(ran.returncode, ran.stdout)

    def _path(self) -> str:
        added = self.temporary / "path"
        first = added.read_text(encoding="utf-8").split() if added.exists() else []
        return os.pathsep.join([*first, os.environ["PATH"]])

    def value(self, text: str) -> str:
        """Return a text with its expressions evaluated."""
        return EXPRESSION.sub(lambda found: self._look_up(found[1]), text)

    def _holds(self, condition: str) -> bool:
        inner = EXPRESSION.sub(r"\1", condition)
        return all(self._term_holds(term) for term in inner.split(" && "))

    def _term_holds(self, term: str) -> bool:
        if term == "!cancelled()":
            return True
        compared = re.fullmatch(r"(\S+) (==|!=) '(.*)'", term)
        assert compared, f"this runner does not know the condition {term!r}"
        return (self._look_up(compared[1]) == compared[3]) == (compared[2] == "==")

    def _look_up(self, name: str) -> str:
        match name.split("."):
            case ["inputs", key]:
                default = str(ACTION["inputs"][key].get("default", ""))
                return self.inputs.get(key, self.value(default))
            case ["steps", step, "outputs", key]:
                return self.outputs.get(step, {}).get(key, "")
            case ["github", "token"]:
                return "token-of-the-job"
            case ["github", "event", "pull_request", "number"]:
                return self.pull_request
            case _:
                raise AssertionError(f"this runner does not know the expression {name!r}")
