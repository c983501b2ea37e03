"""Verdicts on the state of a broker: release, plugins, alarms, nodes and features."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from shlex import quote
from typing import Final

from attune_infra.errors import AttuneError
from attune_infra.topology.doctor.diagnosis import Check, Topic, judged, ok, problem, unknown, warning
from attune_infra.topology.doctor.seen import Alarm, Broker, FeatureFlag, Node
from attune_infra.topology.facts.compatibility import judgements, nearest_release
from attune_infra.topology.facts.fact import Effect
from attune_infra.topology.facts.plugin_exchanges import plugin_hint, plugin_of
from attune_infra.topology.facts.releases import NEWEST, OLDEST, version_of, version_text
from attune_infra.topology.model import Exchange, Topology, label

MIN_FREE_FILES: Final = 0.05
"""Share of the file descriptors of a node that should be free."""

_MEMORY, _DISK = "memory", "disk space"
_REMEDIES: Final = {
    _MEMORY: (
        "let consumers take messages, or give the node more memory; the line sets RabbitMQ's own limit",
        "rabbitmqctl set_vm_memory_high_watermark 0.6",
    ),
    _DISK: (
        "free the disk of the node; the line sets RabbitMQ's default limit",
        "rabbitmqctl set_disk_free_limit 50MB",
    ),
}
"""Remedies for alarms by resource, on the node that has the alarm."""

_FLAGS_OF_TYPES: Final = {"quorum": "quorum_queue", "stream": "stream_queue"}
"""Feature flags without which a broker declares no queue of a type; they are required since RabbitMQ 4.0."""

_EFFECTS: Final = {Effect.DEPRECATED, Effect.IGNORED, Effect.MISREAD}


def version_checks(version: str, want: Topology, have: Topology | None, broker: Broker) -> Iterator[Check]:
    """Yield a check of the release, and a warning for each part of the document that it does not take as meant."""
    release = version_of(version)
    name = f"RabbitMQ {version}"
    if OLDEST <= release <= NEWEST:
        yield ok(Topic.RELEASE, name, f"tried releases are {version_text(OLDEST)} to {version_text(NEWEST)}")
    else:
        detail = f"it was never tried; tried releases are {version_text(OLDEST)} to {version_text(NEWEST)}"
        yield unknown(Topic.RELEASE, name, detail, "use a release in between, or a later version of attune-infra")
    for item in want.objects():
        for found in judgements(item, _on(want, have), nearest_release(release)):
            if found.effect is Effect.DEPRECATED and not broker.tells_denied:
                detail = f"{found.what}; this release does not tell if it denies them now"
                yield unknown(Topic.RELEASE_ACCEPTS, label(item), detail, found.remedy)
            elif found.effect in _EFFECTS:
                yield warning(Topic.RELEASE_ACCEPTS, label(item), found.what, found.remedy)


def _on(want: Topology, have: Topology | None) -> Topology:
    return want if have is None else replace(want, default_queue_type=have.default_queue_type)


def plugin_checks(want: Topology, have: Topology) -> Iterator[Check]:
    """Yield a check for each exchange type of the document that RabbitMQ does not always have."""
    types = have.exchange_types
    wanted = sorted({item.type for item in want.objects() if isinstance(item, Exchange) and not item.external})
    if types is None:
        yield unknown(Topic.EXCHANGE_TYPES, "exchange types", "the broker lists none")
        return
    for missing in (each for each in wanted if each not in types):
        plugin = plugin_of(missing)
        run = (f"rabbitmq-plugins enable {plugin}",) if plugin else ()
        detail = "the broker does not have it, and refuses exchanges of this type"
        yield problem(Topic.EXCHANGE_TYPES, f"exchange type {missing}", detail, plugin_hint(missing), *run)
    if types.issuperset(wanted):
        yield ok(
            Topic.EXCHANGE_TYPES,
            "exchange types",
            f"it has all that the document needs: {', '.join(wanted) or 'none'}",
        )


def statistics_check(broker: Broker) -> Check:
    """Return the check of the statistics, which tell consumers and policies in effect."""
    if broker.statistics:
        return ok(Topic.STATISTICS, "statistics", "the management API keeps them")
    detail = "they are switched off: consumer tags and policies in effect stay unknown"
    fix = "remove `management.disable_stats` and `management_agent.disable_metrics_collector` from rabbitmq.conf"
    return warning(Topic.STATISTICS, "statistics", detail, fix)


def alarm_checks(broker: Broker) -> Iterator[Check]:
    """Yield the checks of alarms, of virtual hosts that stopped, and of nodes."""
    yield from judged(Topic.RESOURCES, "resource alarms", broker.alarms, _alarms)
    yield from judged(
        Topic.VIRTUAL_HOSTS, "virtual hosts", broker.stopped_virtual_hosts, lambda it: _stopped(broker, it)
    )
    yield from judged(Topic.NODES, "nodes", broker.nodes, lambda nodes: _nodes(broker, nodes))


def _alarms(alarms: Sequence[Alarm]) -> Iterator[Check]:
    if not alarms:
        yield ok(Topic.RESOURCES, "resource alarms", "none")
    for alarm in sorted(alarms, key=lambda each: (each.node, each.resource)):
        fix, *run = _REMEDIES.get(alarm.resource, ("see RabbitMQ's log",))
        detail = f"node {alarm.node} is out of it; RabbitMQ blocks all connections that publish"
        yield problem(Topic.RESOURCES, f"alarm: {alarm.resource}", detail, fix, *run)


def _stopped(broker: Broker, stopped: bool) -> Iterator[Check]:
    if not stopped:
        yield ok(Topic.VIRTUAL_HOSTS, "virtual hosts", "they run on all nodes")
        return
    detail = "a virtual host does not run on a node; RabbitMQ's log has the reason"
    line = f"rabbitmqctl restart_vhost -p {quote(broker.virtual_host)}"
    yield problem(Topic.VIRTUAL_HOSTS, "virtual hosts", detail, "if it is this one:", line)


def _nodes(broker: Broker, nodes: Sequence[Node]) -> Iterator[Check]:
    for node in nodes:
        yield from _node(node)
    running = sum(node.running for node in nodes)
    if 2 * running <= len(nodes) and _uses_khepri(broker):
        detail = (
            f"{running} of {len(nodes)} runs, which is no majority: the metadata store changes nothing, and quorum"
            " queues take no message"
        )
        yield problem(Topic.NODES, "majority of the nodes", detail, "start the nodes that are down")


def _uses_khepri(broker: Broker) -> bool:
    if isinstance(broker.flags, AttuneError):
        return False
    return any(flag.name == "khepri_db" and flag.enabled for flag in broker.flags)


def _node(node: Node) -> Iterator[Check]:
    name, found = f"node {node.name}", False
    if not node.running:
        fix = "start RabbitMQ on its machine; if it is lost for good, `rabbitmqctl forget_cluster_node` removes it"
        line = "rabbitmqctl cluster_status"
        yield problem(Topic.NODES, name, "it is down: queues that it holds alone are unavailable", fix, line)
        return
    if node.partitions:
        detail = f"it does not see {', '.join(node.partitions)}: the cluster is partitioned"
        fix = "restart RabbitMQ on the nodes of the smaller part, after the network is mended"
        yield problem(Topic.NODES, name, detail, fix, "rabbitmqctl cluster_status")
        found = True
    if node.draining:
        detail = "it is in maintenance mode, and takes no connections"
        yield problem(Topic.NODES, name, detail, "", f"rabbitmq-upgrade revive -n {node.name}")
        found = True
    if node.files and node.files_used is not None and node.files_used > node.files * (1 - MIN_FREE_FILES):
        detail = f"it uses {node.files_used} of {node.files} file descriptors; each connection takes one"
        yield problem(Topic.NODES, name, detail, "raise its limit (LimitNOFILE of systemd, ulimit -n)")
        found = True
    if not found:
        untold = "; this release does not tell if it is in maintenance mode" if node.draining is None else ""
        yield ok(Topic.NODES, name, f"it runs{untold}")


def feature_checks(broker: Broker, want: Topology) -> Iterator[Check]:
    """Yield the checks of deprecated features in use, and of feature flags."""
    yield from judged(Topic.DEPRECATED, "deprecated features", broker.used_features, _used)
    yield from judged(Topic.FLAGS, "feature flags", broker.flags, lambda found: _flags(found, want))


def _used(names: Sequence[str]) -> Iterator[Check]:
    if not names:
        yield ok(Topic.DEPRECATED, "deprecated features", "none is in use")
    for name in sorted(names):
        detail = "this deprecated feature is in use; a later release denies it"
        fix = f"stop using it before an upgrade; until then, deprecated_features.permit.{name} = true permits it"
        yield warning(Topic.DEPRECATED, name, detail, fix)


def _flags(flags: Iterable[FeatureFlag], want: Topology) -> Iterator[Check]:
    off = {flag.name for flag in flags if not flag.enabled and flag.stability != "experimental"}
    needed = {_FLAGS_OF_TYPES.get(want.type_of(queue), "") for queue in want.queues.values() if not queue.external}
    for name in sorted(off & needed):
        detail = "the document has queues that need it, and it is not enabled"
        yield problem(Topic.FLAGS, f"feature flag {name}", detail, "", f"rabbitmqctl enable_feature_flag {name}")
    if rest := sorted(off - needed):
        detail = f"not enabled: {', '.join(rest)}; a later release does not start without them"
        yield warning(Topic.FLAGS, "feature flags", detail, "", "rabbitmqctl enable_feature_flag all")
    if not off:
        yield ok(Topic.FLAGS, "feature flags", "all stable ones are enabled")
