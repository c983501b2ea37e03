"""The problems of a text that holds no topology, a line each."""

from __future__ import annotations

import pytest

from attune_infra.topology.document.definitions.virtual_host import parse_definitions
from attune_infra.topology.document.parse import parse
from attune_infra.topology.document.problems import InvalidDocument


def document_problems(text: str) -> list[str]:
    with pytest.raises(InvalidDocument) as caught:
        parse(text, source="x.yaml")
    return caught.value.sentence.splitlines()


def definitions_problems(text: str) -> list[str]:
    with pytest.raises(InvalidDocument) as caught:
        parse_definitions(text, source="x.json")
    return caught.value.sentence.splitlines()
