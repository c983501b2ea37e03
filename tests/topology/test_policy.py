from dataclasses import replace

import pytest

from attune_infra.topology.diff import Create, Difference, Recreate, diff
from attune_infra.topology.model import ABSENT, Exchange, Policy, Queue, Topology
from attune_infra.topology.policy import (
    as_on_release,
    effective_definition,
    idle_policies,
    policy_of,
    tied_policies,
)


def with_policies(*policies: Policy, operator: Policy | None = None) -> Topology:
    return Topology(
        policies={policy.name: policy for policy in policies},
        operator_policies={operator.name: operator} if operator else {},
    )


def test_the_policy_of_the_highest_priority_applies_alone() -> None:
    low = Policy(name="low", pattern="^q", priority=1, definition={"max-length": 1, "expires": 5})
    high = Policy(name="high", pattern="q$", priority=2, definition={"message-ttl": 2})
    other = Policy(name="other", pattern="^x", priority=9, definition={"expires": 1})
    topology = with_policies(low, high, other)

    assert policy_of(Queue(name="q", type="classic"), topology) == high
    assert effective_definition(Queue(name="q", type="classic"), topology) == {"message-ttl": 2}


def test_an_operator_policy_is_merged_and_the_smaller_number_counts() -> None:
    policy = Policy(name="p", pattern="", definition={"message-ttl": 60_000, "overflow": "reject-publish"})
    operator = Policy(name="o", pattern="", definition={"message-ttl": 90_000, "max-length": 2})

    assert effective_definition(Queue(name="q", type="classic"), with_policies(policy, operator=operator)) == {
        "message-ttl": 60_000,
        "overflow": "reject-publish",
        "max-length": 2,
    }


def test_the_word_of_the_broker_counts_and_names_nothing_that_is_unknown() -> None:
    low, high = (Policy(name=str(number), pattern="q", priority=number, definition={}) for number in (1, 2))
    queue, topology = Queue(name="q", type="classic"), with_policies(low, high)

    def in_effect(name: str) -> Policy | None:
        return policy_of(queue, replace(topology, in_effect={("policy", "queue", "q"): name}))

    assert (in_effect("1"), in_effect(""), in_effect("gone")) == (low, None, high)


def test_policies_of_one_priority_are_tied_unless_they_are_alike_or_the_broker_says_which_counts() -> None:
    queue = Queue(name="q", type="classic")
    one, two, same = (
        Policy(name=name, pattern="q", definition={"expires": value})
        for name, value in (("1", 5), ("2", 6), ("3", 5))
    )
    higher = replace(one, name="0", priority=1)

    assert tied_policies(queue, with_policies(one, two)) == (one, two)
    assert tied_policies(queue, with_policies(one, same)) == ()
    assert tied_policies(queue, with_policies(one, two, higher)) == ()
    said = replace(with_policies(one, two), in_effect={("policy", "queue", "q"): "1"})
    assert tied_policies(queue, said) == ()
    assert tied_policies(queue, as_on_release(said, (3, 10))) == (one, two)


@pytest.mark.parametrize(
    ("apply_to", "applies"),
    [
        ("all", ["exchange", "classic", "quorum", "stream"]),
        ("exchanges", ["exchange"]),
        ("queues", ["classic", "quorum", "stream"]),
        ("classic_queues", ["classic"]),
        ("quorum_queues", ["quorum"]),
        ("streams", ["stream"]),
    ],
)
def test_a_policy_applies_to_what_it_says(apply_to: str, applies: list[str]) -> None:
    topology = with_policies(Policy(name="p", pattern="a", apply_to=apply_to))
    items = {kind: Queue(name="a", type=kind) for kind in ("classic", "quorum", "stream")}

    found = {"exchange": policy_of(Exchange(name="a"), topology)}
    found |= {kind: policy_of(item, topology) for kind, item in items.items()}

    assert [kind for kind, policy in found.items() if policy] == applies


