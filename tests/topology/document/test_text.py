import pytest

from attune_infra.topology.document.text import LeftOut, group_left_out, make_portable
from attune_infra.topology.model import Queue, Topology


@pytest.mark.parametrize(
    ("default_type", "queue", "named"),
    [
        ("classic", Queue(name="q", type="classic"), "classic"),
        ("classic", Queue(name="q"), None),
        ("classic", Queue(name="q", type="quorum"), "quorum"),
        ("classic", Queue(name="q", type="stream"), "stream"),
        ("quorum", Queue(name="q", type="classic"), "classic"),
        ("quorum", Queue(name="q", type="quorum"), "quorum"),
        ("quorum", Queue(name="q"), "quorum"),
        ("quorum", Queue(name="q", type="classic", durable=False), None),
        ("quorum", Queue(name="q", durable=False), None),
    ],
)
def test_a_queue_names_its_type_where_a_virtual_host_might_choose_another(
    default_type: str, queue: Queue, named: str | None
) -> None:
    topology = make_portable(Topology.of([queue], default_queue_type=default_type))

    assert topology.queues["q"].type == named
    assert topology.default_queue_type == "classic"


def test_what_was_left_out_is_gathered_by_kind_and_reason() -> None:
    assert group_left_out(
        [("users", "b", "why"), ("users", "a", "why"), ("users", "b", "why"), ("users", "a", "no")]
    ) == (
        LeftOut("users", ("b", "a"), "why"),
        LeftOut("users", ("a",), "no"),
    )
