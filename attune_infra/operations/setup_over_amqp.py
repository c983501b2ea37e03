"""Set up a broker over AMQP alone, while its management API does not answer.

Exchanges and queues are asked for with a passive declaration, then declared. Queues with an expiry are not asked
for, which would restart it. Nothing is deleted, and policies are neither read nor set.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from attune_infra.operations.progress import Watch, watched
from attune_infra.topology.facts.releases import version_of
from attune_infra.topology.model import Binding, Exchange, Queue, TopologyObject, kind_of
from attune_infra.topology.planning import over_amqp
from attune_infra.topology.planning.over_amqp import Forecast
from attune_infra.topology.planning.report import Outcome, Report, Status

if TYPE_CHECKING:
    from attune_infra.interfaces import AskedBroker
    from attune_infra.topology.model import Topology


_Outcomes: TypeAlias = "dict[TopologyObject, Outcome]"


def setup_over_amqp(broker: AskedBroker, want: Topology, *, watch: Watch = lambda *_: None) -> Report:
    """Create missing objects, declare bindings, and return the outcome of every wanted object.

    Raise `BrokerError` if AMQP does not answer, and `RequestRefused` or `FeatureDenied`, with nothing changed, if
    RabbitMQ is certain to refuse an object. An interrupted run can be repeated.
    """
    version = version_of(broker.amqp_target().version)
    trials = over_amqp.unasked(want, want)
    trials |= broker.look_over_amqp(over_amqp.asked(want, trials))
    over_amqp.check_possible(trials, want, version)
    declared = [item for item, trial in trials.items() if over_amqp.is_declared(item, trial)]
    steps = watched(broker.declare_over_amqp(declared), len(declared), watch)
    made = {outcome.object: outcome for outcome in steps}
    outcomes: _Outcomes = {
        item: over_amqp.found(item, trial, made.get(item), version) for item, trial in trials.items()
    }
    bindings = _settle_others(want, outcomes)
    steps = watched(broker.declare_over_amqp(bindings), len(bindings), watch)
    outcomes |= {outcome.object: over_amqp.bound(outcome) for outcome in steps}
    return Report(tuple(outcomes[item] for item in want.objects()))


def foresee_over_amqp(broker: AskedBroker, want: Topology, policies: Topology | None = None) -> Forecast:
    """Return the outcomes that a setup would have, and change nothing; raise as it does.

    The policies of a topology, default: the wanted one, tell which queues expire.
    """
    version = version_of(broker.amqp_target().version)
    trials = over_amqp.unasked(want, policies or want)
    trials |= broker.try_over_amqp(over_amqp.asked(want, trials))
    over_amqp.check_possible(trials, want, version)
    outcomes: _Outcomes = {item: over_amqp.foreseen(item, trial, version) for item, trial in trials.items()}
    bindings = _settle_others(want, outcomes)
    outcomes |= {item: Outcome(item, Status.ACCEPTED, over_amqp.NOT_TOLD) for item in bindings}
    return Forecast(Report(tuple(outcomes[item] for item in want.objects())))


def _settle_others(want: Topology, outcomes: _Outcomes) -> list[Binding]:
    """Add the outcomes of all others that are certain by now; return the bindings to declare."""
    ends = {
        (kind_of(item), item.name): outcome
        for item, outcome in outcomes.items()
        if isinstance(item, Exchange | Queue)
    }
    others = [item for item in want.objects() if not isinstance(item, Exchange | Queue)]
    outcomes |= {item: outcome for item in others if (outcome := over_amqp.certain(item, ends))}
    return [item for item in others if isinstance(item, Binding) and item not in outcomes]
