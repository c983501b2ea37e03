"""For each rule of lint a document that breaks it, and one like it that does not."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from attune_infra.topology.facts.releases import NEWEST, Version


@dataclass(frozen=True, kw_only=True)
class Example:
    """`bad` breaks a rule, and lint `says` so; `good` does not break it."""

    bad: str
    says: str
    good: str
    version: Version = NEWEST
    good_version: Version = NEWEST
    consumers: Mapping[str, int] = field(default_factory=dict)


def _bound(kind: str, *bindings: str) -> str:
    items = ", ".join(f"{{exchange: e, {binding}}}" if binding else "{exchange: e}" for binding in bindings)
    return f"exchanges: {{e: {{type: {kind}}}}}\nqueues: {{q: {{bindings: [{items}]}}}}"


def _internal(key: str) -> str:
    return f"""
exchanges:
  outer: {{type: topic}}
  inner: {{type: topic, internal: true, bindings: [{{exchange: outer, routing_key: 'order.#'}}]}}
queues:
  q: {{bindings: [{{exchange: inner, routing_key: '{key}'}}]}}
"""


def _queue(attributes: str, policy: str = "") -> str:
    return f"""
exchanges: {{e: {{type: fanout}}, dlx: {{type: fanout}}}}
queues:
  q: {{{attributes}, bindings: [{{exchange: e}}]}}
  dead: {{arguments: {{x-max-length: 5}}, bindings: [{{exchange: dlx}}]}}
policies: {{{policy}}}
"""


def _policies(policies: str, queue: str = "{}") -> str:
    return f"queues: {{jobs: {queue}}}\npolicies: {{{policies}}}"


def _dead_letters(kind: str, key: str) -> str:
    return f"""
exchanges: {{e: {{type: topic}}, dlx: {{type: {kind}}}}}
queues:
  q:
    arguments: {{x-dead-letter-exchange: dlx}}
    bindings: [{{exchange: e, routing_key: order.created}}, {{exchange: e, routing_key: 'order.*.paid'}}]
  dead: {{bindings: [{{exchange: dlx, routing_key: '{key}'}}]}}
"""


def _cycle(work: str, waits_for: str = "k", keeps: str = "other") -> str:
    return f"""
exchanges: {{e: {{}}, again: {{}}}}
queues:
  work:
    arguments: {{x-dead-letter-exchange: again, {work}}}
    bindings: [{{exchange: e, routing_key: k}}]
  wait:
    arguments: {{x-dead-letter-exchange: e, x-message-ttl: 500}}
    bindings: [{{exchange: again, routing_key: {waits_for}}}]
  kept: {{bindings: [{{exchange: again, routing_key: {keeps}}}]}}
"""


def _everything(other_key: str) -> str:
    return f"""
exchanges: {{e: {{type: topic}}}}
queues:
  q: {{bindings: [{{exchange: e, routing_key: '#'}}]}}
  p: {{bindings: [{{exchange: e, routing_key: '{other_key}'}}]}}
