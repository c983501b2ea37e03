"""The checks that AMQP allows while the management API does not answer, and a check for each that it does not."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from attune_infra.topology.check import parameter_counts
from attune_infra.topology.facts.trials import Answer, Trial
from attune_infra.topology.model import Exchange, Queue, kind_of, label
from attune_infra.topology.planning.over_amqp import unasked
from attune_infra.topology.verify import Check, Code, Named, Verdict
from attune_infra.topology.worker import worker_family

if TYPE_CHECKING:
    from attune_infra.interfaces import VerifiedBroker
    from attune_infra.topology.model import Topology
    from attune_infra.topology.verify import Wanted

_VERDICTS: Final = {
    Answer.MATCHES: Verdict.PASSED,
    Answer.EXISTS: Verdict.UNKNOWN,
    Answer.DIFFERS: Verdict.FAILED,
    Answer.MISSING: Verdict.FAILED,
    Answer.UNAVAILABLE: Verdict.FAILED,
    Answer.UNKNOWN: Verdict.UNKNOWN,
}
_HINT: Final = "enable the plugin rabbitmq_management, or give --management-url, and run it again"


def checks_over_amqp(broker: VerifiedBroker, wanted: Wanted) -> Iterator[Check]:
    """Yield the checks of exchanges and queues, then one for everything of each kind that was not looked at.

    Nothing is created or changed: see `facts.trials`.
    """
    items = [item for item in wanted.everything.objects() if isinstance(item, Exchange | Queue)]
    trials = unasked(wanted.everything, wanted.everything)
    trials |= broker.try_over_amqp([item for item in items if item not in trials])
    own = _own(wanted)
    for item in items:
        worker_id, template = own.get(item, (None, ""))
        yield _check(item, trials[item])._replace(worker_id=worker_id, template=template)
    yield from _not_looked_at(wanted)


def _own(wanted: Wanted) -> dict[Exchange | Queue, tuple[int, str]]:
    """Return the worker of each queue that belongs to one, and the name of its check for any worker."""
    if not wanted.own:
        return {}
    templates = [label(each) for each in worker_family(wanted.topology).queues]
    found: dict[Exchange | Queue, tuple[int, str]] = {}
    for worker_id, objects in wanted.own.items():
        queues = [item for item in objects if isinstance(item, Queue)]
        found.update({queue: (worker_id, name) for queue, name in zip(queues, templates, strict=True)})
    return found


def _check(item: Exchange | Queue, trial: Trial) -> Check:
    verdict = _VERDICTS[trial.answer]
    if item.external and trial.answer is Answer.EXISTS and not item.type:
        verdict = Verdict.PASSED
    detail = {
        Answer.MATCHES: "RabbitMQ accepts its declaration",
        Answer.EXISTS: f"exists, and was not compared: {trial.reason}",
        Answer.DIFFERS: f"differs: {trial.reason}",
        Answer.MISSING: "is missing",
        Answer.UNAVAILABLE: f"exists, but is unavailable: {trial.reason}",
        Answer.UNKNOWN: f"was not looked at: {trial.reason}",
    }[trial.answer]
    return Check(Code(f"{kind_of(item)}-matches"), item, label(item), verdict, detail)


def _parameter_kinds(topology: Topology) -> Iterator[tuple[Code, str, str, int]]:
    """Yield the kinds of parameters, as `_not_looked_at` needs them."""
    for kind, number in parameter_counts(topology).items():
        yield Code(f"{kind.replace('_', '-')}-matches"), kind, kind.replace("_", " "), number


def _not_looked_at(wanted: Wanted) -> Iterator[Check]:
    """Yield a check that was not possible for each kind of thing that only the management API tells."""
    topology = wanted.everything
    dead = [queue for queue in topology.queues.values() if "x-dead-letter-exchange" in queue.arguments]
    for code, kind, words, number in (
        (Code.BINDING_MATCHES, "binding", "binding", len(topology.bindings)),
        (Code.POLICY_MATCHES, "policy", "policy", len(topology.policies)),
        (Code.OPERATOR_POLICY_MATCHES, "operator_policy", "operator policy", len(topology.operator_policies)),
        (Code.USER_MATCHES, "user", "user", len(topology.users)),
        (Code.VIRTUAL_HOST_MATCHES, "virtual_host", "virtual host", int(topology.virtual_host is not None)),
        (Code.LIMIT_MATCHES, "limit", "limit", len(topology.limits)),
        (Code.PERMISSION_MATCHES, "permission", "permission of a user", len(topology.permissions)),
        (
            Code.TOPIC_PERMISSION_MATCHES,
            "topic_permission",
            "topic permission of a user",
            len(topology.topic_permissions),
        ),
        *_parameter_kinds(topology),
        (Code.DEAD_LETTERS_ARRIVE, "queue", "dead letter path", len(dead)),
        (Code.ROUTE_HOLDS, "route", "route", len(wanted.topology.routes)),
        (Code.CONSUMER_PRESENT, "consumer", "consumer of a worker", len(wanted.own)),
    ):
        if number:
            detail = f"not looked at ({number} in all): only the management API tells"
            yield Check(code, Named(kind, "all"), f"every {words}", Verdict.UNKNOWN, detail, _HINT)
    detail = "not looked for: only the management API lists objects"
    undeclared = Named("broker", "undeclared objects")
    yield Check(Code.NOTHING_UNDECLARED, undeclared, "undeclared objects", Verdict.UNKNOWN, detail, _HINT)
