from dataclasses import replace

import pytest

from attune_infra.errors import ExitCode, PlanRefused
from attune_infra.topology.builtin import attune
from attune_infra.topology.diff import Create, Delete, Recreate
from attune_infra.topology.model import Binding, Exchange, Policy, Queue, Topology
from attune_infra.topology.planning.consent import TO_ALL
from attune_infra.topology.planning.plan import Plan


def test_what_cannot_be_changed_in_place_is_kept_apart() -> None:
    plan = Plan.between(Topology.of([Exchange(name="attune.executions", type="topic")]), attune())

    assert [change.want.name for change in plan.recreations] == ["attune.executions"]
    assert len(plan.applicable) == 12
    assert all(isinstance(change, Create) for change in plan.applicable)
    assert plan.unchanged == ()


def test_a_plan_tells_drift_and_foresees_how_carrying_it_out_would_end() -> None:
    empty, done = Plan.between(Topology(), attune()), Plan.between(attune(), attune())
    wrong = Topology.of([*attune().objects(), Exchange(name="attune.executions", type="topic")])
    hopeless = Plan.between(wrong, attune())
    mixed = Plan.between(Topology.of([Exchange(name="attune.executions", type="topic")]), attune())

    assert (done.exit_code, done.dry_run().exit_code) == (ExitCode.DONE, ExitCode.DONE)
    assert (empty.exit_code, empty.dry_run().exit_code) == (ExitCode.DRIFT, ExitCode.DONE)
    assert (mixed.exit_code, mixed.dry_run().exit_code) == (ExitCode.DRIFT, ExitCode.PARTLY_DONE)
    assert (hopeless.exit_code, hopeless.dry_run().exit_code) == (ExitCode.DRIFT, ExitCode.REFUSED)
    assert hopeless.dry_run(TO_ALL).exit_code == ExitCode.DONE


def test_a_queue_whose_node_is_down_is_no_change_and_not_as_wanted_either() -> None:
    lost, gone = Queue(name="q", type="classic", state="down"), Exchange(name="e")
    down = Plan.between(Topology.of([lost, gone]), Topology.of([Queue(name="q"), gone]))
    more = Plan.between(Topology.of([lost]), Topology.of([Queue(name="q"), gone]))

    assert (down.changes, down.down[0].state) == ((), "down")
    assert (down.exit_code, down.dry_run().exit_code) == (ExitCode.DRIFT, ExitCode.FAILED)
    assert more.dry_run().exit_code == ExitCode.PARTLY_DONE
    assert (
        down.digest
        == Plan.between(
            Topology.of([replace(lost, state="running"), gone]), Topology.of([Queue(name="q"), gone])
        ).digest
    )


def test_a_digest_names_one_plan() -> None:
    wrong = Topology.of([Exchange(name="attune.executions", type="topic")])
    plans = [
        Plan.between(Topology(), attune()),
        Plan.between(wrong, attune()),
        Plan.between(attune(), attune()),
        Plan.between(Topology(), replace(attune(), policies={"p": Policy(name="p", pattern="a")})),
        Plan.between(Topology(), replace(attune(), policies={"p": Policy(name="p", pattern="b")})),
        Plan.between(Topology(), Topology.of([Queue(name="q", arguments={"x-max-length": 1})])),
        Plan.between(Topology(), Topology.of([Queue(name="q", arguments={"x-max-length": "1"})])),
    ]

    assert len({plan.digest for plan in plans}) == len(plans)
    assert Plan.between(wrong, attune()).digest == plans[1].digest
    plans[1].insist_on(plans[1].digest, again="diff")
    plans[1].insist_on(None, again="diff")
    with pytest.raises(PlanRefused, match=f"the plan is now {plans[0].digest}, not {plans[1].digest}"):
        plans[0].insist_on(plans[1].digest, again="diff")


def test_a_recreated_exchange_that_goes_along_with_a_pruned_binding_is_created_again() -> None:
    stale = Binding(source="inner", destination="old", destination_type="exchange")
    wanted = Binding(source="outer", destination="inner", destination_type="exchange")
    inner, outer = Exchange(name="inner", auto_delete=True), Exchange(name="outer", auto_delete=True)
    have = Topology.of([inner, replace(outer, auto_delete=False), Exchange(name="old"), stale])
    want = Topology.of([inner, outer, Exchange(name="old"), wanted], manages=("^old",))

    [change] = Plan.between(have, want, prune=True).deletions

    assert (change.have, change.again, change.lost) == (stale, (inner, outer, wanted), ())


def test_what_goes_with_a_recreated_object_is_told() -> None:
    wanted, extra = Binding(source="e", destination="q"), Binding(source="e", destination="q", routing_key="x")
    have = Topology.of([Exchange(name="e"), Queue(name="q", durable=False), wanted, extra])

    [change] = Plan.between(have, Topology.of([Exchange(name="e"), Queue(name="q"), wanted])).recreations

    assert (change.again, change.lost) == ((wanted,), (extra,))


def test_a_policy_to_be_deleted_provides_nothing() -> None:
    policy = Policy(name="old", pattern="^q$", definition={"max-length": 5})
    have = Topology.of([Queue(name="q"), policy])
    want = Topology.of([Queue(name="q", arguments={"x-max-length": 5})], manages=("old",))

    assert Plan.between(have, want).changes == ()
    assert [type(change) for change in Plan.between(have, want, prune=True).changes] == [Recreate, Delete]


def test_a_policy_to_be_made_provides_what_it_will() -> None:
    policy = Policy(name="new", pattern="^q$", definition={"max-length": 5})
    have = Topology.of([Queue(name="q")])
    want = Topology.of([Queue(name="q", arguments={"x-max-length": 5}), policy])

    assert [type(change) for change in Plan.between(have, want).changes] == [Create]


def test_a_binding_that_no_client_can_name_is_stuck_unless_its_queue_goes() -> None:
    odd = Binding(source="e", destination="q", routing_key="undefined", key_is_text=False)
    have = Topology.of([Exchange(name="e"), Queue(name="q"), odd])

    def stuck(want: Topology) -> list[bool]:
        deletions = Plan.between(have, replace(want, manages=("q",)), prune=True).deletions
        return [each.stuck for each in deletions if isinstance(each.have, Binding)]

    assert stuck(Topology.of([Exchange(name="e"), Queue(name="q")])) == [True]
    assert stuck(Topology.of([Exchange(name="e")])) == [False]


def test_a_binding_that_goes_with_a_recreated_queue_keeps_no_exchange() -> None:
    old, binding = Exchange(name="old"), Binding(source="old", destination="q")
    have = Topology.of([old, Queue(name="q", durable=False), binding])

    [change] = Plan.between(have, Topology.of([Queue(name="q")], manages=("old",)), prune=True).deletions

    assert (change.have, change.kept_by) == (old, ())


def test_an_auto_delete_exchange_goes_with_the_queue_that_it_lived_of() -> None:
    short_lived, binding = Exchange(name="e", auto_delete=True), Binding(source="e", destination="old")
    have = Topology.of([short_lived, Queue(name="old"), binding])

    deletions = Plan.between(have, Topology(manages=("old",)), prune=True).deletions

    assert [change.have for change in deletions] == [binding, Queue(name="old")]
    assert [change.lost for change in deletions] == [(short_lived,), ()]


def test_a_plan_declares_what_it_makes_and_not_what_it_deletes_or_awaits() -> None:
    made, awaited = Queue(name="made"), Queue(name="awaited", external=True)
    want = Topology.of([made, awaited], manages=("old",))

    assert Plan.between(Topology.of([Queue(name="old")]), want, prune=True).declared == (made,)
