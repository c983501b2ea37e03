"""`setup --via amqp` without the management API, while AMQP is cut: a sentence each time, never false success."""

from __future__ import annotations

from pathlib import Path

import amqp
import pytest

from attune_infra.settings import AMQP_URL
from support.as_a_user import Command, Result
from support.faults.line import Harm, LineFault, line_to
from support.no_management import without_management
from support.virtual_host import VirtualHost

DOCUMENT = """
exchanges: {shop: {type: topic}}
queues:
  jobs: {bindings: [{exchange: shop, routing_key: 'job.#'}]}
  dead: {arguments: {x-max-length: 5}}
"""
PLACES = 6
"""Bytes to cut at, in each direction; 20 were tried once on each release."""


@pytest.mark.parametrize("harm", [Harm.CUT, Harm.RESET])
@pytest.mark.parametrize("upwards", [True, False], ids=["upwards", "downwards"])
def test_a_cut_is_said_and_the_next_run_completes(
    attune_infra: Command, vhost: VirtualHost, tmp_path: Path, harm: Harm, *, upwards: bool
) -> None:
    path = tmp_path / "shop.yaml"
    path.write_text(DOCUMENT)
    codes, wrong = [], list[tuple[int, Result]]()
    with line_to(vhost.ports[0]) as line:
        url = vhost.amqp_url_through(line.port)
        closed = Command({**without_management(attune_infra).environment, AMQP_URL.variable: url})

        def run(*faults: LineFault) -> Result:
            line.arm(faults)
            return closed("setup", str(path), "--via", "amqp", "--timeout", "2s")

        assert run().code == 0
        passage = line.passages[0]
        length = sum(map(len, passage.upwards if upwards else passage.downwards))
        for byte in range(0, length, length // PLACES + 1):
            delete_all(vhost)
            result = run(LineFault(0, upwards, byte, harm))
            codes.append(result.code)
            drift = attune_infra("diff", str(path)).code
            if "Traceback" in result.stderr or result.code not in {0, 1, 3} or (result.code == 0 and drift != 0):
                wrong.append((byte, result))
            assert run().code == attune_infra("diff", str(path)).code == 0

    assert not wrong
    assert 1 in codes


def delete_all(vhost: VirtualHost) -> None:
    connection: amqp.Connection = vhost.client()
    channel = connection.channel()
    for queue in ("jobs", "dead"):
        channel.queue_delete(queue)
    channel.exchange_delete("shop")
    connection.close()
