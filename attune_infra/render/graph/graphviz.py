"""Graphviz: the library in the package pygraphviz, or else the program `dot`."""

from __future__ import annotations

import json
import shutil
import subprocess
from typing import Any, Final

from attune_infra.errors import InvalidInput

_FORMAT: Final = "json0"
"""JSON with places and without instructions for drawing."""

_HINT: Final = "Graphviz 2.40 or newer can do it; so can the package pygraphviz: pip install pygraphviz"


def place(text: str) -> dict[str, Any]:
    """Return the JSON of a graph with places; raise `InvalidInput` if there is no Graphviz, or if it fails."""
    try:
        from pygraphviz import AGraph
    except ImportError as error:
        program = shutil.which("dot")
        if program is None:
            raise _missing(error) from error
        return _ask_program(program, text)
    drawn: dict[str, Any] = json.loads(AGraph(string=text).draw(format=_FORMAT, prog="dot").decode())
    return drawn


def _ask_program(program: str, text: str) -> dict[str, Any]:
    """Return the JSON that the program writes; it may warn on standard error."""
    try:
        done = subprocess.run([program, f"-T{_FORMAT}"], input=text.encode(), capture_output=True, check=True)
        drawn: dict[str, Any] = json.loads(done.stdout)
    except OSError as error:
        raise InvalidInput(f"cannot start {program}: {error.strerror}", hint=_HINT) from error
    except subprocess.CalledProcessError as error:
        reason = error.stderr.decode(errors="replace").strip() or f"it ended with {error.returncode}"
        raise InvalidInput(f"{program} cannot place the graph: {reason}", hint=_HINT) from error
    except ValueError as error:
        raise InvalidInput(f"{program} did not write JSON; is it Graphviz?", hint=_HINT) from error
    return drawn


def _missing(error: ImportError) -> InvalidInput:
    if isinstance(error, ModuleNotFoundError):
        return InvalidInput(
            "svg and html need Graphviz, and there is neither the package pygraphviz nor a program `dot`",
            hint="install one of them: pip install pygraphviz, or your system's package graphviz; mermaid, dot and"
            " text need neither",
        )
    return InvalidInput(
        f"svg and html need Graphviz, but pygraphviz cannot be loaded ({error}) and there is no program `dot`",
        hint="install the missing library, which Debian has in libglib2.0-0, libx11-6, libxext6 or libxrender1; or"
        " install your system's package graphviz; mermaid, dot and text need neither",
    )
