"""Members of replicated queues: the majority, and the words."""

from __future__ import annotations

import pytest

from attune_infra.topology.facts.quorum import Members


def members(nodes: str, online: str, leader: str = "a") -> Members:
    return Members(nodes=tuple(nodes), online=tuple(online), leader=leader)


@pytest.mark.parametrize(
    ("found", "works", "survives"),
    [
        (members("abc", "abc"), True, True),
        (members("abc", "ab"), True, False),
        (members("abc", "a"), False, False),
        (members("abcd", "ab"), False, False),
        (members("abcd", "abc"), True, False),
        (members("abcde", "abcd"), True, True),
        (members("a", "a"), True, False),
        (members("abc", "bc"), False, False),
        (members("abc", "abc", leader=""), False, True),
    ],
)
def test_a_queue_works_with_a_majority_and_a_leader_of_it(found: Members, *, works: bool, survives: bool) -> None:
    assert (found.has_majority, found.survives_a_loss) == (works, survives)


def test_members_are_told_in_words() -> None:
    assert str(members("abc", "abc")) == "3 of 3 members are online, led by a"
    assert str(members("cba", "a")) == "1 of 3 members are online, led by a, not online: b, c"
    assert str(members("abc", "bc")) == "2 of 3 members are online, without a leader, not online: a"
