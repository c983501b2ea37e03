"""Objects as values: equality, order and names."""

from __future__ import annotations

from attune_infra.topology.model import ABSENT, Binding, Queue, binding_order, freeze, label


def test_arguments_are_equal_only_by_type_and_value() -> None:
    values = [1, True, "1", 1.0, [1], [True], {"a": 1}, {"a": True}, None, [], {}]

    assert len({freeze(value) for value in values}) == len(values)
    assert (
        freeze([1, {"b": 2, "a": 1}])
        == freeze((1, {"a": 1, "b": 2}))
        == ("array", *map(freeze, [1, {"a": 1, "b": 2}]))
    )


def test_bindings_have_an_order_that_their_arguments_decide_last() -> None:
    plain = Binding(source="e", destination="q")
    first, second = (Binding(source="e", destination="q", arguments={"a": value}) for value in (1, 2))

    assert sorted([second, first, plain], key=binding_order) == [plain, first, second]


def test_an_object_has_a_name_for_sentences() -> None:
    odd = Binding(source="e", destination="q", routing_key="undefined", key_is_text=False)

    assert label(Queue(name="q")) == "queue q"
    assert label(Binding(source="e", destination="q", routing_key="k", arguments={"a": None})) == (
        "binding e -> q with routing key k and arguments {'a': {'present': True}}"
    )
    assert label(odd) == "binding e -> q without a routing key"
    assert repr(ABSENT) == "none"
