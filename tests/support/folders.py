"""Folders of the checkout that tests read."""

from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[2]
EXAMPLES: Final = ROOT / "examples"
DEFINITIONS: Final = ROOT / "tests/topology/document/exported"
OPERATOR_KINDS: Final = ROOT / "tests/topology/document/foreign/kubernetes/each_kind.yaml"
CORPUS: Final = ROOT / "tests/corpus"
"""Inputs that once made a reader fail, in a folder for each reader."""
