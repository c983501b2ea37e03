from dataclasses import replace

import pytest

from attune_infra.errors import InvalidInput
from attune_infra.topology.builtin import attune
from attune_infra.topology.dead_letters import dead_letter_exchange
from attune_infra.topology.model import Queue


def test_rejected_messages_go_where_those_of_the_other_queues_go() -> None:
    assert dead_letter_exchange(attune()) == "attune.dlx"


def test_several_or_none_are_no_answer() -> None:
    other = Queue(name="q", arguments={"x-dead-letter-exchange": "other"})

    with pytest.raises(InvalidInput, match=r"the queues of topology 'attune' name attune\.dlx, other"):
        dead_letter_exchange(replace(attune(), queues={**attune().queues, "q": other}))
    with pytest.raises(InvalidInput, match="the queues of topology 'attune' name none"):
        dead_letter_exchange(replace(attune(), queues={}))
