"""Stakes of changes to policies: each state on the way counts, and an unknown number is no zero."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pytest

from attune_infra.errors import ExitCode
from attune_infra.render.pages.plan import question
from attune_infra.topology.diff import Delete, Recreate
from attune_infra.topology.model import Argument, Binding, Exchange, Policy, Queue, Topology, TopologyObject
from attune_infra.topology.planning.consent import TO_ALL, Consent
from attune_infra.topology.planning.plan import Plan
from attune_infra.topology.planning.report import Outcome, Report, Status
from attune_infra.topology.planning.stakes import Contents, Stake, expiring_queues, most_messages

QUEUE = Queue(name="q", type="classic")
FOUR: Mapping[str, Contents] = {"q": (4, 0)}


def policy(name: str, priority: int = 0, pattern: str = "^q$", /, **definition: Argument) -> Policy:
    keys = {key.replace("_", "-"): value for key, value in definition.items()}
    return Policy(name=name, pattern=pattern, priority=priority, definition=keys)


def plan_for(
    have: list[TopologyObject],
    want: list[TopologyObject],
    held: Mapping[str, Contents] = FOUR,
    *,
    queue: Queue = QUEUE,
) -> Plan:
    """Return the counted plan that prunes policies, for a broker with the queue."""
    before = replace(Topology.of([queue, *have]), version=(4, 3))
    after = Topology.of([queue, *want], manages=(".*",))
    return Plan.between(before, after, prune=True).weighing(before, after, held)


def lost(plan: Plan) -> dict[str, int | None]:
    return {name: most_messages(stakes) for name, stakes in plan.stakes.items()}


def test_a_policy_takes_what_is_beyond_its_limit() -> None:
    assert lost(plan_for([], [policy("p", max_length=1)])) == {"p": 3}
    assert lost(plan_for([], [policy("p", max_length=4)])) == {}
    assert lost(plan_for([policy("p", max_length=1)], [policy("p", max_length=2)])) == {}
    assert lost(plan_for([], [policy("p", max_length=1)], {})) == {"p": None}
    assert lost(plan_for([], [policy("p", max_length=1)], {"q": (None, 0)})) == {"p": None}
    assert lost(plan_for([], [policy("p", 0, "^r$", max_length=1)])) == {}


def test_an_expiry_takes_the_queue_even_if_it_is_empty() -> None:
    plan = plan_for([], [policy("p", expires=5)], {"q": (0, 0)})

    assert (lost(plan), expiring_queues(plan.stakes["p"])) == ({"p": 0}, 1)


def test_an_auto_delete_queue_with_a_consumer_goes_with_it_anyway() -> None:
    worker = Queue(name="q", type="classic", auto_delete=True)
    plans = [
        plan_for([], [policy("p", expires=5)], {"q": (0, consumers)}, queue=worker) for consumers in (1, 0, None)
    ]

    assert [bool(plan.stakes) for plan in plans] == [False, True, True]


def test_the_argument_of_the_queue_and_an_operator_policy_count_too() -> None:
    limited = Queue(name="q", type="classic", arguments={"x-max-length": 2})
    operator = {"o": policy("o", max_length=2)}
    have = Topology.of([QUEUE, policy("p", message_ttl=9)])
    want = Topology.of([QUEUE, policy("p", message_ttl=9, max_length=3)])

    assert lost(plan_for([], [policy("p", max_length=3)], queue=limited)) == {}
    assert lost(plan_for([], [policy("p", max_length=1)], queue=limited)) == {"p": 3}
    for operators, expected in (({}, {"p": 1}), (operator, {})):
        live = replace(have, operator_policies=operators)
        assert lost(Plan.between(live, want).weighing(live, want, FOUR)) == expected


def test_a_policy_that_goes_or_matches_fewer_names_uncovers_another() -> None:
    low, high = policy("low", max_length=1), policy("top", 9, max_length=9)

    assert lost(plan_for([low, high], [low])) == {"top": 3}
    assert lost(plan_for([low, high], [low, replace(high, pattern="^r$")])) == {"top": 3}
    assert lost(plan_for([low, high], [low, replace(high, priority=-1)])) == {"top": 3}
    assert lost(plan_for([low, high], [low, replace(high, apply_to="exchanges")])) == {"top": 3}
    assert lost(plan_for([low, high], [replace(low, priority=10), high])) == {"low": 3}


def test_every_state_on_the_way_counts() -> None:
    """For a moment the first of two new policies is in effect alone."""
    tight, loose = policy("a", 1, max_length=1), policy("b", 2, max_length=9)

    assert lost(plan_for([], [tight, loose])) == {"a": 3}
    assert lost(plan_for([], [replace(tight, name="c"), loose])) == {}


def test_a_policy_counts_that_would_be_hidden_only_by_one_that_is_held_back() -> None:
    """Without consent `a` is not set, and then `b` would be in effect."""
    first, second = policy("a", 2, max_length=1), policy("b", 1, max_length=3)

    plan = plan_for([], [first, second])

    assert lost(plan) == {"a": 3, "b": 1}
    assert plan.applicable == ()


def test_a_policy_counts_that_loses_something_only_if_a_part_is_made() -> None:
    """With all of them `c` wins, and without consent `a` does; with consent to `a` alone it is `d`."""
    before, after = policy("a", 9, max_length=9), policy("a", 0, expires=5)
    loose, tight = policy("c", 3, message_ttl=9), policy("d", 2, max_length=1)

    assert lost(plan_for([before], [after, loose, tight])) == {"a": 4, "c": 4, "d": 3}


def test_too_many_states_are_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    limits: list[TopologyObject] = [policy(f"p{number}", number, max_length=number) for number in range(4)]

    assert lost(plan_for([], limits)) == {"p0": 4, "p1": 3, "p2": 2, "p3": 1}
    monkeypatch.setattr("attune_infra.topology.planning.stakes._MAX_STATES", 2)
    assert lost(plan_for([], limits)) == {"p0": 4, "p1": 3, "p2": None, "p3": None}


def test_of_tied_policies_the_one_that_leaves_least_counts() -> None:
    before, tight, loose = policy("a", max_length=9), policy("b", max_length=1), policy("c", max_length=3)

    assert lost(plan_for([before], [before, tight, loose])) == {"b": 3, "c": 3}


def test_of_policies_with_one_priority_either_may_be_in_effect() -> None:
    loose, tight = policy("a", max_length=9), policy("b", max_length=1)

    assert lost(plan_for([loose], [loose, tight])) == {"b": 3}
    assert lost(plan_for([loose], [loose, replace(tight, name="0")])) == {"0": 3}


DEAD: list[TopologyObject] = [
    Exchange(name="dlx", type="fanout"),
    Exchange(name="unbound", type="fanout"),
    Exchange(name="topics", type="topic"),
    Queue(name="dead", type="classic"),
    Binding(source="dlx", destination="dead"),
    Binding(source="topics", destination="dead", routing_key="a.#"),
]


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ({"dead_letter_exchange": "dlx"}, {}, 4),
        ({"dead_letter_exchange": "dlx"}, {"dead_letter_exchange": "missing"}, 4),
        ({"dead_letter_exchange": "dlx"}, {"dead_letter_exchange": "unbound"}, 4),
        ({"dead_letter_exchange": "dlx"}, {"dead_letter_exchange": "topics"}, 4),
        ({"dead_letter_exchange": "dlx"}, {"dead_letter_exchange": "topics", "dead_letter_routing_key": "a"}, 0),
        ({"dead_letter_exchange": "topics"}, {"dead_letter_exchange": "dlx"}, 0),
        (
            {"dead_letter_exchange": "topics"},
            {"dead_letter_exchange": "topics", "dead_letter_routing_key": "b"},
            4,
        ),
        ({"dead_letter_exchange": "missing"}, {}, 0),
        ({}, {"dead_letter_exchange": "missing"}, 0),
    ],
)
def test_dead_letters_may_be_lost_that_were_not(
    before: dict[str, Argument], after: dict[str, Argument], expected: int
) -> None:
    plan = plan_for([*DEAD, policy("p", max_length=99, **before)], [*DEAD, policy("p", max_length=99, **after)])

    assert lost(plan) == ({"p": expected} if expected else {})


def test_a_queue_that_keeps_its_dead_letters_holds_more_than_is_counted() -> None:
    quorum = Queue(
        name="q",
        type="quorum",
        arguments={"x-overflow": "reject-publish", "x-dead-letter-exchange": "dlx", "x-max-length": 99},
    )
    keeping = policy("p", dead_letter_strategy="at-least-once", delivery_limit=50)

    weaker = plan_for([*DEAD, keeping], [*DEAD, policy("p", delivery_limit=50)], {"q": (0, 0)}, queue=quorum)
    stronger = plan_for([*DEAD, policy("p", delivery_limit=50)], [*DEAD, keeping], queue=quorum)

    assert (lost(weaker), lost(stronger)) == ({"p": None}, {})
    assert [each.setting for each in weaker.stakes["p"][0].threats] == ["x-dead-letter-strategy"]


def test_hidden_queues_count() -> None:
    hidden = Topology.of([Queue(name="mqtt-subscription-1", type="classic", auto_delete=True)])
    have, want = Topology(hidden=hidden), Topology.of([policy("p", 0, "", expires=5)])

    [stake] = Plan.between(have, want).stakes["p"]

    assert (stake.queue, stake.messages, stake.expires) == ("mqtt-subscription-1", None, True)


def test_a_digest_tells_what_is_at_stake_but_no_numbers() -> None:
    want: list[TopologyObject] = [policy("p", max_length=1)]
    plans = [plan_for([], want, held) for held in (FOUR, {"q": (9, 0)}, {"q": (0, 0)}, {})]
    elsewhere = plan_for([], want, queue=Queue(name="q", type="classic", arguments={"x-max-length": 1}))

    assert len({plan.digest for plan in plans}) == 1
    assert elsewhere.digest != plans[0].digest


def test_without_consent_the_rest_is_made() -> None:
    plan = plan_for([], [policy("p", max_length=1), policy("x", 0, "^x$", max_length=1)])
    alone = plan_for([], [policy("p", max_length=1)])

    assert [change.want for change in plan.applicable] == [policy("x", 0, "^x$", max_length=1)]
    assert [change.want for change in plan.destructive if not isinstance(change, Delete)] == [
        policy("p", max_length=1)
    ]
    assert (plan.dry_run().exit_code, alone.dry_run().exit_code) == (ExitCode.PARTLY_DONE, ExitCode.REFUSED)
    assert plan.dry_run(TO_ALL).exit_code == ExitCode.DONE
    assert plan.dry_run().stakes == plan.stakes


def test_a_withheld_policy_is_refused_and_no_failure() -> None:
    unchanged = Outcome(QUEUE, Status.UNCHANGED)

    def code(status: Status, other: Outcome = unchanged) -> ExitCode:
        return Report((other, Outcome(policy("p"), status))).exit_code

    assert code(Status.WITHHELD) == ExitCode.REFUSED
    assert code(Status.WITHHELD, Outcome(QUEUE, Status.CREATED)) == ExitCode.PARTLY_DONE
    assert code(Status.FAILED) == ExitCode.PARTLY_DONE


def test_a_queue_at_stake_twice_loses_each_message_once() -> None:
    stakes = [Stake(queue=name, threats=(), messages=count) for name, count in (("q", 2), ("q", 3), ("r", 1))]

    assert most_messages(stakes) == 4
    assert most_messages([*stakes, Stake(queue="s", threats=(), messages=None)]) is None


def test_a_queue_to_be_recreated_is_at_stake_until_it_is() -> None:
    """Without consent it is not recreated, and the policy would apply to the old one."""
    have = Topology.of([QUEUE])
    want = Topology.of([replace(QUEUE, durable=False), policy("p", max_length=1)])

    plan = Plan.between(have, want).weighing(have, want, FOUR)

    assert [type(change) for change in plan.recreations] == [Recreate]
    assert lost(plan) == {"p": 3}


@pytest.mark.parametrize(
    ("held", "asked"),
    [
        (FOUR, "Recreate 1 object and set 2 policies (lost: up to 4 messages, 1 queue)?"),
        ({"q": (4, 0), "r": (2, 0)}, "Recreate 1 object and set 2 policies (lost: up to 6 messages, 1 queue)?"),
        (
            {"q": (4, 0), "r": (None, 0)},
            "Recreate 1 object and set 2 policies (lost: an unknown number of messages, 1 queue)?",
        ),
    ],
)
def test_the_question_counts_a_recreated_queue_once(held: Mapping[str, Contents], asked: str) -> None:
    other = Queue(name="r", type="classic")
    have = Topology.of([QUEUE, other])
    more = [policy("p", max_length=1), policy("x", 0, "^r$", expires=5)]
    want = Topology.of([replace(QUEUE, durable=False), other, *more])

    plan = Plan.between(have, want).weighing(have, want, {"r": (0, 0), **held}).with_contents({"q": (4, 0)})

    assert question(plan, TO_ALL) == asked


def test_protection_of_a_queue_counts_for_a_policy_that_lets_it_expire() -> None:
    protecting = Consent.given(["*"], ("queue:q",))
    expiring, limiting = plan_for([], [policy("p", expires=5)]), plan_for([], [policy("p", max_length=1)])

    assert [expiring.why_kept(change, protecting) for change in expiring.costly] == [
        "`protect` of the document names it: queue:q"
    ]
    assert [limiting.why_kept(change, protecting) for change in limiting.costly] == [None]


@pytest.mark.parametrize(("manages", "expected"), [((), {}), (("other",), {"p": 4})])
def test_dead_letters_may_go_another_way_unless_it_is_deleted(
    manages: tuple[str, ...], expected: dict[str, int]
) -> None:
    ways: list[TopologyObject] = [
        each
        for name in ("one", "other")
        for each in (Exchange(name=name, type="fanout"), Binding(source=name, destination="dead"))
    ]
    before = Topology.of([QUEUE, Queue(name="dead"), *ways, policy("p", dead_letter_exchange="one")])
    after = Topology.of([QUEUE, policy("p", dead_letter_exchange="other")], manages=manages)

    assert lost(Plan.between(before, after, prune=True).weighing(before, after, FOUR)) == expected
