"""The checks of the demanded workers, one worker after another."""

from __future__ import annotations

from collections.abc import Iterator

from attune_infra.topology.diff import change_of
from attune_infra.topology.model import Binding, Queue, Topology, label
from attune_infra.topology.verify.checks import Check, ChecksOfWorkers, Code, Consumer, Kind, Verdict
from attune_infra.topology.verify.healthy import Healthy, is_consumed
from attune_infra.topology.verify.inputs import Seen, Wanted
from attune_infra.topology.verify.objects import check_of_object, code_of
from attune_infra.topology.words import counted
from attune_infra.topology.worker import consumer_tag_of, fill, objects_of, worker_family


def checks_of_workers(seen: Seen, have: Topology, want: Wanted, healthy: Healthy) -> ChecksOfWorkers:
    """Return the checks of the demanded workers; the first of many healthy ones stands for all of its kind."""
    ids, checks_of = want.demands.worker_ids, _OneByOne(seen, have, want).checks_of
    first = {members[0]: members for members in healthy.kinds}
    one_by_one = set(ids) - healthy.worker_ids
    kinds = [
        Kind(checks_of(each), first.get(each, (each,))) for each in ids if each in first or each in one_by_one
    ]
    return ChecksOfWorkers(ids, kinds, checks_of)


class _OneByOne:
    """The exact way: the checks of any one worker."""

    def __init__(self, seen: Seen, have: Topology, want: Wanted) -> None:
        self._seen, self._have, self._want = seen, have, want
        self._family = family = worker_family(want.topology)
        of_any: list[Queue | Binding] = [*family.queues, *family.bindings]
        self._templates = [(code_of(item), label(item)) for item in of_any]
        self._consumers = [str(Consumer(family.consumer_tag, queue.name)) for queue in family.queues]

    def checks_of(self, worker_id: int) -> tuple[Check, ...]:
        return tuple(self._checks_of(worker_id))

    def _checks_of(self, worker_id: int) -> Iterator[Check]:
        have, objects = self._have, objects_of(self._family, worker_id)
        for item, (code, template) in zip(objects, self._templates, strict=True):
            change, there = change_of(item, have), have.queues.get(item.name) if type(item) is Queue else None
            if change is None and (there is None or there.works):  # short, since thousands of workers get here
                name = fill(template, worker_id)
                yield Check(code, item, name, Verdict.PASSED, worker_id=worker_id, template=template)
            else:
                check = check_of_object(item, change, have)
                yield check._replace(worker_id=worker_id, template=template)
        tag = consumer_tag_of(self._family, worker_id)
        for item, template in zip(objects, self._consumers, strict=False):  # the queues come first
            if isinstance(item, Queue) and item.name in have.queues:
                wanted = Consumer(tag, item.name)
                yield _check_of_consumer(self._seen, wanted, worker_id, template, self._want)


def _check_of_consumer(seen: Seen, wanted: Consumer, worker_id: int, template: str, want: Wanted) -> Check:
    (tag, queue), name = wanted, fill(template, worker_id)
    tags, count = seen.consumer_tags.get(queue, ()), seen.consumer_counts.get(queue)
    consumed = is_consumed(tag, tags, count)
    if consumed:
        present = Verdict.PASSED
        return Check(Code.CONSUMER_PRESENT, wanted, name, present, worker_id=worker_id, template=template)
    if consumed is False:
        detail = "no consumer"
    elif tags:
        detail = f"is missing; {', '.join(tags)} consumes instead"
    else:
        detail = f"unknown: the queue has {counted(count, 'consumer')}, but the statistics have no consumer tags"
    return Check(
        Code.CONSUMER_PRESENT,
        wanted,
        name,
        Verdict.FAILED if want.demands.require_consumers else Verdict.WARNING,
        detail,
        hint=f"is worker {worker_id} running?",
        worker_id=worker_id,
        template=template,
    )
