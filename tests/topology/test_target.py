"""The broker that a command asks, and the expectations of it."""

from __future__ import annotations

import pytest

from attune_infra.errors import WrongTarget
from attune_infra.settings import Expectation
from attune_infra.topology.target import Target

TARGET = Target(cluster="prod", version="4.3.6", virtual_host="/", user="ann")
PROD, STAGE = Expectation("prod", "--expect-cluster"), Expectation("stage", "x.yaml")


@pytest.mark.parametrize("expected", [(), (PROD,), (PROD, PROD)])
def test_a_cluster_of_the_expected_name_is_right(expected: tuple[Expectation, ...]) -> None:
    TARGET.insist_on(expected)


def test_every_expectation_counts() -> None:
    with pytest.raises(WrongTarget, match=r"the broker is the cluster 'prod', but x\.yaml expects 'stage'"):
        TARGET.insist_on((PROD, STAGE))


def test_a_cluster_that_tells_no_name_is_not_the_expected_one() -> None:
    nameless = Target(cluster=None, version="4.3.6", virtual_host="/", user="ann")

    with pytest.raises(WrongTarget, match="the broker is a cluster that tells no name, but --expect-cluster"):
        nameless.insist_on((PROD,))
