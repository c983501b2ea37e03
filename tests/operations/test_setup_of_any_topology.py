"""Any topology, on a real broker: made, it is what was wanted; exported and made elsewhere, it is the same."""

from __future__ import annotations

from secrets import token_hex

import pytest
from hypothesis import HealthCheck, Phase, given, settings

from attune_infra.broker.rabbitmq import RabbitMQ
from attune_infra.operations.setup import setup
from attune_infra.settings import Via
from attune_infra.topology.diff import diff, undeclared
from attune_infra.topology.document.parse import parse
from attune_infra.topology.document.write import write
from attune_infra.topology.model import Topology
from support.accepted import accepted_topologies
from support.under_test import BrokerUnderTest
from support.virtual_host import VirtualHost, create_virtual_host


@pytest.mark.lengthy
@pytest.mark.parametrize("via", list(Via))
def test_any_topology(
    via: Via, vhost: VirtualHost, under_test: BrokerUnderTest, pytestconfig: pytest.Config
) -> None:
    @settings(
        max_examples=pytestconfig.getoption("--topologies") // (2 * len(Via)),  # each is made twice, by either way
        deadline=None,
        database=None,
        phases=(Phase.generate, Phase.shrink),
        suppress_health_check=list(HealthCheck),
    )
    @given(topology=accepted_topologies(transient_queues=not under_test.denies_transient_queues))
    def check(topology: Topology) -> None:
        with (
            create_virtual_host(vhost, f"one {token_hex(4)}") as one,
            create_virtual_host(vhost, f"other {token_hex(4)}") as other,
        ):
            exported = apply(topology, one, via)
            again = apply(parse(write(exported), source="exported"), other, via)
        assert again.objects() == exported.objects()

    check()


def apply(topology: Topology, vhost: VirtualHost, via: Via) -> Topology:
    """Make a topology, insist that nothing is left to do, and return what is there now."""
    with RabbitMQ(vhost.settings(), via=via) as broker:
        report = setup(broker, topology)
        assert report.exit_code == 0, [outcome for outcome in report.outcomes if outcome.reason]
        have = broker.read()
        assert diff(have, topology) == ()
        assert undeclared(have, topology) == ()
        return have
