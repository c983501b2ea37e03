"""Arguments with allowed and with forbidden values, and a check that a broker accepts a declaration."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from attune_infra.errors import BrokerError
from attune_infra.topology.facts.arguments import QUEUE_ARGUMENTS, QUEUE_TYPES, Rule


def good(rule: Rule) -> list[object]:
    """Return values that a rule allows, among them the first and the last."""
    if rule.choices:
        return list(rule.choices)
    if rule.pattern:
        return ["1Y", "10M", "007D", "1h", "1m", "1s"]
    if rule.kind is int:
        return [rule.minimum or 0, *([] if rule.maximum is None else [rule.maximum])]
    return [True, False] if rule.kind is bool else ["", "x"]


def bad(rule: Rule) -> list[object]:
    """Return values that a rule forbids, among them the neighbours of the first and the last allowed one."""
    anything: tuple[object, ...] = (1, True, 1.5, "1", [], {})
    values = [value for value in anything if type(value) is not rule.kind]
    if rule.choices:
        values += ["none", rule.choices[0].upper()]
    if rule.pattern:
        values += ["", "1", "D", "0D", "1d", "1.5h", "1 h", " 1h", "1h "]
    if rule.kind is int:
        values += [] if rule.minimum is None else [rule.minimum - 1]
        values += [] if rule.maximum is None else [rule.maximum + 1]
    return values


def good_and_bad(rule: Rule) -> list[object]:
    return good(rule) + bad(rule)


def queue_cases(
    values: Callable[[Rule], list[object]] = good_and_bad,
) -> Iterator[tuple[str, dict[str, object]]]:
    """Yield each argument with each of its values, for a queue of each type."""
    for rule in QUEUE_ARGUMENTS.values():
        for value in values(rule):
            needed = {rule.needs: "x"} if rule.needs else {}
            if rule.name == "x-queue-type":
                yield rule.name, {rule.name: value}
                continue
            for queue_type in QUEUE_TYPES:
                yield rule.name, {"x-queue-type": queue_type, rule.name: value, **needed}
        if rule.needs:
            yield rule.name, {rule.name: "x"}


def is_accepted(declare: Callable[[], object]) -> bool:
    """Return true if the broker accepts a declaration at least once in a few attempts.

    One refusal proves nothing: on 4.3 a quorum queue with an expiry of 1 ms may expire while its declaration still
    waits for it to start, and RabbitMQ answers 400 then, too (seen 4 times in 150).
    """

    def is_accepted_now() -> bool:
        try:
            declare()
        except BrokerError:
            return False
        return True

    return any(is_accepted_now() for _ in range(5))
