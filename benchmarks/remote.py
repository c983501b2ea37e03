"""Measure commands on a broker that is far away: python remote.py [WORKERS].

A proxy delays all bytes, so that a round trip takes 0, 50 or 200 ms; a new TCP connection costs one more. It does
not limit the bandwidth. For each distance it prints the seconds of whole processes, the round trips that a command
waits for, and the ratio of its time to that of the near broker plus these round trips. Turns alternate, and the
fastest counts.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path
from urllib.parse import quote

from attune_infra.broker.http.management import Management
from attune_infra.sandbox import bound
from benchmarks.workshop import clean_environment
from support.distance import at_distance
from support.virtual_host import VirtualHost

DISTANCES = (0.0, 0.05, 0.2)
ROUNDS = 3
WORKERS = 2_000
TARGET = 1.3
"""The most that provisioning many workers far away may take, beside near by and the round trips."""


def commands(workers: int) -> tuple[str, ...]:
    return ("setup", "diff", "verify", "export", "lint --live", f"worker provision --id 1-{workers}")


def run(command: str, vhost: VirtualHost) -> float:
    """Return the seconds that a command takes; it may find something."""
    program = str(Path(sys.executable).with_name("attune-infra"))
    began = time.perf_counter()
    ended = subprocess.run(
        [program, *command.split()],
        env={**clean_environment(), **vhost.environment},
        capture_output=True,
        text=True,
        check=False,
    )
    took = time.perf_counter() - began
    if ended.returncode not in {0, 2}:
        raise SystemExit(f"{command}: {ended.stderr}")
    return took


def take_turn(command: str, base: VirtualHost, management: Management, distance: float) -> tuple[float, int]:
    """Return the seconds of a command in a virtual host that is set up, and its round trips with connecting."""
    name = f"remote {time.monotonic_ns()}"
    management.put("vhosts", name, body={})
    near = VirtualHost(name, f"{base.amqp_url.rpartition('/')[0]}/{quote(name, safe='')}", base.management_url)
    try:
        run("setup", near)
        with at_distance(*near.ports, round_trip=distance) as between:
            amqp_port, management_port = between.ports
            took = run(command, near.at(amqp=[amqp_port], management=[management_port]))
            return took, between.with_connecting
    finally:
        management.delete("vhosts", name)


def main(workers: int) -> None:
    with bound(postgres=False) as sandbox:
        base = VirtualHost("/", sandbox.amqp_url, sandbox.management_url)
        management = Management(base.settings(timeout=600.0))
        print(f"load {os.getloadavg()[0]:.0f}; RabbitMQ {management.overview().version}; least of {ROUNDS}")
        print(f"{'command':32}{'away':>8}{'seconds':>9}{'round trips':>13}{'ratio':>8}")
        for command in commands(workers):
            turns = [
                [take_turn(command, base, management, distance) for distance in DISTANCES] for _ in range(ROUNDS)
            ]
            found = [min(column) for column in zip(*turns, strict=True)]
            for (took, trips), distance in zip(found, DISTANCES, strict=True):
                ratio = took / (found[0][0] + trips * distance)
                verdict = "" if ratio <= TARGET else f"  MISSED: the target is {TARGET:g}x"
                print(f"{command:32}{distance * 1000:>5.0f} ms{took:>9.2f}{trips:>13}{ratio:>7.2f}x{verdict}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else WORKERS)
