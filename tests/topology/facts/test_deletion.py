"""Objects that go along with another one: bindings, and auto-delete exchanges that lose their last binding."""

from __future__ import annotations

from attune_infra.topology.facts.deletion import Deletions, reason_to_keep
from attune_infra.topology.model import Binding, Exchange, Policy, Queue

KEPT = Exchange(name="kept")
FIRST = Exchange(name="first", auto_delete=True)
SECOND = Exchange(name="second", auto_delete=True)
TO_FIRST = Binding(source="kept", destination="first", destination_type="exchange")
TO_SECOND = Binding(source="first", destination="second", destination_type="exchange")
TO_QUEUE = Binding(source="second", destination="jobs")
BESIDE = Binding(source="kept", destination="jobs", routing_key="beside")


def deletions() -> Deletions:
    return Deletions({each.name: each for each in (KEPT, FIRST, SECOND)}, [TO_FIRST, TO_SECOND, TO_QUEUE, BESIDE])


def test_a_queue_takes_its_bindings_along_and_the_exchanges_that_live_of_them() -> None:
    assert deletions().delete(Queue(name="jobs")) == (FIRST, SECOND, TO_SECOND, TO_FIRST, BESIDE, TO_QUEUE)


def test_an_exchange_takes_its_bindings_of_both_directions_along() -> None:
    assert deletions().delete(FIRST) == (TO_SECOND, TO_FIRST)


def test_a_binding_takes_only_exchanges_along_that_it_was_the_last_one_of() -> None:
    found = deletions()

    assert found.delete(BESIDE) == ()
    assert not found.has(BESIDE)
    assert found.delete(TO_QUEUE) == (FIRST, SECOND, TO_SECOND, TO_FIRST)


def test_what_is_gone_goes_no_second_time() -> None:
    found = deletions()
    assert found.delete(SECOND) == (FIRST, TO_SECOND, TO_FIRST, TO_QUEUE)

    assert found.bindings_from("first") == found.bindings_from("second") == ()
    assert found.bindings_from("kept") == (BESIDE,)
    assert found.delete(Queue(name="jobs")) == (BESIDE,)
    assert found.delete(Queue(name="jobs")) == ()


def test_a_policy_takes_nothing_along() -> None:
    assert deletions().delete(Policy(name="p", pattern="", definition={"max-length": 1})) == ()


def test_a_binding_whose_key_no_client_can_name_goes_only_with_its_ends() -> None:
    odd = Binding(source="e", destination="q", routing_key="undefined", key_is_text=False)

    assert str(reason_to_keep(odd)).endswith("it goes only with its queue or exchange")
    assert reason_to_keep(Binding(source="e", destination="q", routing_key="null", key_is_text=False)) is None
    assert reason_to_keep(Binding(source="e", destination="q", routing_key="undefined")) is None
    assert reason_to_keep(Queue(name="q")) is None