"""


EXAMPLES: Final[Mapping[str, Example]] = {
    "AI001": Example(
        bad=_queue("arguments: {x-dead-letter-exchange: gone}"),
        says="queue q: its dead letter exchange 'gone' does not exist",
        good=_queue("arguments: {x-dead-letter-exchange: dlx}"),
    ),
    "AI002": Example(
        bad=_dead_letters("direct", "#"),
        says="queue q: its dead letters are lost: exchange 'dlx' leads to no queue for the"
        " routing key 'order.created', which they keep",
        good=_dead_letters("topic", "order.#"),
    ),
    "AI003": Example(
        bad=_cycle("x-message-ttl: 100"),
        says="queue wait: messages expire in a cycle (wait -> work -> wait) and are dropped after one round",
        good=_cycle("x-message-ttl: 100", keeps="k"),
    ),
    "AI004": Example(
        bad=_cycle("x-max-length: 100"),
        says="queue wait: dead letters come back in a cycle (wait -> work -> wait)",
        good=_cycle("x-max-length: 100", waits_for="other", keeps="k"),
    ),
    "AI005": Example(
        bad=_queue(
            "type: quorum, arguments: {x-dead-letter-exchange: dlx, x-dead-letter-strategy: at-least-once}"
        ),
        says="queue q: at-least-once silently falls back to at-most-once: its overflow is drop-head",
        good=_queue(
            "type: quorum, arguments: {x-dead-letter-exchange: dlx, x-dead-letter-strategy: at-least-once,"
            " x-overflow: reject-publish}"
        ),
    ),
    "AI006": Example(
        bad=_queue("type: quorum, arguments: {x-delivery-limit: 3}"),
        says="queue q: a message is dropped after 3 failed deliveries",
        good=_queue("type: quorum, arguments: {x-delivery-limit: 3, x-dead-letter-exchange: dlx}"),
    ),
    "AI007": Example(
        bad=_queue("type: quorum"),
        says="queue q: after 20 failed deliveries (the default) a message is dropped",
        good=_queue("type: quorum"),
        good_version=(3, 13),
    ),
    "AI010": Example(
        bad=_bound("direct", "routing_key: '#'"),
        says="binding e -> q with routing key #: 'e' is a direct exchange: it takes the key '#' literally",
        good=_bound("topic", "routing_key: '#'"),
    ),
    "AI011": Example(
        bad=_bound("topic", "routing_key: k, arguments: {x-match: any, a: b}"),
        says="a topic exchange ignores arguments: a, x-match",
        good=_bound("headers", "routing_key: k, arguments: {x-match: any, a: b}"),
    ),
    "AI012": Example(
        bad=_bound("fanout", "routing_key: k", ""),
        says="binding e -> q with routing key k: it matches the same messages as the binding",
        good=_bound("direct", "routing_key: k", ""),
    ),
    "AI013": Example(
        bad=_bound("topic", "routing_key: 'order.#'", "routing_key: 'order.*.paid'"),
        says="binding e -> q with routing key order.*.paid: the key 'order.#' of another binding",
        good=_bound("topic", "routing_key: 'order.*'", "routing_key: 'order.*.paid'"),
    ),
    "AI014": Example(
        bad=_bound("topic", "routing_key: 'orders*'"),
        says="binding e -> q with routing key orders*: 'orders*' is not a wildcard",
        good=_bound("topic", "routing_key: 'orders.*'"),
    ),
    "AI015": Example(
        bad=_internal("invoice.*"),
        says="binding inner -> q with routing key invoice.*: no message matches",
        good=_internal("*.paid"),
    ),
    "AI016": Example(
        bad=_bound("headers", "arguments: {x-kind: invoice}"),
        says="it matches every message, since RabbitMQ ignores x-kind",
        good=_bound("headers", "arguments: {x-kind: invoice, x-match: all-with-x}"),
    ),
    "AI017": Example(
        bad=_bound("topic", "routing_key: '#.a.#.b.#'"),
        says="binding e -> q with routing key #.a.#.b.#: 3 words `#`",
        good=_bound("topic", "routing_key: '#.a.#'"),
        version=(4, 0),
        good_version=(4, 0),
    ),
    "AI018": Example(
        bad=_bound("headers", "routing_key: a~b, arguments: {a: b}"),
        says="the management API answers 500 to any listing of bindings",
        good=_bound("headers", "routing_key: a~, arguments: {a: b}"),
    ),
    "AI019": Example(
        bad=_bound("direct", "routing_key: undefined"),
        says="the management API cannot show or delete a binding with the key 'undefined'",
        good=_bound("direct", "routing_key: undefined.key"),
    ),
    "AI020": Example(
        bad="exchanges: {e: {arguments: {alternate-exchange: amq.fanout}}}",
        says="exchange e: messages to it are dropped: it has no bindings",
        good="exchanges: {e: {arguments: {alternate-exchange: amq.fanout}}}\n"
        "queues: {q: {bindings: [{exchange: amq.fanout}]}}",
    ),
    "AI021": Example(
        bad="exchanges: {e: {arguments: {alternate-exchange: gone}}}",
        says="exchange e: its alternate exchange 'gone' does not exist",
        good="exchanges: {e: {arguments: {alternate-exchange: f}}, f: {}}",
    ),
    "AI022": Example(
        bad="exchanges: {e: {internal: true}}",
        says="exchange e: clients cannot publish to an internal exchange, and nothing else leads to it",
        good="exchanges: {e: {internal: true}, f: {arguments: {alternate-exchange: e}}}",
    ),
    "AI030": Example(
        bad="queues: {q: {}}",
        says="queue q: it has no bindings",
        good=_bound("direct", ""),
    ),
    "AI031": Example(
        bad=_queue("auto_delete: true"),
        says="queue q: if it never has a consumer, it is never deleted",
        good=_queue("auto_delete: true", "p: {pattern: ^q$, definition: {expires: 5000}}"),
    ),
    "AI032": Example(
        bad=_queue("arguments: {x-message-ttl: 5}", "p: {pattern: ^q$, definition: {message-ttl: 0}}"),
        says="queue q: a message expires at once",
        good=_queue("arguments: {x-message-ttl: 1}"),
    ),
    "AI033": Example(
        bad=_queue("durable: true"),
        says="queue q: it grows without bound if it has no consumer",
        good=_queue("durable: true", "p: {pattern: ^q$, definition: {max-length: 5000}}"),
    ),
    "AI034": Example(
        bad=_everything("a.*"),
        says="queue q: it gets every message from 'e', other queues only some",
        good=_everything("#"),
    ),
    "AI035": Example(
        bad=_bound("direct", ""),
        says="queue q: it has no consumer, and nothing limits it",
        good="queues: {busy: {}, unknown: {}}",
        consumers={"q": 0, "busy": 1},
    ),
    "AI036": Example(
        bad=_queue("type: quorum, arguments: {x-overflow: reject-publish-dlx}"),
        says="queue q: a quorum queue treats reject-publish-dlx as drop-head",
        good=_queue("type: classic, arguments: {x-overflow: reject-publish-dlx}"),
    ),
    "AI040": Example(
        bad=_policies("p: {pattern: jobs, definition: {max-length: 5}}"),
        says="policy p: its pattern 'jobs' also matches names of others, such as 'somebody-elses.jobs'",
        good=_policies("p: {pattern: ^jobs, definition: {max-length: 5}}"),
    ),
    "AI041": Example(
        bad=_policies("p: {pattern: ^job$, definition: {max-length: 5}}"),
        says="policy p: its pattern '^job$' matches no name of an exchange or queue",
        good=_policies("p: {pattern: ^jobs$, definition: {max-length: 5}}"),
    ),
    "AI042": Example(
        bad=_policies("p: {pattern: ^jobs, definition: {expires: 5}}, o: {pattern: ^j, definition: {expires: 6}}"),
        says="policy p: it and policy 'o' both apply to 'jobs' with priority 0",
        good=_policies(
            "p: {pattern: ^jobs, definition: {expires: 5}},"
            " o: {pattern: ^j, priority: 1, definition: {expires: 6}}"
        ),
    ),
    "AI043": Example(
        bad=_policies("p: {pattern: ^jobs, definition: {delivery-limit: 5}}"),
        says="policy p: delivery-limit has no effect on the queues it applies to, which are all classic",
        good=_policies("p: {pattern: ^jobs, definition: {delivery-limit: 5}}", "{type: quorum}"),
    ),
    "AI050": Example(
        bad=_queue("arguments: {x-queue-version: 1}"),
        says="queue q: RabbitMQ 4.3 refuses x-queue-version 1: version 1 was removed",
        good=_queue("arguments: {x-queue-version: 1}"),
        good_version=(4, 2),
    ),
    "AI051": Example(
        bad=_queue("arguments: {x-queue-mode: lazy}"),
        says="queue q: RabbitMQ 4.3 ignores x-queue-mode",
        good=_queue("arguments: {x-queue-mode: lazy}"),
        good_version=(3, 10),
    ),
    "AI052": Example(
        bad=_queue("durable: false"),
        says="queue q: RabbitMQ 4.3 deprecates queues that are neither durable nor exclusive",
        good=_queue("durable: true"),
    ),
    "AI060": Example(
        bad='queues: {"q ": {}}',
        says="queue q : its name has invisible characters: 'q '",
        good='queues: {"q q": {}}',
    ),
    "AI061": Example(
        bad="queues: {a/b c: {}}",
        says="queue a/b c: its name must be quoted in URLs and shells: it has ' /'",
        good="queues: {a.b-c_é: {}}",
    ),
    "AI062": Example(
        bad="queues: {Jobs: {}, jobs: {}}",
        says="queue jobs: its name looks like 'Jobs'",
        good="queues: {jobs: {}}\nexchanges: {Jobs: {}}",
    ),
    "AI070": Example(
        bad="lint: {ignore: [{rule: AI001, object: queue q, reason: it was so once}]}",
        says="suppression of AI001: there is no finding of AI001 about queue q to suppress",
        good="queues: {q: {}}\nlint: {ignore: [{rule: AI030, object: q, reason: publishers know it}]}",
    ),
}
