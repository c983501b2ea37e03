"""The schemas of JSON, as a check of any output of the program."""

from __future__ import annotations

import json
from functools import cache
from typing import Any

from jsonschema import Draft202012Validator, FormatChecker

from attune_infra.contract.schema import schema_name, schema_of
from attune_infra.contract.table import TYPES


@cache
def _validator(command: str) -> Draft202012Validator:
    return Draft202012Validator(schema_of(command), format_checker=FormatChecker())


@cache
def _commands() -> dict[str, str]:
    return {schema_name(command): command for command in TYPES}


def check_contract(text: str) -> None:
    """Fail if a text is JSON that names a schema of the program, and does not conform to it.

    It is one object, or one on each line.
    """
    if not text.startswith("{") or '"schema": "attune-infra/' not in text:
        return
    for each in [text] if text.startswith("{\n") else text.splitlines():
        found = json.loads(each)
        for fault in faults(found):
            raise AssertionError(f"{found['schema']}: {fault}")


def faults(found: Any) -> list[str]:
    """Return the faults of a JSON, each with its place."""
    command = _commands().get(found["schema"])
    if command is None:
        return ["no such schema is in attune_infra/contract/table.py"]
    return [f"{each.json_path}: {each.message}"[:1000] for each in _validator(command).iter_errors(found)]
