"""The settings of a virtual host that a release ignores: left out of the plan, with a sentence."""

from __future__ import annotations

from attune_infra.topology.facts.virtual_hosts import PROTECTION, lacking_settings
from attune_infra.topology.model import Topology, VirtualHost
from attune_infra.topology.planning.virtual_host import as_release_takes_it

WANT = Topology.of(
    [VirtualHost(name="v", tags=("t",), default_queue_type="quorum", protected_from_deletion=True)], name="p"
)


def test_protection_came_with_4_0_6() -> None:
    assert [each for each in ("3.10.8", "4.0.5", "4.0.6", "4.1.0", "4.3.6+dev") if lacking_settings(each)] == [
        "3.10.8",
        "4.0.5",
    ]


def test_what_a_release_ignores_is_not_planned() -> None:
    old = Topology(version=(3, 10), lacking=frozenset({PROTECTION}))

    taken, sentences = as_release_takes_it(WANT, old)

    assert taken.virtual_host == VirtualHost(name="v", tags=("t",))
    assert [sentence.partition(" of ")[0].partition(" from ")[0] for sentence in sentences] == [
        "RabbitMQ before 3.11 ignores the default queue type 'quorum'",
        "RabbitMQ before 4.0.6 cannot protect a virtual host",
    ]


def test_an_existing_virtual_host_shows_if_it_can_be_protected() -> None:
    for there, is_taken in ((False, True), (None, False)):
        have = Topology.of([VirtualHost(name="v", protected_from_deletion=there)])
        taken, sentences = as_release_takes_it(WANT, have)
        assert taken.virtual_host is not None
        assert bool(taken.virtual_host.protected_from_deletion) is is_taken
        assert bool(sentences) is not is_taken


def test_a_release_that_knows_everything_takes_everything() -> None:
    assert as_release_takes_it(WANT, Topology()) == (WANT, ())
