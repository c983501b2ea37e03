from attune_infra.errors import ExitCode
from attune_infra.topology.builtin import attune
from attune_infra.topology.diff import Create
from attune_infra.topology.model import Exchange, Topology
from attune_infra.topology.plan import Plan


def test_what_cannot_be_changed_in_place_is_kept_apart() -> None:
    plan = Plan.between(Topology.of([Exchange(name="attune.executions", type="topic")]), attune())

    assert [conflict.want.name for conflict in plan.conflicts] == ["attune.executions"]
    assert len(plan.applicable) == 11
    assert all(isinstance(change, Create) for change in plan.applicable)
    assert plan.unchanged == ()


def test_a_plan_tells_drift_and_foresees_how_carrying_it_out_would_end() -> None:
    empty, done = Plan.between(Topology(), attune()), Plan.between(attune(), attune())
    wrong = Topology.of([*attune().objects(), Exchange(name="attune.executions", type="topic")])
    hopeless = Plan.between(wrong, attune())
    mixed = Plan.between(Topology.of([Exchange(name="attune.executions", type="topic")]), attune())

    assert (done.exit_code, done.foreseen_exit_code) == (ExitCode.DONE, ExitCode.DONE)
    assert (empty.exit_code, empty.foreseen_exit_code) == (ExitCode.DRIFT, ExitCode.DONE)
    assert (mixed.exit_code, mixed.foreseen_exit_code) == (ExitCode.DRIFT, ExitCode.PARTLY_DONE)
    assert (hopeless.exit_code, hopeless.foreseen_exit_code) == (ExitCode.DRIFT, ExitCode.FAILED)