@pytest.mark.parametrize(
    ("queue_type", "in_effect"),
    [("classic", "fallback"), ("quorum", "fallback"), ("stream", None)],
)
def test_one_unsupported_key_keeps_the_whole_policy_off(queue_type: str, in_effect: str | None) -> None:
    mixed = Policy(
        name="mixed",
        pattern="^q",
        priority=1,
        definition={"dead-letter-exchange": "dlx", "delivery-limit": 5, "max-age": "1h"},
    )
    fallback = Policy(name="fallback", pattern="^q", definition={"message-ttl": 60_000})

    found = policy_of(Queue(name="q", type=queue_type), with_policies(mixed, fallback))

    assert (found and found.name) == in_effect


def test_an_operator_policy_is_passed_over_like_any_other() -> None:
    operator = Policy(name="o", pattern="", definition={"max-length": 2, "delivery-limit": 5})
    topology = with_policies(operator=operator)

    assert effective_definition(Queue(name="q", type="classic"), topology) == {}
    assert effective_definition(Queue(name="q", type="quorum"), topology) == operator.definition


def test_the_release_decides_about_the_keys_of_a_type() -> None:
    policy = Policy(name="p", pattern="", definition={"queue-leader-locator": "balanced"})
    topology, queue = with_policies(policy), Queue(name="q", type="classic")

    assert policy_of(queue, topology) == policy
    assert policy_of(queue, replace(topology, version=(4, 0))) == policy
    assert policy_of(queue, replace(topology, version=(3, 13))) is None


def test_no_policy_applies_to_the_default_exchange() -> None:
    topology = with_policies(Policy(name="ae", pattern=".*", definition={"alternate-exchange": "backup"}))

    assert policy_of(Exchange(name="amq.direct"), topology) is not None
    assert policy_of(Exchange(name=""), topology) is None


def test_a_pattern_is_one_of_pcre() -> None:
    policy = Policy(name="p", pattern=r"^[[:alpha:]]+\.orders$")

    assert policy_of(Queue(name="eu.orders"), with_policies(policy)) == policy
    assert policy_of(Queue(name="eu-.orders"), with_policies(policy)) is None


def test_a_pattern_that_cannot_be_compiled_matches_nothing() -> None:
    assert policy_of(Queue(name="q"), with_policies(Policy(name="p", pattern="(?&x)"))) is None


def test_a_wanted_argument_that_a_policy_provides_is_no_drift() -> None:
    want = Queue(name="q", arguments={"x-dead-letter-exchange": "dlx", "x-message-ttl": 5})
    policy = Policy(name="p", pattern="q", definition={"dead-letter-exchange": "dlx", "message-ttl": 6})

    [change] = diff(Topology.of([Queue(name="q", type="classic"), policy]), Topology.of([want]))

    assert isinstance(change, Recreate)
    assert change.differences == (Difference("x-message-ttl", ABSENT, 5),)


def test_nothing_is_provided_to_what_is_not_there() -> None:
    policy = Policy(name="p", pattern="q", definition={"message-ttl": 5})
    want = Queue(name="q", arguments={"x-message-ttl": 5})

    assert diff(Topology.of([policy]), Topology.of([want])) == (Create(want),)


def test_a_policy_for_one_type_is_in_effect_on_queues_that_become_of_it_without_saying_so() -> None:
    policy = Policy(name="p", pattern="q", definition={"expires": 5}, apply_to="quorum_queues")
    topology = Topology.of([policy], default_queue_type="quorum")

    assert policy_of(Queue(name="q"), topology) == policy
    assert policy_of(Queue(name="q", durable=False), topology) is None


@pytest.mark.parametrize(
    ("policies", "reason"),
    [
        (
            [Policy(name="p", pattern="^r$", definition={"max-length": 5})],
            "its pattern matches no name of the kind",
        ),
        ([Policy(name="p", pattern="^q$", definition={"max-age": "1h"})], "each queue it matches passes it over"),
        (
            [
                Policy(name="p", pattern="^q$", definition={"max-length": 5}),
                Policy(name="winner", pattern="^q$", definition={"max-length": 6}, priority=1),
            ],
            "another policy wins on every object it matches, such as 'winner'",
        ),
    ],
)
def test_a_policy_in_effect_nowhere_has_its_reason(policies: list[Policy], reason: str) -> None:
    queue = Queue(name="q", type="classic")

    idle = idle_policies([queue], Topology.of([queue, *policies]))

    assert list(idle) == ["p"]
    assert idle["p"].startswith(reason)
