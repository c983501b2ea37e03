"""No change of a schema breaks a reader of the last release, unless the schema gets another number."""

from __future__ import annotations

from support.shapes import breaks, current, released, shape_of


def schema(**properties: object) -> dict[str, object]:
    return {"type": "object", "properties": properties, "required": list(properties)}


def test_no_schema_breaks_what_was_released() -> None:
    """Before the first release, record it again: PYTHONPATH=tests .venv/bin/python -m support.shapes."""
    now = current()

    broken = [f"{name}: {words}" for name, old in released().items() for words in breaks(old, now.get(name, {}))]

    assert broken == []


def test_changes_that_break_are_named() -> None:
    old = shape_of(
        schema(
            gone={"type": "string"},
            retyped={"type": "string"},
            widened={"type": "string"},
            valued={"type": "string", "enum": ["a", "b"]},
            inner={"type": "array", "items": schema(key={"type": "string"})},
        )
    )
    changed = schema(
        retyped={"type": "integer"},
        widened={"type": ["string", "null"]},
        valued={"type": "string", "enum": ["a", "c"]},
        inner={"type": "array", "items": {**schema(key={"type": "string"}), "required": []}},
    )

    assert list(breaks(old, shape_of(changed))) == [
        "gone is gone",
        "retyped may now be integer",
        "widened may now be null",
        "valued has no longer the values b",
        "inner[].key may now be absent",
    ]


def test_additions_break_nothing() -> None:
    old = schema(key={"type": ["string", "null"]}, value={"type": "string", "enum": ["a"]})
    new = schema(key={"type": "string"}, value={"type": "string", "enum": ["a", "b"]}, more={"type": "boolean"})

    assert list(breaks(shape_of(old), shape_of(new))) == []


def test_shapes_go_into_references_and_arrays() -> None:
    found = current()["attune-infra/worker-verify/1"]

    assert found["checks"].types == ["object[]"]
    assert found["checks[].verdict"].values == ["failed", "passed", "unknown", "warning"]
    assert found["checks[].verdict"].required
    assert not found["checks[].hint"].required
    assert found["target.cluster"].types == ["null", "string"]
