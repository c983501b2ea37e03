import re

from hypothesis import given, settings
from hypothesis import strategies as st

from attune_infra.topology.document.judge import judge_with_values
from attune_infra.topology.document.parse import parse
from attune_infra.topology.document.problems import InvalidDocument
from attune_infra.topology.document.write import write
from attune_infra.topology.model import Argument, Binding, Exchange, Policy, Queue, Topology, TopologyObject

_names = st.sampled_from((
    "x-message-ttl", "x-max-length", "x-max-lenght", "x-dead-letter-routing-key", "x-dead-letter-exchange",
    "x-max-priority", "x-max-age", "x-delivery-limit", "x-single-active-consumer", "x-match", "alternate-exchange",
))  # fmt: skip
_keys = st.sampled_from(["max-length", "max-lenght", "x-max-length", "max-priority", "ha-mode", "overflow"])
_values = st.sampled_from(
    [0, -1, 5, 2**63, True, 1.5, "", "all", "1D", "reject-publish", [], [[2**70]], {"a": {}}]
)
_arguments = st.dictionaries(_names, _values, max_size=3)
_items: st.SearchStrategy[TopologyObject] = (
    st.builds(Exchange, name=st.just("e"), arguments=_arguments)
    | st.builds(
        Queue,
        name=st.just("q"),
        type=st.sampled_from([None, "classic", "quorum", "stream", "fast"]),
        durable=st.booleans(),
        auto_delete=st.booleans(),
        arguments=_arguments,
    )
    | st.builds(
        Policy,
        name=st.just("p"),
        pattern=st.sampled_from(["", "^a", "(", "[z-a]"]),
        definition=st.dictionaries(_keys, _values, max_size=2),
    )
    | st.builds(
        Binding,
        source=st.sampled_from(["amq.headers", "amq.topic"]),
        destination=st.just("amq.fanout"),
        destination_type=st.just("exchange"),
        arguments=_arguments,
    )
)


@given(_items)
@settings(deadline=None, max_examples=300)
def test_an_object_has_a_problem_where_its_document_would_be_refused(item: TopologyObject) -> None:
    from_headers = isinstance(item, Binding) and item.source == "amq.headers"

    found = list(judge_with_values(item, from_headers=from_headers))

    assert bool(found) == bool(problems_of_its_document(item)), (found, problems_of_its_document(item))


def problems_of_its_document(item: TopologyObject) -> set[str]:
    try:
        parse(write(Topology.of([item])), source="x.yaml")
    except InvalidDocument as refusal:
        return {re.sub(r"^x.yaml:\d+:\d+: ", "", line) for line in refusal.sentence.splitlines()}
    return set()


def test_what_no_document_can_say_is_found_too() -> None:
    deep: Argument = "x"
    for _ in range(60):
        deep = [deep]

    queue = Queue(name="q", arguments={"a": None, "b": [{"c": None}], "d": deep})

    assert [defect.sentence for defect in judge_with_values(queue)] == [
        "'a' holds null, which RabbitMQ cannot store",
        "'b' holds null, which RabbitMQ cannot store",
        "'d' is nested more than 40 levels deep",
    ]
