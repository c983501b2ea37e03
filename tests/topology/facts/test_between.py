"""The names of what a command makes for itself: other versions of the program must find and remove it."""

from __future__ import annotations

from attune_infra.topology.facts.between import PREFIX, Names, ledger_of, own_name


def test_each_object_has_its_name() -> None:
    names = Names("orders")

    assert (names.switch, names.aside, names.back, names.held, ledger_of("orders")) == (
        "attune-infra.switch.orders",
        "attune-infra.aside.orders",
        "attune-infra.back.orders",
        "attune-infra.held.orders",
        "attune-infra.ledger.orders",
    )


def test_a_long_queue_has_names_that_fit_and_differ() -> None:
    one, other = ("x" * 254 + end for end in "ab")

    assert len(own_name("switch", one)) <= 255
    assert own_name("switch", one).startswith(f"{PREFIX}switch.")
    assert len({own_name(role, queue) for role in ("switch", "held") for queue in (one, other)}) == 4
