"""Ports that a server can have again after a restart."""

from __future__ import annotations

from attune_infra.sandbox.ports import free_ports

FIRST_OF_CONNECTIONS = 32_768
"""Linux gives connections ports from here on; other systems begin higher."""


def test_no_connection_of_others_gets_the_port_of_a_server_that_is_down() -> None:
    ports = free_ports(50)

    assert len(set(ports)) == 50
    assert max(ports) < FIRST_OF_CONNECTIONS
