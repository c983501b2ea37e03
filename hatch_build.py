"""Write the man pages into a wheel: share/man/man1, which pip installs beside the program."""

from __future__ import annotations

import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class ManPages(BuildHookInterface):  # type: ignore[type-arg] # hatchling documents no argument
    """Make the pages from the commands that are built, for no other target than a wheel to be installed."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        self.folder = TemporaryDirectory(prefix="man-pages-")
        if self.target_name != "wheel" or version == "editable":
            return
        sys.path.insert(0, self.root)
        from typer.main import get_command

        from attune_infra.cli import app
        from attune_infra.cli._man import man_pages

        for name, text in man_pages(get_command(app)):
            page = Path(self.folder.name, name)
            page.write_text(text, encoding="utf-8")
            build_data["shared_data"][str(page)] = f"share/man/man1/{name}"

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:  # noqa: ARG002
        self.folder.cleanup()
